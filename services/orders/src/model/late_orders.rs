//! Orders whose goods must have left by a time and have not.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Result, cached_sql};
use uuid::Uuid;

use crate::model::order_filter::{self, OrderSummary};

/// The place of an order in the list: what is most urgent is first.
pub type LateKey = (DateTime<Utc>, Uuid);

/// What such orders must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parcels {
    /// Nothing.
    Any,
    /// A parcel that the carrier expects and does not have.
    Booked,
}

/// The places of at most `limit` orders after `after` that must leave before `until`.
pub async fn page(
    conn: &mut AsyncPgConnection,
    shops: Option<Vec<Uuid>>,
    until: DateTime<Utc>,
    parcels: Parcels,
    after: Option<LateKey>,
    limit: i64,
) -> Result<Vec<LateKey>> {
    let (after_time, after_id) = after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil()));
    let rows: Vec<LateKey> = cached_sql(
        "SELECT terms.ship_by_due_time, terms.order_id
         FROM order_terms AS terms JOIN orders AS o ON o.order_id = terms.order_id
         WHERE terms.ship_by_due_time < $1 AND (terms.ship_by_due_time, terms.order_id) > ($2, $3)
           AND ($4 IS NULL OR o.shop_id = ANY($4))
           AND o.state IN ('new', 'approval', 'assembling')
           AND (NOT $5 OR EXISTS (SELECT FROM order_fulfilments AS part
                                  WHERE part.order_id = o.order_id AND part.state = 'booked'))
         ORDER BY terms.ship_by_due_time, terms.order_id LIMIT $6",
    )
    .bind::<Timestamptz, _>(until)
    .bind::<Timestamptz, _>(after_time)
    .bind::<SqlUuid, _>(after_id)
    .bind::<Nullable<Array<SqlUuid>>, _>(shops)
    .bind::<Bool, _>(parcels == Parcels::Booked)
    .bind::<BigInt, _>(limit)
    .returns::<(Timestamptz, SqlUuid)>()
    .load(conn)
    .await?;
    Ok(rows)
}

/// What a list shows of them, in their order.
pub async fn summaries(conn: &mut AsyncPgConnection, keys: &[LateKey]) -> Result<Vec<OrderSummary>> {
    let ids: Vec<Uuid> = keys.iter().map(|key| key.1).collect();
    let mut rows = order_filter::summaries(conn, &ids).await?;
    rows.sort_by_key(|row| ids.iter().position(|id| *id == row.order_id.uuid()));
    Ok(rows)
}
