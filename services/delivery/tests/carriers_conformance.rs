//! What holds for every carrier outside, whatever its dialect.

use std::time::Duration;

use proto::delivery::v1::{CarrierKind, Shipment, ShipmentState, TrackingStatus};
use simulators::Fault;

use crate::outside::Outside;

/// Runs a promise against every carrier.
macro_rules! for_every_carrier {
    ($($promise:ident),* $(,)?) => {
        mod parcel { $(#[tokio::test(flavor = "multi_thread")] async fn $promise() {
            super::$promise(super::Outside::open(super::CarrierKind::Parcel).await).await;
        })* }
        mod nova_poshta { $(#[tokio::test(flavor = "multi_thread")] async fn $promise() {
            super::$promise(super::Outside::open(super::CarrierKind::NovaPoshta).await).await;
        })* }
        mod cdek { $(#[tokio::test(flavor = "multi_thread")] async fn $promise() {
            super::$promise(super::Outside::open(super::CarrierKind::Cdek).await).await;
        })* }
    };
}

for_every_carrier!(
    a_parcel_gets_a_waybill_and_a_label,
    a_lost_answer_makes_no_second_waybill,
    a_broken_answer_makes_no_second_waybill,
    a_request_that_did_not_arrive_is_repeated,
    too_many_requests_are_repeated_later,
    a_parcel_that_has_not_left_is_cancelled,
    a_parcel_that_left_is_not_cancelled,
    bad_data_is_an_incident_with_a_field,
    tracking_is_polled_to_the_end,
);

async fn a_parcel_gets_a_waybill_and_a_label(outside: Outside) {
    let parcel = outside.book().await;
    assert_eq!((parcel.state(), parcel.tracking_number.as_str()), (ShipmentState::Booking, ""));

    let booked = outside.until(&parcel.shipment_id, "it has a label", |parcel| parcel.has_label).await;

    assert_eq!((booked.state(), booked.status()), (ShipmentState::Booked, TrackingStatus::Pending));
    assert!(!booked.tracking_number.is_empty());
    assert_eq!(outside.waybills(&parcel), (1, 1));
    assert_eq!(outside.yard.events_of(&parcel.shipment_id).await, ["2 ShipmentBooked"]);
    assert!(booked.incidents.is_empty());
}

async fn a_lost_answer_makes_no_second_waybill(outside: Outside) {
    outside.carriers.faults(outside.system).next_on(create(&outside), Fault::TimeoutAfterEffect);
    let parcel = outside.book().await;

    outside.until(&parcel.shipment_id, "it has a label", |parcel| parcel.has_label).await;

    assert_eq!(outside.carriers.faults(outside.system).struck(Fault::TimeoutAfterEffect), 1);
    assert_eq!(outside.waybills(&parcel), (1, 1));
}

async fn a_broken_answer_makes_no_second_waybill(outside: Outside) {
    for fault in [Fault::MalformedAnswer, Fault::ErrorAfterEffect] {
        outside.carriers.faults(outside.system).next_on(create(&outside), fault);
        let parcel = outside.book().await;

        outside.until(&parcel.shipment_id, "it has a label", |parcel| parcel.has_label).await;

        assert_eq!(outside.carriers.faults(outside.system).struck(fault), 1);
        assert_eq!(outside.waybills(&parcel), (1, 1), "{fault}");
    }
}

async fn a_request_that_did_not_arrive_is_repeated(outside: Outside) {
    for fault in [Fault::TimeoutBeforeEffect, Fault::Error5xx, Fault::Unavailable] {
        outside.carriers.faults(outside.system).next_on(create(&outside), fault);
        let parcel = outside.book().await;

        outside.until(&parcel.shipment_id, "it has a label", |parcel| parcel.has_label).await;

        assert_eq!(outside.waybills(&parcel), (1, 1), "{fault}");
    }
}

