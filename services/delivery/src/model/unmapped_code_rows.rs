//! Statuses of carriers that have no canonical one yet: counted, so that somebody adds them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use store::{Tx, cached_sql};
use types::ShipmentId;
use uuid::Uuid;

use crate::error::Result;
use crate::schema::unmapped_codes as rows;

/// A row of `unmapped_codes`.
#[derive(Queryable, Selectable)]
#[diesel(table_name = rows)]
pub struct UnmappedCodeRow {
    pub carrier: String,
    pub code: String,
    pub count: i64,
    pub first_seen_time: DateTime<Utc>,
    pub last_seen_time: DateTime<Utc>,
    pub last_shipment_id: Uuid,
}

/// Counts a report of `code`.
pub async fn count(tx: &mut Tx, carrier: &str, code: &str, shipment: ShipmentId) -> Result<()> {
    let now = tx.now();
    cached_sql(
        "INSERT INTO unmapped_codes (carrier, code, count, first_seen_time, last_seen_time, last_shipment_id)
         VALUES ($1, $2, 1, $3, $3, $4)
         ON CONFLICT (carrier, code) DO UPDATE
         SET count = unmapped_codes.count + 1, last_seen_time = $3, last_shipment_id = $4",
    )
    .bind::<Text, _>(carrier)
    .bind::<Text, _>(code)
    .bind::<Timestamptz, _>(now)
    .bind::<SqlUuid, _>(shipment.uuid())
    .execute(tx.conn())
    .await?;
    Ok(())
}
