//! Applies what a carrier says of a booking: accepted, given a waybill, refused, cancelled; early, late or twice.

use chrono::{DateTime, TimeDelta, Utc};
use proto::delivery::v1 as pb;
use store::{Audit, Tx};

use crate::carriers::Booking;
use crate::error::Result;
use crate::following::tell_tracked;
use crate::incidents;
use crate::model::incident::Cause;
use crate::model::shipment::Shipment;
use crate::model::shipment_state::ShipmentState;
use crate::model::tracking_status::TrackingStatus;
use crate::model::{label_rows, shipment_rows};
use crate::wire;

/// The longest pause between two questions.
const PAUSE_SECONDS_MAX: i64 = 300;

/// Applies `booking` to a locked parcel and saves it.
pub async fn apply(tx: &mut Tx, action: &'static str, parcel: &mut Shipment, booking: Booking) -> Result<()> {
    let before = parcel.clone();
    let now = tx.now();
    match (parcel.state, booking) {
        (ShipmentState::Booking, Booking::Waiting { carrier_parcel_id }) => {
            parcel.carrier_parcel_id = carrier_parcel_id;
            parcel.sending = false;
            parcel.work_time = Some(now + pause(parcel.tries()));
        }
        (ShipmentState::Booking, Booking::Registered { carrier_parcel_id, tracking_number, price }) => {
            parcel.carrier_parcel_id = carrier_parcel_id;
            parcel.booked(tracking_number, price, now);
            incidents::close_those_over(tx, parcel).await?;
            let event = pb::ShipmentBooked { shipment: Some(wire::shipment_without_words(parcel)) };
            events::append(tx, parcel.id, parcel.version, Some(parcel.shop_id), &event);
        }
        (ShipmentState::Booking, Booking::Rejected { cause, .. }) => {
            parcel.sending = false;
            fail(tx, parcel, cause).await?;
        }
        (ShipmentState::Booking, Booking::Cancelled { .. }) => {
            parcel.sending = false;
            let words = "the carrier cancelled it".to_owned();
            fail(tx, parcel, Cause { reason: "unknown", field: String::new(), words }).await?;
        }
        // A waybill that the carrier takes back before the parcel left.
        (ShipmentState::Booked, Booking::Rejected { cause, .. })
            if parcel.status == TrackingStatus::Pending =>
        {
            label_rows::forget(tx, parcel.id).await?;
            parcel.has_label = false;
            parcel.tracking_number.clear();
            parcel.book_time = None;
            parcel.times.poll = None;
            parcel.times.watch = None;
            fail(tx, parcel, cause).await?;
        }
        (ShipmentState::Booked, Booking::Cancelled { .. }) if parcel.status == TrackingStatus::Pending => {
            cancelled(tx, parcel).await?;
        }
        (ShipmentState::Cancelling, Booking::Waiting { carrier_parcel_id }) => {
            parcel.carrier_parcel_id = carrier_parcel_id;
        }
        (ShipmentState::Cancelling, Booking::Registered { carrier_parcel_id, tracking_number, .. }) => {
            parcel.carrier_parcel_id = carrier_parcel_id;
            parcel.tracking_number = tracking_number;
        }
        (ShipmentState::Cancelling, Booking::Rejected { .. } | Booking::Cancelled { .. }) => {
            cancelled(tx, parcel).await?;
        }
        // Said again, or too late to matter.
        (ShipmentState::Booked, _) | (ShipmentState::BookingFailed | ShipmentState::Cancelled, _) => {
            return Ok(());
        }
    }

    shipment_rows::update(tx, parcel).await?;

    tell(tx, action, &before, parcel);
    Ok(())
}

/// There will be no waybill unless somebody does something.
pub async fn fail(tx: &mut Tx, parcel: &mut Shipment, cause: Cause) -> Result<()> {
    parcel.carrier_parcel_id.clear();
    let incident = incidents::raise(tx, parcel, cause).await?;
    parcel.booking_failed();
    let event = pb::ShipmentBookingFailed {
        shipment: Some(wire::shipment_without_words(parcel)),
        incident: Some(wire::incident_without_words(&incident)),
    };
    events::append(tx, parcel.id, parcel.version, Some(parcel.shop_id), &event);
    Ok(())
}

/// There is no waybill any more.
pub async fn cancelled(tx: &mut Tx, parcel: &mut Shipment) -> Result<()> {
    let previous = parcel.cancelled(tx.now());
    if let Some(event) = parcel.events.iter().rev().find(|event| event.status == TrackingStatus::Cancelled) {
        shipment_rows::add_event(tx, parcel.id, event).await?;
    }
    if let Some(previous) = previous {
        tell_tracked(tx, parcel, previous);
    }
    incidents::close_those_over(tx, parcel).await
}

/// How long to wait after so many attempts.
pub fn pause(attempts: i32) -> TimeDelta {
    let doubled = 1_i64 << attempts.clamp(0, 9);
    TimeDelta::seconds(doubled.min(PAUSE_SECONDS_MAX))
}

/// When a job looks at the parcel again.
pub fn again(attempts: i32, pause_asked: Option<std::time::Duration>, now: DateTime<Utc>) -> DateTime<Utc> {
    let asked = pause_asked.and_then(|asked| TimeDelta::from_std(asked).ok()).unwrap_or_default();
    now + pause(attempts).max(asked.min(TimeDelta::hours(1)))
}

/// History of what changed.
pub fn tell(tx: &mut Tx, action: &'static str, before: &Shipment, parcel: &Shipment) {
    let audit = Audit::new(action, parcel.id)
        .shop(parcel.shop_id.uuid())
        .change("state", before.state.as_str(), parcel.state.as_str())
        .change("status", before.status.as_str(), parcel.status.as_str())
        .change("carrier_parcel_id", &before.carrier_parcel_id, &parcel.carrier_parcel_id)
        .change("tracking_number", &before.tracking_number, &parcel.tracking_number);
    tx.audit(audit);
}
