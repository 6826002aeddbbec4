//! Covers shortages that were opened in the very moment in which their units first came to a warehouse, and those that were
//! too many for one transaction. All others are covered by what brings the units.

use std::time::Duration;

use diesel::sql_types::{BigInt, Bool, Text};
use diesel_async::RunQueryDsl;
use rpc::{Call, Caller};
use store::{Store, Tx, cached_sql};

use crate::error::Result;
use crate::model::{Occasion, Reservation, Stock, Warehouses, cover_oldest};
use crate::tell_shortages;

/// An overlooked shortage lives at most so much longer, a round's work aside.
pub const PERIOD: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(30);
/// SKUs of one transaction.
const ROUND_LENGTH: i64 = 100;

const ACTION: &str = "inventory.cover_shortages";

/// Covers what can be covered; what is left over the next round sees.
pub async fn run(store: Store) -> anyhow::Result<()> {
    let call = Call::begin(Caller::service(store.service()), PATIENCE);
    Ok(store.transaction(&call, async |tx: &mut Tx| cover(tx, &call).await).await?)
}

async fn cover(tx: &mut Tx, call: &Call) -> Result<()> {
    let skus = overlooked(tx).await?;
    if skus.is_empty() {
        return Ok(());
    }
    let skus: Vec<&str> = skus.iter().map(String::as_str).collect();
    let mut stock = Stock::lock(tx, &skus).await?;
    let mut reservations = Reservation::lock(tx, &[], &skus).await?;
    let warehouses = Warehouses::load(tx.conn()).await?;

    let now = tx.now();
    let occasion = Occasion { actor: call.caller.who(), now, due_time: now };
    let served = cover_oldest(&mut reservations, &mut stock, &warehouses, &occasion)?;
    let mut told = Vec::with_capacity(served.len());
    for (_, reservation) in reservations.iter_mut().filter(|(id, _)| served.contains(id)) {
        let changes = reservation.shortage_changes();
        told.push((&*reservation, changes));
    }

    stock.save(tx).await?;
    Reservation::save(tx, &told.iter().map(|(reservation, _)| *reservation).collect::<Vec<_>>()).await?;

    for (reservation, changes) in &told {
        tell_shortages::tell(tx, call, ACTION, reservation, changes);
    }
    Ok(())
}

/// SKUs that somebody misses and that are free where he may take them; none while another replica is at it.
async fn overlooked(tx: &mut Tx) -> Result<Vec<String>> {
    let (alone,): (bool,) = cached_sql("SELECT pg_try_advisory_xact_lock(7302)")
        .returns::<(Bool,)>()
        .get_result(tx.conn())
        .await?;
    if !alone {
        return Ok(Vec::new());
    }
    let rows: Vec<(String,)> = cached_sql(
        "SELECT DISTINCT s.sku
         FROM shortages s
         JOIN reservations r USING (reservation_id)
         JOIN stock_levels l ON l.sku = s.sku AND l.condition = 'sellable' AND l.on_hand > l.reserved
         JOIN warehouses w ON w.warehouse_id = l.warehouse_id AND NOT w.archived
         WHERE s.state = 'open' AND (cardinality(r.warehouse_ids) = 0 OR l.warehouse_id = ANY(r.warehouse_ids))
           AND (r.split = 'allowed'
                OR NOT EXISTS (SELECT FROM reservation_lines o WHERE o.reservation_id = r.reservation_id
                               AND o.warehouse_id <> l.warehouse_id)
                   AND NOT EXISTS (SELECT FROM reservation_shipments o WHERE o.reservation_id = r.reservation_id
                                   AND o.warehouse_id <> l.warehouse_id))
         ORDER BY s.sku LIMIT $1",
    )
    .bind::<BigInt, _>(ROUND_LENGTH)
    .returns::<(Text,)>()
    .load(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|(sku,)| sku).collect())
}
