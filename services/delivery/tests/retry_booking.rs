//! Trying a booking again that failed.

use proto::delivery::v1::{self as pb, ShipmentState};
use simulators::Fault;
use testing::refusal;
use tonic::Code;
use types::ShipmentId;

use crate::Answer;
use crate::outside::Outside;

async fn retry(outside: &Outside, request: pb::RetryBookingRequest) -> Answer<pb::Shipment> {
    let idempotency_key = ShipmentId::new().to_string();
    outside.yard.delivery().retry_booking(pb::RetryBookingRequest { idempotency_key, ..request }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn corrected_data_makes_the_same_parcel_go() {
    let outside = Outside::parcel().await;
    let mut wish = outside.wish();
    wish.recipient_name = String::new();
    wish.weight_grams = 0;
    let parcel = outside.book_wish(&wish).await;
    let failed = outside.until_state(&parcel, ShipmentState::BookingFailed).await;
    assert_eq!(Outside::open_incidents(&failed), ["data_invalid recipient_name"]);
    let incident = failed.incidents.first().expect("an incident");
    assert!(
        incident.carrier_words.contains("weight_grams"),
        "every problem is told: {}",
        incident.carrier_words
    );

    let shipment_id = parcel.shipment_id.clone();
    let half = pb::RetryBookingRequest {
        shipment_id,
        recipient_name: "Олена Петренко".to_owned(),
        ..Default::default()
    };
    let again = retry(&outside, half.clone()).await.expect("tries").into_inner();
    assert_eq!((again.state(), Outside::open_incidents(&again).len()), (ShipmentState::Booking, 0));
    let failed = outside.until_state(&parcel, ShipmentState::BookingFailed).await;
    assert_eq!(Outside::open_incidents(&failed), ["data_invalid weight_grams"]);
    assert_eq!(failed.incidents.len(), 1, "one incident per parcel and cause");
    assert_eq!(failed.incidents[0].occurrences, 2);

    // What was corrected before stays corrected.
    let weight = pb::RetryBookingRequest { recipient_name: String::new(), weight_grams: 900, ..half };
    retry(&outside, weight).await.expect("tries");
    let booked = outside.until_state(&parcel, ShipmentState::Booked).await;
    assert!(Outside::open_incidents(&booked).is_empty());
    assert_eq!((booked.declared_weight_grams, parcel.declared_weight_grams), (900, 0));
    assert_eq!(outside.waybills(&parcel), (1, 1));
    let events = outside.yard.events_of(&booked.incidents[0].incident_id).await;
    assert_eq!(events, ["1 IncidentOpened", "2 IncidentClosed", "3 IncidentOpened", "4 IncidentClosed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_refusal_fails_the_booking() {
    let outside = Outside::parcel().await;
    outside.carriers.faults("parcel").next(Fault::LateFailure);
    let parcel = outside.book().await;
    let failed = outside.until_state(&parcel, ShipmentState::BookingFailed).await;
    assert_eq!(Outside::open_incidents(&failed), ["data_invalid address.line"]);
    assert_eq!(failed.incidents[0].carrier_words, "the address was not found");

    let again = pb::RetryBookingRequest { shipment_id: parcel.shipment_id.clone(), ..Default::default() };
    retry(&outside, again).await.expect("tries");
    outside.until_state(&parcel, ShipmentState::Booked).await;
    assert_eq!(outside.waybills(&parcel), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_failed_is_tried_again() {
    let outside = Outside::parcel().await;
    let parcel = outside.booked().await;
    let request = pb::RetryBookingRequest { shipment_id: parcel.shipment_id.clone(), ..Default::default() };
    let refused = refusal(retry(&outside, request.clone()).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "BOOKING_NOT_FAILED"));
    let absent = pb::RetryBookingRequest { shipment_id: ShipmentId::new().to_string(), ..request };
    assert_eq!(refusal(retry(&outside, absent).await).reason, "SHIPMENT_NOT_FOUND");
}
