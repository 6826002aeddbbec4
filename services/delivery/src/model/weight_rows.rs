//! What parcels weigh, in the tables: what was declared is the plan's, or what was corrected for one parcel.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Integer, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Tx, cached_sql};
use types::ShipmentId;
use uuid::Uuid;

use crate::error::Result;
use crate::model::weight::Weight;

/// What parcels weigh.
pub async fn find_all(conn: &mut AsyncPgConnection, shipments: &[Uuid]) -> Result<HashMap<Uuid, Weight>> {
    type Row = (Uuid, i32, i32, Option<DateTime<Utc>>);
    let found: Vec<Row> = cached_sql(
        "SELECT s.shipment_id, coalesce((s.correction ->> 'weight_grams')::integer, p.weight_grams),
                coalesce(w.weighed_grams, 0), w.weighed_time
         FROM shipments AS s
         JOIN delivery_plans AS p ON p.delivery_plan_id = s.delivery_plan_id
         LEFT JOIN shipment_weights AS w ON w.shipment_id = s.shipment_id
         WHERE s.shipment_id = ANY($1)",
    )
    .bind::<Array<SqlUuid>, _>(shipments)
    .returns::<(SqlUuid, Integer, Integer, Nullable<Timestamptz>)>()
    .load(conn)
    .await?;
    let read = |(id, declared_grams, weighed_grams, weighed_time): Row| {
        (id, Weight { declared_grams, weighed_grams, weighed_time })
    };
    Ok(found.into_iter().map(read).collect())
}

/// Keeps what the carrier weighed.
pub async fn keep_weighed(tx: &mut Tx, shipment: ShipmentId, weight: Weight) -> Result<()> {
    cached_sql(
        "INSERT INTO shipment_weights (shipment_id, weighed_grams, weighed_time) VALUES ($1, $2, $3)
         ON CONFLICT (shipment_id) DO UPDATE
         SET weighed_grams = excluded.weighed_grams, weighed_time = excluded.weighed_time",
    )
    .bind::<SqlUuid, _>(shipment.uuid())
    .bind::<Integer, _>(weight.weighed_grams)
    .bind::<Nullable<Timestamptz>, _>(weight.weighed_time)
    .execute(tx.conn())
    .await?;
    Ok(())
}
