//! Parcels and their tracking in their tables.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::Tx;
use types::{DeliveryPlanId, OrderId, ShipmentId, ShopId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::shipment::{Shipment, TrackingEvent};
use crate::model::tracking_status::TrackingStatus;
use crate::schema::{shipments as rows, tracking_events};

/// A row of `shipments`.
#[derive(Queryable, Selectable)]
#[diesel(table_name = rows)]
pub struct ShipmentRow {
    shipment_id: Uuid,
    delivery_plan_id: Uuid,
    order_id: Uuid,
    shop_id: Uuid,
    carrier: String,
    tracking_number: String,
    status: String,
    status_time: Option<DateTime<Utc>>,
    version: i64,
    create_time: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tracking_events)]
struct EventRow {
    shipment_id: Uuid,
    status: String,
    occur_time: DateTime<Utc>,
    description: String,
    location: String,
    incident_reason: String,
}

/// The parcel with this id.
pub async fn find(conn: &mut AsyncPgConnection, id: ShipmentId) -> Result<Option<Shipment>> {
    let found = rows::table.find(id.uuid()).select(ShipmentRow::as_select());
    let found: Option<ShipmentRow> = found.first(conn).await.optional()?;
    Ok(with_events(conn, found.into_iter().collect()).await?.pop())
}

/// The parcel with this id, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: ShipmentId) -> Result<Option<Shipment>> {
    let found = rows::table.find(id.uuid()).select(ShipmentRow::as_select()).for_update();
    let found: Option<ShipmentRow> = found.first(tx.conn()).await.optional()?;
    Ok(with_events(tx.conn(), found.into_iter().collect()).await?.pop())
}

/// The parcels of a plan, oldest first, which nobody else changes until the transaction ends.
pub async fn lock_of_plan(tx: &mut Tx, plan: DeliveryPlanId) -> Result<Vec<Shipment>> {
    let found = rows::table
        .filter(rows::delivery_plan_id.eq(plan.uuid()))
        .order((rows::create_time, rows::shipment_id))
        .select(ShipmentRow::as_select())
        .for_update();
    let found: Vec<ShipmentRow> = found.load(tx.conn()).await?;
    with_events(tx.conn(), found).await
}

/// Parcels of rows with their events, in the order of the rows.
pub async fn with_events(conn: &mut AsyncPgConnection, found: Vec<ShipmentRow>) -> Result<Vec<Shipment>> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = found.iter().map(|row| row.shipment_id).collect();
    let events: Vec<EventRow> = tracking_events::table
        .filter(tracking_events::shipment_id.eq_any(ids))
        .order((tracking_events::occur_time, tracking_events::sequence))
        .select(EventRow::as_select())
        .load(conn)
        .await?;
    let mut events_of: HashMap<Uuid, Vec<TrackingEvent>> = HashMap::new();
    for row in events {
        events_of.entry(row.shipment_id).or_default().push(row.read()?);
    }
    found.into_iter().map(|row| row.read(&mut events_of)).collect()
}

/// Adds a booked parcel.
pub async fn insert(tx: &mut Tx, shipment: &Shipment) -> Result<()> {
    diesel::insert_into(rows::table)
        .values((
            rows::shipment_id.eq(shipment.id.uuid()),
            rows::delivery_plan_id.eq(shipment.plan_id.uuid()),
            rows::order_id.eq(shipment.order_id.uuid()),
            rows::shop_id.eq(shipment.shop_id.uuid()),
            rows::carrier.eq(&shipment.carrier),
            rows::tracking_number.eq(&shipment.tracking_number),
            rows::status.eq(shipment.status.as_str()),
            rows::create_time.eq(shipment.create_time),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Saves the status and adds the event that gave it, or did not.
pub async fn save(tx: &mut Tx, shipment: &Shipment, event: &TrackingEvent) -> Result<()> {
    let now = tx.now();
    diesel::update(rows::table.find(shipment.id.uuid()))
        .set((
            rows::status.eq(shipment.status.as_str()),
            rows::status_time.eq(shipment.status_time),
            rows::version.eq(shipment.version),
        ))
        .execute(tx.conn())
        .await?;
    diesel::insert_into(tracking_events::table)
        .values((
            tracking_events::shipment_id.eq(shipment.id.uuid()),
            tracking_events::status.eq(event.status.as_str()),
            tracking_events::occur_time.eq(event.occur_time),
            tracking_events::description.eq(&event.description),
            tracking_events::location.eq(&event.location),
            tracking_events::incident_reason.eq(&event.incident_reason),
            tracking_events::record_time.eq(now),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

impl ShipmentRow {
    /// What the keyset of a list is made of.
    pub fn key(&self) -> (DateTime<Utc>, Uuid) {
        (self.create_time, self.shipment_id)
    }

    fn read(self, events_of: &mut HashMap<Uuid, Vec<TrackingEvent>>) -> Result<Shipment> {
        Ok(Shipment {
            id: ShipmentId::from_uuid(self.shipment_id),
            plan_id: DeliveryPlanId::from_uuid(self.delivery_plan_id),
            order_id: OrderId::from_uuid(self.order_id),
            shop_id: ShopId::from_uuid(self.shop_id),
            carrier: self.carrier,
            tracking_number: self.tracking_number,
            status: TrackingStatus::stored(&self.status)?,
            status_time: self.status_time,
            version: self.version,
            create_time: self.create_time,
            events: events_of.remove(&self.shipment_id).unwrap_or_default(),
        })
    }
}

impl EventRow {
    fn read(self) -> Result<TrackingEvent> {
        Ok(TrackingEvent {
            status: TrackingStatus::stored(&self.status)?,
            occur_time: self.occur_time,
            description: self.description,
            location: self.location,
            incident_reason: self.incident_reason,
        })
    }
}