async fn too_many_requests_are_repeated_later(outside: Outside) {
    outside.carriers.faults(outside.system).next_on(create(&outside), Fault::RateLimit);
    let parcel = outside.book().await;
    outside
        .until(&parcel.shipment_id, "the carrier was asked", |parcel| {
            let _ = parcel;
            outside.carriers.faults(outside.system).struck(Fault::RateLimit) == 1
        })
        .await;
    outside.wait(Duration::from_secs(61));

    outside.until_state(&parcel, ShipmentState::Booked).await;

    assert_eq!(outside.waybills(&parcel), (1, 1));
}

async fn a_parcel_that_has_not_left_is_cancelled(outside: Outside) {
    let parcel = outside.booked().await;

    let asked = outside.cancel(&parcel.shipment_id).await.expect("asks").into_inner();
    assert_eq!((asked.state(), asked.status()), (ShipmentState::Cancelling, TrackingStatus::Pending));
    let gone = outside.until_state(&parcel, ShipmentState::Cancelled).await;

    assert_eq!(gone.status(), TrackingStatus::Cancelled);
    assert_eq!(outside.waybills(&parcel), (1, 0));
    let events = outside.yard.events_of(&parcel.shipment_id).await;
    assert_eq!(events.last().map(String::as_str), Some("4 ShipmentTracked"));
    let again = outside.cancel(&parcel.shipment_id).await.expect("repeats").into_inner();
    assert_eq!(again.state(), ShipmentState::Cancelled);
}

/// The carrier has it, and we do not know yet.
async fn a_parcel_that_left_is_not_cancelled(outside: Outside) {
    let parcel = outside.booked().await;
    outside.carriers.advance(&parcel.tracking_number);

    outside.cancel(&parcel.shipment_id).await.expect("asks");
    let kept = outside.until_state(&parcel, ShipmentState::Booked).await;

    assert_eq!(Outside::open_incidents(&kept), ["unknown"]);
    assert_eq!(outside.waybills(&parcel), (1, 1));
    let left = |parcel: &proto::delivery::v1::Shipment| parcel.status() != TrackingStatus::Pending;
    outside.until(&parcel.shipment_id, "its tracking is asked for", left).await;
}

async fn bad_data_is_an_incident_with_a_field(outside: Outside) {
    let mut wish = outside.wish();
    wish.recipient_phone = "call me".to_owned();
    let parcel = outside.book_wish(&wish).await;

    let failed = outside.until_state(&parcel, ShipmentState::BookingFailed).await;

    assert_eq!(Outside::open_incidents(&failed), ["data_invalid recipient_phone"]);
    assert_eq!(outside.waybills(&parcel), (0, 0));
    assert_eq!(outside.yard.events_of(&parcel.shipment_id).await, ["2 ShipmentBookingFailed"]);
}

async fn tracking_is_polled_to_the_end(outside: Outside) {
    let parcel = outside.booked().await;
    let mut last = parcel.clone();
    for _ in 0..12 {
        if last.status() == TrackingStatus::Delivered {
            break;
        }
        outside.carriers.advance_clock(Duration::from_secs(600));
        let told = |parcel: &Shipment, code: &str| {
            parcel.events.iter().filter(|event| event.carrier_code == code).count()
        };
        let code = outside.carriers.advance(&parcel.tracking_number);
        // Not whatever is new: an earlier step may be told late.
        let known = told(&last, &code);
        outside.wait(Duration::from_secs(3 * 3600));
        last = outside
            .until(&parcel.shipment_id, "it is told where it is", |parcel| told(parcel, &code) > known)
            .await;
    }
    assert_eq!(last.status(), TrackingStatus::Delivered);
    assert!(last.events.iter().all(|event| !event.carrier_code.is_empty() && event.code_map_version == 1));
    assert!(last.events.iter().all(|event| event.status() != TrackingStatus::Unknown));
}

/// What the simulator calls the question for a parcel.
fn create(outside: &Outside) -> &'static str {
    match outside.system {
        "nova-poshta" => "save",
        "cdek" => "create_order",
        _ => "create_parcel",
    }
}
