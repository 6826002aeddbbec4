//! Recording what the courier reports.

use prost::Message;
use proto::delivery::v1::{RecordTrackingEventRequest, ShipmentTracked, TrackingStatus};
use testing::refusal;
use tonic::Code;
use types::{ShipmentId, ShopId};

use crate::{Yard, report};

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_goes_its_way() {
    let yard = Yard::open().await;
    let parcel = yard.booked().await;
    use TrackingStatus::{Delivered, InTransit, OutForDelivery, PickedUp};
    for (at, status) in [PickedUp, InTransit, InTransit, OutForDelivery, Delivered].into_iter().enumerate() {
        let tracked = yard.track(&parcel, status, at as i64).await.expect("tracks").into_inner();
        assert_eq!(tracked.status(), status);
        assert_eq!(tracked.events.len(), at + 1);
    }
    // The second scan in transit moved nothing and is not told.
    let told = yard.events_of(&parcel.shipment_id).await;
    assert_eq!(told.len(), 5);
    assert_eq!(told[4], "5 ShipmentTracked");
    assert_eq!(yard.history_of(&parcel.shipment_id).await.len(), 6);

    let client = yard.world.database("delivery").client().await;
    let last = "SELECT body FROM event_log ORDER BY position DESC LIMIT 1";
    let body: Vec<u8> = client.query_one(last, &[]).await.expect("reads").get(0);
    let told = ShipmentTracked::decode(body.as_slice()).expect("decodes");
    assert_eq!(told.previous_status(), OutForDelivery);
    let told = told.shipment.expect("a shipment");
    assert_eq!((told.status(), told.events.len()), (Delivered, 5));
    assert!(told.events.iter().all(|event| event.description.is_empty() && event.location.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_report_is_kept_and_moves_nothing_back() {
    let yard = Yard::open().await;
    let parcel = yard.booked().await;
    yard.track(&parcel, TrackingStatus::Delivered, 10).await.expect("tracks");
    let late = yard.track(&parcel, TrackingStatus::InTransit, 5).await.expect("keeps").into_inner();
    assert_eq!(late.status(), TrackingStatus::Delivered);
    let statuses: Vec<_> = late.events.iter().map(|event| event.status()).collect();
    assert_eq!(statuses, [TrackingStatus::InTransit, TrackingStatus::Delivered]);
    assert_eq!(yard.events_of(&parcel.shipment_id).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_after_the_end() {
    let yard = Yard::open().await;
    let parcel = yard.booked().await;
    yard.track(&parcel, TrackingStatus::Delivered, 0).await.expect("tracks");
    let status = yard.track(&parcel, TrackingStatus::InTransit, 1).await.expect_err("delivered");
    assert_eq!(
        (status.code(), rpc::reason(&status).as_deref()),
        (Code::FailedPrecondition, Some("SHIPMENT_FINAL"))
    );
    assert_eq!(rpc::metadata(&status)["status"], "delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impossible_move_is_refused() {
    let yard = Yard::open().await;
    let parcel = yard.booked().await;
    yard.track(&parcel, TrackingStatus::InTransit, 0).await.expect("tracks");
    let status = yard.track(&parcel, TrackingStatus::Cancelled, 1).await.expect_err("it has left");
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(rpc::reason(&status).as_deref(), Some("STATUS_MOVE_NOT_ALLOWED"));
    let facts = rpc::metadata(&status);
    assert_eq!((facts["from"].as_str(), facts["to"].as_str()), ("in_transit", "cancelled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_says_why() {
    let yard = Yard::open().await;
    let parcel = yard.booked().await;
    let failed = yard.track(&parcel, TrackingStatus::DeliveryFailed, 0).await.expect("tracks").into_inner();
    assert_eq!(failed.events[0].incident_reason, "consignee_not_home");

    let wrong = async |status, reason: &str| {
        let mut request = report(&parcel, status, 1, "k");
        request.event.as_mut().expect("an event").incident_reason = reason.to_owned();
        refusal(yard.delivery().record_tracking_event(request).await).fields
    };
    assert_eq!(wrong(TrackingStatus::DeliveryFailed, "").await, ["event.incident_reason"]);
    assert_eq!(wrong(TrackingStatus::DeliveryFailed, "bad_mood").await, ["event.incident_reason"]);
    assert_eq!(wrong(TrackingStatus::Delivered, "weather_delay").await, ["event.incident_reason"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_first_answer_and_another_request_none() {
    let yard = Yard::open().await;
    let parcel = yard.booked().await;
    let request = report(&parcel, TrackingStatus::PickedUp, 0, "k");
    let record = async |request: &RecordTrackingEventRequest| {
        yard.delivery().record_tracking_event(request.clone()).await
    };
    let first = record(&request).await.expect("tracks").into_inner();
    yard.track(&parcel, TrackingStatus::InTransit, 1).await.expect("tracks");
    assert_eq!(record(&request).await.expect("replays").into_inner(), first);
    let other = report(&parcel, TrackingStatus::Delivered, 0, "k");
    assert_eq!(refusal(record(&other).await).reason, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(yard.events_of(&parcel.shipment_id).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_shops_of_the_caller_are_there() {
    let yard = Yard::open().await;
    let parcel = yard.booked().await;
    let request = report(&parcel, TrackingStatus::PickedUp, 0, "k");
    let foreign = refusal(yard.partner_of(ShopId::new()).record_tracking_event(request.clone()).await);
    let mut absent = request.clone();
    absent.shipment_id = ShipmentId::new().to_string();
    assert_eq!(foreign, refusal(yard.delivery().record_tracking_event(absent).await));
    assert_eq!((foreign.code, foreign.reason.as_str()), (Code::NotFound, "SHIPMENT_NOT_FOUND"));
    yard.partner_of(yard.shop).record_tracking_event(request).await.expect("tracks");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_named() {
    let yard = Yard::open().await;
    let parcel = yard.booked().await;
    let mut request = report(&parcel, TrackingStatus::PickedUp, 24 * 3600, "");
    request.shipment_id = "shm".to_owned();
    let event = request.event.as_mut().expect("an event");
    event.status = 99;
    event.description = "\0".to_owned();
    event.location = "x".repeat(301);
    let refused = refusal(yard.delivery().record_tracking_event(request).await);
    let wrong = [
        "shipment_id",
        "idempotency_key",
        "event.status",
        "event.occur_time",
        "event.description",
        "event.location",
    ];
    assert_eq!(refused.fields, wrong);

    let mut request = report(&parcel, TrackingStatus::Unspecified, 0, "k");
    request.event.as_mut().expect("an event").occur_time = None;
    let refused = refusal(yard.delivery().record_tracking_event(request).await);
    assert_eq!(refused.fields, ["event.status", "event.occur_time"]);
    let request = RecordTrackingEventRequest { idempotency_key: "k".to_owned(), ..Default::default() };
    let refused = refusal(yard.delivery().record_tracking_event(request).await);
    assert_eq!(refused.fields, ["shipment_id", "event"]);
}
