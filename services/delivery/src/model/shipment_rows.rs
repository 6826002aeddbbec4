//! Parcels and their tracking in their tables.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use store::{Error as StoreError, Tx, cached_sql};
use types::{CarrierAccountId, Currency, DeliveryPlanId, Money, OrderId, ShipmentId, ShopId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::handover_rows;
use crate::model::incident::Incident;
use crate::model::incident_rows;
use crate::model::shipment::{Cash, Handover, Shipment, Times, TrackingEvent};
use crate::model::shipment_state::ShipmentState;
use crate::model::tracking_status::TrackingStatus;
use crate::model::weight::Weight;
use crate::model::weight_rows;
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
    state: String,
    carrier_account_id: Option<Uuid>,
    carrier_service: String,
    carrier_parcel_id: String,
    sending: bool,
    work_time: Option<DateTime<Utc>>,
    attempts: i32,
    book_time: Option<DateTime<Utc>>,
    has_label: bool,
    poll_time: Option<DateTime<Utc>>,
    moved_time: Option<DateTime<Utc>>,
    stored_time: Option<DateTime<Utc>>,
    storage_end_time: Option<DateTime<Utc>>,
    watch_time: Option<DateTime<Utc>>,
    currency: String,
    cash_expected: i64,
    cash_collected: Option<i64>,
    cash_received: Option<i64>,
    delivered_time: Option<DateTime<Utc>>,
    carrier_price: Option<i64>,
    correction: Option<Value>,
    tracker_code: Uuid,
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
    carrier_code: String,
    code_map_version: i32,
    carrier_event_id: Option<String>,
}

/// The parcel with this id.
pub async fn find(conn: &mut AsyncPgConnection, id: ShipmentId) -> Result<Option<Shipment>> {
    let found = rows::table.find(id.uuid()).select(ShipmentRow::as_select());
    let found: Option<ShipmentRow> = found.first(conn).await.optional()?;
    Ok(whole(conn, found.into_iter().collect()).await?.pop())
}

/// The parcel with this tracker code.
pub async fn find_by_tracker(conn: &mut AsyncPgConnection, code: Uuid) -> Result<Option<Shipment>> {
    let found = rows::table.filter(rows::tracker_code.eq(code)).select(ShipmentRow::as_select());
    let found: Option<ShipmentRow> = found.first(conn).await.optional()?;
    Ok(whole(conn, found.into_iter().collect()).await?.pop())
}

/// The parcels with these ids.
pub async fn find_all(conn: &mut AsyncPgConnection, ids: &[Uuid]) -> Result<Vec<Shipment>> {
    let found = rows::table.filter(rows::shipment_id.eq_any(ids)).select(ShipmentRow::as_select());
    let found: Vec<ShipmentRow> = found.load(conn).await?;
    whole(conn, found).await
}

/// The parcel with this id, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: ShipmentId) -> Result<Option<Shipment>> {
    let found = rows::table.find(id.uuid()).select(ShipmentRow::as_select()).for_update();
    let found: Option<ShipmentRow> = found.first(tx.conn()).await.optional()?;
    Ok(whole(tx.conn(), found.into_iter().collect()).await?.pop())
}

/// The parcels of a plan, oldest first, which nobody else changes until the transaction ends.
pub async fn lock_of_plan(tx: &mut Tx, plan: DeliveryPlanId) -> Result<Vec<Shipment>> {
    let found = rows::table
        .filter(rows::delivery_plan_id.eq(plan.uuid()))
        .order((rows::create_time, rows::shipment_id))
        .select(ShipmentRow::as_select())
        .for_update();
    let found: Vec<ShipmentRow> = found.load(tx.conn()).await?;
    whole(tx.conn(), found).await
}

