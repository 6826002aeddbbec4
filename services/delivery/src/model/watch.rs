//! When a parcel is late for what should have happened.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::shipment::Shipment;
use crate::model::shipment_state::ShipmentState;
use crate::model::tracking_status::TrackingStatus;

/// Between two questions for the tracking of a parcel on its way.
pub const POLL_PAUSE: TimeDelta = TimeDelta::minutes(15);
/// Between two questions for one that waits at the branch, or for its money.
pub const SLOW_POLL_PAUSE: TimeDelta = TimeDelta::hours(2);
/// After so long nobody expects news of a parcel.
pub const POLL_END_AFTER: TimeDelta = TimeDelta::days(90);
/// A parcel is forgotten when the carrier has not seen it for so long after it was booked.
pub const NEVER_SCANNED_AFTER: TimeDelta = TimeDelta::hours(48);
/// A parcel is stuck when nothing was reported for so long.
pub const NO_MOVEMENT_AFTER: TimeDelta = TimeDelta::hours(120);
/// A parcel lies too long at a branch whose patience is not known.
pub const STORED_AFTER: TimeDelta = TimeDelta::hours(120);
/// So long before the carrier sends it back somebody must know.
pub const STORAGE_WARNING: TimeDelta = TimeDelta::hours(48);
/// Cash is overdue so long after the parcel was handed over.
pub const CASH_OVERDUE_AFTER: TimeDelta = TimeDelta::days(7);
/// A booking is late so long after it was asked for.
pub const NOT_BOOKED_AFTER: TimeDelta = TimeDelta::hours(1);

/// The counter's parcels wait for their buyers.
const COUNTER: &str = "pickup";

/// When the parcel becomes late and for what reason, unless something happens before.
pub fn next(parcel: &Shipment) -> Option<(DateTime<Utc>, &'static str)> {
    let moved = parcel.times.moved.or(parcel.book_time);
    let reason = |time: Option<DateTime<Utc>>, after, reason| time.map(|time| (time + after, reason));
    match parcel.status {
        TrackingStatus::Pending if parcel.state != ShipmentState::Booked || parcel.carrier == COUNTER => None,
        TrackingStatus::Pending => reason(parcel.book_time, NEVER_SCANNED_AFTER, "never_scanned"),
        TrackingStatus::ReadyForPickup if parcel.carrier == COUNTER => None,
        TrackingStatus::ReadyForPickup => match parcel.times.storage_end {
            Some(end) => Some((end - STORAGE_WARNING, "storage_expiring")),
            None => reason(parcel.times.stored, STORED_AFTER, "storage_expiring"),
        },
        TrackingStatus::PickedUp
        | TrackingStatus::InTransit
        | TrackingStatus::OutForDelivery
        | TrackingStatus::OnHold
        | TrackingStatus::DeliveryDelayed
        | TrackingStatus::DeliveryFailed
        | TrackingStatus::Unknown => reason(moved, NO_MOVEMENT_AFTER, "no_movement"),
        TrackingStatus::Delivered if parcel.cash.as_ref().is_some_and(|cash| cash.is_missing()) => {
            reason(parcel.times.delivered, CASH_OVERDUE_AFTER, "payment_failed")
        }
        TrackingStatus::Delivered | TrackingStatus::ReturnToSender | TrackingStatus::Cancelled => None,
    }
}

/// The incidents that are over now that something happened.
pub fn is_over(reason: &str, parcel: &Shipment) -> bool {
    let waits = parcel.status == TrackingStatus::Pending;
    let paid = parcel.cash.as_ref().is_none_or(|cash| !cash.is_missing());
    match reason {
        "data_invalid" => parcel.state != ShipmentState::BookingFailed,
        "never_scanned" => !waits,
        "storage_expiring" => parcel.status != TrackingStatus::ReadyForPickup,
        "payment_failed" => parcel.status != TrackingStatus::Delivered || paid,
        // A carrier that has weighed too much wants more money, also after the end.
        "weight_differs" if parcel.weight.weighed_grams > 0 => !parcel.weight.is_exceeded(),
        // What went wrong on the way is over when the parcel is at its end.
        _ => matches!(
            parcel.status,
            TrackingStatus::Delivered | TrackingStatus::ReturnToSender | TrackingStatus::Cancelled
        ),
    }
}

/// When the carrier is asked for the tracking next; `None` when there is nothing to learn.
pub fn next_poll(parcel: &Shipment, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let outside = parcel.account_id.is_some() && parcel.state == ShipmentState::Booked;
    let slow = matches!(parcel.status, TrackingStatus::ReadyForPickup | TrackingStatus::Delivered);
    let pause = if slow { SLOW_POLL_PAUSE } else { POLL_PAUSE };
    // A parcel that is lost, or money that is paid out past the carrier, is not asked about for ever.
    let young = parcel.book_time.is_none_or(|booked| now < booked + POLL_END_AFTER);
    (outside && young && !parcel.is_over()).then(|| now + pause)
}
