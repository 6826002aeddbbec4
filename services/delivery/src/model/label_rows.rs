//! Labels as they were made: the same bytes on every print.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::Tx;
use types::ShipmentId;
use uuid::Uuid;

use crate::error::Result;
use crate::schema::shipment_labels as rows;

/// A label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub content: Vec<u8>,
    pub content_type: String,
}

/// Keeps the first label of a parcel; a later one is dropped.
pub async fn keep(tx: &mut Tx, shipment: ShipmentId, label: &Label) -> Result<()> {
    let now = tx.now();
    diesel::insert_into(rows::table)
        .values((
            rows::shipment_id.eq(shipment.uuid()),
            rows::content.eq(&label.content),
            rows::content_type.eq(&label.content_type),
            rows::create_time.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets the label of a parcel whose waybill is another now.
pub async fn forget(tx: &mut Tx, shipment: ShipmentId) -> Result<()> {
    diesel::delete(rows::table.find(shipment.uuid())).execute(tx.conn()).await?;
    Ok(())
}

/// The labels of parcels.
pub async fn find_all(
    conn: &mut AsyncPgConnection,
    shipments: &[ShipmentId],
) -> Result<HashMap<ShipmentId, Label>> {
    let ids: Vec<Uuid> = shipments.iter().map(ShipmentId::uuid).collect();
    let found: Vec<(Uuid, Vec<u8>, String)> = rows::table
        .filter(rows::shipment_id.eq_any(ids))
        .select((rows::shipment_id, rows::content, rows::content_type))
        .load(conn)
        .await?;
    let labels = found.into_iter();
    Ok(labels
        .map(|(id, content, content_type)| (ShipmentId::from_uuid(id), Label { content, content_type }))
        .collect())
}