/// The parcel of an account that its carrier calls so.
pub async fn by_carrier_name(
    conn: &mut AsyncPgConnection,
    account: CarrierAccountId,
    carrier_parcel_id: &str,
    tracking_number: &str,
) -> Result<Option<ShipmentId>> {
    let of_account =
        rows::table.filter(rows::carrier_account_id.eq(account.uuid())).select(rows::shipment_id);
    let found: Option<Uuid> = if carrier_parcel_id.is_empty() {
        let numbered = of_account.filter(rows::tracking_number.eq(tracking_number));
        numbered.filter(rows::tracking_number.ne("")).first(conn).await.optional()?
    } else {
        let named = of_account.filter(rows::carrier_parcel_id.eq(carrier_parcel_id));
        named.filter(rows::carrier_parcel_id.ne("")).first(conn).await.optional()?
    };
    Ok(found.map(ShipmentId::from_uuid))
}

/// The parcels a job has something to do for: each is one worker's until `lease`, and counts the attempt. Those whose
/// carrier has not been asked yet are marked as sent before they are.
pub async fn claim_work(tx: &mut Tx, lease: DateTime<Utc>, limit: i64) -> Result<Vec<Shipment>> {
    let now = tx.now();
    let claimed: Vec<(Uuid,)> = cached_sql(
        "WITH due AS (
            SELECT shipment_id FROM shipments
            WHERE work_time <= $1 ORDER BY work_time LIMIT $2 FOR UPDATE SKIP LOCKED
         )
         UPDATE shipments AS s SET work_time = $3, attempts = s.attempts + 1
         FROM due WHERE s.shipment_id = due.shipment_id
         RETURNING s.shipment_id",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .bind::<Timestamptz, _>(lease)
    .returns::<(SqlUuid,)>()
    .load(tx.conn())
    .await?;
    let ids: Vec<Uuid> = claimed.into_iter().map(|(id,)| id).collect();
    find_all(tx.conn(), &ids).await
}

/// Notes that the carrier may know of a parcel from now on, unless the claim was lost; another worker does not see it
/// until `lease`, for the request may take as long as all before it did.
pub async fn mark_sending(tx: &mut Tx, parcel: &Shipment, lease: DateTime<Utc>) -> Result<bool> {
    let unlost = rows::table
        .find(parcel.id.uuid())
        .filter(rows::state.eq(parcel.state.as_str()))
        .filter(rows::attempts.eq(parcel.attempts));
    let changes = (rows::sending.eq(true), rows::work_time.eq(lease));
    let marked = diesel::update(unlost).set(changes).execute(tx.conn()).await?;
    Ok(marked == 1)
}

/// The parcels whose tracking is due, oldest question first; another worker does not see them until `lease`.
pub async fn claim_polls(tx: &mut Tx, lease: DateTime<Utc>, limit: i64) -> Result<Vec<Shipment>> {
    let now = tx.now();
    let claimed: Vec<(Uuid,)> = cached_sql(
        "WITH due AS (
            SELECT shipment_id FROM shipments
            WHERE poll_time <= $1 ORDER BY poll_time LIMIT $2 FOR UPDATE SKIP LOCKED
         )
         UPDATE shipments AS s SET poll_time = $3
         FROM due WHERE s.shipment_id = due.shipment_id
         RETURNING s.shipment_id",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .bind::<Timestamptz, _>(lease)
    .returns::<(SqlUuid,)>()
    .load(tx.conn())
    .await?;
    let ids: Vec<Uuid> = claimed.into_iter().map(|(id,)| id).collect();
    find_all(tx.conn(), &ids).await
}

/// Parcels that have become late, longest first, which nobody else changes until the transaction ends.
pub async fn lock_late(tx: &mut Tx, limit: i64) -> Result<Vec<Shipment>> {
    let now = tx.now();
    let found = rows::table
        .filter(rows::watch_time.le(now))
        .order(rows::watch_time)
        .limit(limit)
        .select(ShipmentRow::as_select())
        .for_update()
        .skip_locked();
    let found: Vec<ShipmentRow> = found.load(tx.conn()).await?;
    whole(tx.conn(), found).await
}

