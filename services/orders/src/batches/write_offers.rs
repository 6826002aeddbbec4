//! What settled orders were placed with: kept beside the order, with what was taken off its lines.

use diesel::sql_types::{Array, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use store::{Result, Tx, cached_sql};
use uuid::Uuid;

use crate::model::adjustment;
use crate::model::order::Order;

/// Writes it for the orders of a batch that have any of it; for all others nothing is asked of the database.
pub(super) async fn write(tx: &mut Tx, orders: &[&Order]) -> Result<()> {
    let offered: Vec<&Order> = orders.iter().copied().filter(|order| !order.offer.is_empty()).collect();
    let lines =
        || orders.iter().flat_map(|order| order.lines.iter().map(|line| (order.order_id.uuid(), line)));
    let adjusted: Vec<_> = lines().filter(|(_, line)| !line.adjustments.is_empty()).collect();
    if offered.is_empty() && adjusted.is_empty() {
        return Ok(());
    }
    let offers = || offered.iter().map(|order| &order.offer);
    cached_sql(
        "WITH offers AS (
            INSERT INTO order_offers (order_id, quote_id, promo_code_id, promo_code, cart_id)
            SELECT * FROM unnest($1, $2, $3, $4, $5)
         )
         UPDATE order_lines AS line SET adjustments = new.adjustments
         FROM unnest($6, $7, $8) AS new (order_id, position, adjustments)
         WHERE line.order_id = new.order_id AND line.position = new.position",
    )
    .bind::<Array<SqlUuid>, _>(offered.iter().map(|order| order.order_id.uuid()).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(
        offers().map(|offer| offer.quote_id.map(Uuid::from)).collect::<Vec<_>>(),
    )
    .bind::<Array<Nullable<SqlUuid>>, _>(
        offers().map(|offer| offer.promo_code_id.map(Uuid::from)).collect::<Vec<_>>(),
    )
    .bind::<Array<Text>, _>(offers().map(|offer| offer.promo_code.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(offers().map(|offer| offer.cart_id.as_str()).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(adjusted.iter().map(|(order_id, _)| *order_id).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(adjusted.iter().map(|(_, line)| line.position).collect::<Vec<_>>())
    .bind::<Array<Nullable<Jsonb>>, _>(
        adjusted.iter().map(|(_, line)| adjustment::stored(&line.adjustments)).collect::<Vec<_>>(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
