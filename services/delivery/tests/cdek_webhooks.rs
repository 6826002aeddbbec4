//! What CDEK says after it accepted an order: webhooks twice, late and out of order, and that it refuses the order after all.

use std::time::Duration;

use proto::delivery::v1::{self as pb, CarrierKind, ShipmentState, TrackingStatus};
use simulators::Fault;
use types::ShipmentId;

use crate::outside::Outside;

/// Less than the pause between two questions for the tracking: what is known before comes from a webhook.
const STEP: Duration = Duration::from_secs(600);

/// Both clocks move on, and the order comes to `code`.
fn move_on(outside: &Outside, parcel: &pb::Shipment, code: &str) {
    outside.wait(STEP);
    outside.carriers.advance_clock(STEP);
    outside.carriers.advance_to(&parcel.tracking_number, code);
}

async fn until_status(outside: &Outside, parcel: &pb::Shipment, status: TrackingStatus) -> pb::Shipment {
    outside.until(&parcel.shipment_id, status.as_str_name(), |parcel| parcel.status() == status).await
}

/// The codes that webhooks of orders told, in the order in which they were taken.
async fn told(outside: &Outside) -> Vec<String> {
    let client = outside.yard.world.database("delivery").client().await;
    let sql = "SELECT convert_from(body, 'UTF8') FROM carrier_webhooks ORDER BY sequence";
    let bodies = client.query(sql, &[]).await.expect("looks");
    let code = |body: &str| {
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        body["attributes"]["code"].as_str().map(str::to_owned)
    };
    bodies.iter().filter_map(|row| code(row.get(0))).collect()
}