/// Parcels of rows with their events and incidents, in the order of the rows.
pub async fn whole(conn: &mut AsyncPgConnection, found: Vec<ShipmentRow>) -> Result<Vec<Shipment>> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = found.iter().map(|row| row.shipment_id).collect();
    let events: Vec<EventRow> = tracking_events::table
        .filter(tracking_events::shipment_id.eq_any(&ids))
        .order((tracking_events::occur_time, tracking_events::sequence))
        .select(EventRow::as_select())
        .load(conn)
        .await?;
    let mut events_of: HashMap<Uuid, Vec<TrackingEvent>> = HashMap::new();
    for row in events {
        events_of.entry(row.shipment_id).or_default().push(row.read()?);
    }
    let mut incidents_of = incident_rows::of_shipments(conn, &ids).await?;
    let handovers = handover_rows::find_all(conn, &ids).await?;
    let weights = weight_rows::find_all(conn, &ids).await?;
    let whole = |row: ShipmentRow| {
        let handover = handovers.get(&row.shipment_id).copied().unwrap_or_default();
        let weight = weights.get(&row.shipment_id).copied().unwrap_or_default();
        row.read(&mut events_of, &mut incidents_of, handover, weight)
    };
    found.into_iter().map(whole).collect()
}

/// Adds a parcel.
pub async fn insert(tx: &mut Tx, shipment: &Shipment) -> Result<()> {
    diesel::insert_into(rows::table)
        .values((
            (
                rows::shipment_id.eq(shipment.id.uuid()),
                rows::delivery_plan_id.eq(shipment.plan_id.uuid()),
                rows::order_id.eq(shipment.order_id.uuid()),
                rows::shop_id.eq(shipment.shop_id.uuid()),
                rows::carrier.eq(&shipment.carrier),
                rows::carrier_account_id.eq(shipment.account_id.map(|account| account.uuid())),
                rows::carrier_service.eq(&shipment.service),
                rows::tracking_number.eq(&shipment.tracking_number),
                rows::status.eq(shipment.status.as_str()),
                rows::state.eq(shipment.state.as_str()),
                rows::version.eq(shipment.version),
                rows::create_time.eq(shipment.create_time),
            ),
            (
                rows::work_time.eq(shipment.work_time),
                rows::book_time.eq(shipment.book_time),
                rows::has_label.eq(shipment.has_label),
                rows::watch_time.eq(shipment.times.watch),
                rows::currency.eq(shipment.currency.map_or("", Currency::code)),
                rows::cash_expected.eq(shipment.cash.map_or(0, |cash| cash.expected.minor())),
                rows::tracker_code.eq(shipment.tracker_code),
            ),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Saves everything that may change.
pub async fn update(tx: &mut Tx, shipment: &Shipment) -> Result<()> {
    let correction =
        shipment.correction.as_ref().and_then(|correction| serde_json::to_value(correction).ok());
    let minor = |money: Option<Money>| money.map(Money::minor);
    diesel::update(rows::table.find(shipment.id.uuid()))
        .set((
            (
                rows::state.eq(shipment.state.as_str()),
                rows::carrier_parcel_id.eq(&shipment.carrier_parcel_id),
                rows::tracking_number.eq(&shipment.tracking_number),
                rows::sending.eq(shipment.sending),
                rows::work_time.eq(shipment.work_time),
                rows::attempts.eq(shipment.attempts),
                rows::book_time.eq(shipment.book_time),
                rows::has_label.eq(shipment.has_label),
                rows::status.eq(shipment.status.as_str()),
                rows::status_time.eq(shipment.status_time),
                rows::version.eq(shipment.version),
            ),
            (
                rows::poll_time.eq(shipment.times.poll),
                rows::watch_time.eq(shipment.times.watch),
                rows::moved_time.eq(shipment.times.moved),
                rows::stored_time.eq(shipment.times.stored),
                rows::storage_end_time.eq(shipment.times.storage_end),
                rows::delivered_time.eq(shipment.times.delivered),
                rows::cash_collected.eq(minor(shipment.cash.and_then(|cash| cash.collected))),
                rows::cash_received.eq(minor(shipment.cash.and_then(|cash| cash.received))),
                rows::carrier_price.eq(minor(shipment.carrier_price)),
                rows::correction.eq(correction),
            ),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Adds an event of a parcel; one of the carrier's that is there already is left alone.
pub async fn add_event(tx: &mut Tx, shipment: ShipmentId, event: &TrackingEvent) -> Result<()> {
    let now = tx.now();
    diesel::insert_into(tracking_events::table)
        .values((
            tracking_events::shipment_id.eq(shipment.uuid()),
            tracking_events::status.eq(event.status.as_str()),
            tracking_events::occur_time.eq(event.occur_time),
            tracking_events::description.eq(&event.description),
            tracking_events::location.eq(&event.location),
            tracking_events::incident_reason.eq(&event.incident_reason),
            tracking_events::record_time.eq(now),
            tracking_events::carrier_code.eq(&event.carrier_code),
            tracking_events::code_map_version.eq(event.code_map_version),
            tracking_events::carrier_event_id.eq(&event.carrier_event_id),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await?;
    Ok(())
}

impl ShipmentRow {
    /// What the keyset of a list is made of.
    pub fn key(&self) -> (DateTime<Utc>, Uuid) {
        (self.create_time, self.shipment_id)
    }

    fn read(
        self,
        events_of: &mut HashMap<Uuid, Vec<TrackingEvent>>,
        incidents_of: &mut HashMap<Uuid, Vec<Incident>>,
        handover: Handover,
        weight: Weight,
    ) -> Result<Shipment> {
        let corrupt = |error: &dyn std::error::Error| StoreError::Corrupt(error.to_string());
        let currency: Option<Currency> = match self.currency.as_str() {
            "" => None,
            code => Some(code.parse().map_err(|error: types::MoneyError| corrupt(&error))?),
        };
        let money = |minor: Option<i64>| Some(Money::new(currency?, minor?));
        let expected = Some(self.cash_expected).filter(|expected| *expected > 0);
        let cash = money(expected).map(|expected| Cash {
            expected,
            collected: money(self.cash_collected),
            received: money(self.cash_received),
        });
        let correction = self.correction.map(serde_json::from_value).transpose();
        Ok(Shipment {
            id: ShipmentId::from_uuid(self.shipment_id),
            plan_id: DeliveryPlanId::from_uuid(self.delivery_plan_id),
            order_id: OrderId::from_uuid(self.order_id),
            shop_id: ShopId::from_uuid(self.shop_id),
            carrier: self.carrier,
            account_id: self.carrier_account_id.map(CarrierAccountId::from_uuid),
            service: self.carrier_service,
            state: ShipmentState::stored(&self.state)?,
            carrier_parcel_id: self.carrier_parcel_id,
            tracking_number: self.tracking_number,
            sending: self.sending,
            work_time: self.work_time,
            attempts: self.attempts,
            book_time: self.book_time,
            has_label: self.has_label,
            status: TrackingStatus::stored(&self.status)?,
            status_time: self.status_time,
            times: Times {
                poll: self.poll_time,
                watch: self.watch_time,
                moved: self.moved_time,
                stored: self.stored_time,
                storage_end: self.storage_end_time,
                delivered: self.delivered_time,
            },
            currency,
            cash,
            carrier_price: money(self.carrier_price),
            correction: correction.map_err(|error| corrupt(&error))?,
            tracker_code: self.tracker_code,
            weight,
            version: self.version,
            create_time: self.create_time,
            handover,
            events: events_of.remove(&self.shipment_id).unwrap_or_default(),
            incidents: incidents_of.remove(&self.shipment_id).unwrap_or_default(),
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
            carrier_code: self.carrier_code,
            code_map_version: self.code_map_version,
            carrier_event_id: self.carrier_event_id,
        })
    }
}