/// Waits until every webhook was looked at, of which there are so many.
async fn until_applied(outside: &Outside, count: i64) {
    let of_orders = "work_time IS NULL AND position(convert_to('ORDER_STATUS', 'UTF8') IN body) > 0";
    outside.until_count("the webhooks are applied", "carrier_webhooks", of_orders, count).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_twice_late_and_out_of_order_move_the_status_once_and_never_back() {
    let outside = Outside::open(CarrierKind::Cdek).await;
    outside.listen().await;
    let parcel = outside.booked().await;
    until_applied(&outside, 1).await;
    let faults = outside.carriers.faults("cdek").late(Duration::from_secs(60));

    faults.next(Fault::DuplicateWebhook);
    move_on(&outside, &parcel, "RECEIVED_AT_SENDER_WAREHOUSE");
    until_status(&outside, &parcel, TrackingStatus::PickedUp).await;

    // In the same second, and told in the other order.
    faults.next(Fault::ReorderWebhook);
    move_on(&outside, &parcel, "SENT_TO_RECIPIENT_CITY");
    outside.carriers.advance_to(&parcel.tracking_number, "TAKEN_BY_COURIER");
    until_status(&outside, &parcel, TrackingStatus::OutForDelivery).await;
    until_applied(&outside, 4).await;

    // What the late one tells is over by the time it comes.
    faults.next(Fault::LateWebhook);
    outside.carriers.advance_to(&parcel.tracking_number, "RETURNED_TO_RECIPIENT_CITY_WAREHOUSE");
    outside.wait(Duration::from_secs(30));
    outside.carriers.advance_clock(Duration::from_secs(30));
    outside.carriers.advance_to(&parcel.tracking_number, "DELIVERED");
    until_status(&outside, &parcel, TrackingStatus::Delivered).await;
    outside.carriers.advance_clock(Duration::from_secs(60));
    until_applied(&outside, 6).await;

    assert_eq!(faults.struck(Fault::DuplicateWebhook), 1);
    let codes = [
        "CREATED",
        "RECEIVED_AT_SENDER_WAREHOUSE",
        "TAKEN_BY_COURIER",
        "SENT_TO_RECIPIENT_CITY",
        "DELIVERED",
        "RETURNED_TO_RECIPIENT_CITY_WAREHOUSE",
    ];
    assert_eq!(told(&outside).await, codes, "a webhook that comes twice is kept once");
    let done = outside.get(&parcel.shipment_id).await;
    assert_eq!(done.status(), TrackingStatus::Delivered);
    let statuses: Vec<TrackingStatus> = done
        .events
        .iter()
        .map(|event| event.status())
        .filter(|status| *status != TrackingStatus::Pending)
        .collect();
    let way = [
        TrackingStatus::PickedUp,
        TrackingStatus::InTransit,
        TrackingStatus::OutForDelivery,
        TrackingStatus::DeliveryFailed,
        TrackingStatus::Delivered,
    ];
    assert_eq!(statuses, way);
    let tracked = (3..=7).map(|version| format!("{version} ShipmentTracked"));
    let expected: Vec<String> = std::iter::once("2 ShipmentBooked".to_owned()).chain(tracked).collect();
    assert_eq!(outside.yard.events_of(&parcel.shipment_id).await, expected, "each status once");
    assert!(Outside::open_incidents(&done).is_empty());
}

/// An order that CDEK has taken in and still works on, with what was seen of it so far.
async fn accepted(outside: &Outside, wish: &pb::PlanDeliveryRequest) -> pb::Shipment {
    let parcel = outside.book_wish(wish).await;
    let accepted = "state = 'booking' AND carrier_parcel_id <> ''";
    outside.until_count("it is accepted", "shipments", accepted, 1).await;
    let parcel = outside.get(&parcel.shipment_id).await;
    assert_eq!((parcel.tracking_number.as_str(), parcel.incidents.len()), ("", 0));
    parcel
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_refused_after_it_was_accepted_is_an_incident_with_its_field() {
    let outside = Outside::open(CarrierKind::Cdek).await;
    outside.listen().await;
    outside.carriers.faults("cdek").settle(STEP).next_on("create_order", Fault::LateFailure);
    let nowhere = outside.wish();
    let mut heavy = outside.wish();
    heavy.weight_grams = 31_000;
    let mut no_point = outside.wish();
    no_point.address.as_mut().expect("an address").pickup_point_code = "NOWHERE1".to_owned();

    for (wish, expected, words) in [
        (nowhere, "data_invalid address.city", "[to_location] is not recognized"),
        (heavy, "data_invalid weight_grams", "[packages.weight] is too large"),
        (no_point, "data_invalid address.pickup_point_code", "[delivery_point] is not found"),
    ] {
        let parcel = accepted(&outside, &wish).await;
        outside.carriers.advance_clock(STEP);
        let failed = outside.until_state(&parcel, ShipmentState::BookingFailed).await;
        assert_eq!(Outside::open_incidents(&failed), [expected]);
        assert_eq!(failed.incidents[0].carrier_words, words);
        assert_eq!(outside.waybills(&parcel), (0, 0));
        let events = outside.yard.events_of(&parcel.shipment_id).await;
        assert_eq!(events, ["2 ShipmentBookingFailed"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_after_it_was_accepted_goes_once_it_is_corrected() {
    let outside = Outside::open(CarrierKind::Cdek).await;
    outside.listen().await;
    let mut heavy = outside.wish();
    heavy.weight_grams = 31_000;
    let parcel = outside.book_wish(&heavy).await;
    outside.until_state(&parcel, ShipmentState::BookingFailed).await;

    let request = pb::RetryBookingRequest {
        shipment_id: parcel.shipment_id.clone(),
        weight_grams: 30_000,
        idempotency_key: ShipmentId::new().to_string(),
        ..Default::default()
    };
    outside.yard.delivery().retry_booking(request).await.expect("tries again");

    let booked = outside.until_state(&parcel, ShipmentState::Booked).await;
    assert!(Outside::open_incidents(&booked).is_empty());
    assert_eq!(outside.waybills(&parcel), (1, 1));
}
