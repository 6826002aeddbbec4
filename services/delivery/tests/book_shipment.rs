//! Booking the parcel of a plan.

use proto::delivery::v1::{BookShipmentRequest, DeliveryKind, TrackingStatus};
use testing::refusal;
use tonic::Code;
use types::{DeliveryPlanId, ShipmentId};

use crate::{Yard, courier, tariff};

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_is_booked_once() {
    let yard = Yard::open().await;
    let plan = yard.planned().await;
    let id = ShipmentId::new();

    let parcel = yard.book(&plan, id).await.expect("books").into_inner();

    assert_eq!((parcel.status(), parcel.carrier.as_str()), (TrackingStatus::Pending, "own-courier"));
    assert_eq!(parcel.tracking_number.len(), 13);
    assert!(parcel.tracking_number.starts_with("KB"));
    assert_eq!((&parcel.order_id, &parcel.shop_id), (&plan.order_id, &plan.shop_id));
    assert_eq!(yard.book(&plan, id).await.expect("repeats").into_inner(), parcel);
    assert_eq!(yard.events_of(&parcel.shipment_id).await, ["1 ShipmentBooked"]);
    assert_eq!(yard.history_of(&parcel.shipment_id).await, ["delivery.book_shipment"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_has_one_live_parcel() {
    let yard = Yard::open().await;
    let plan = yard.planned().await;
    let first = yard.book(&plan, ShipmentId::new()).await.expect("books").into_inner();

    let status = yard.book(&plan, ShipmentId::new()).await.expect_err("a second parcel");
    assert_eq!(
        (status.code(), rpc::reason(&status).as_deref()),
        (Code::FailedPrecondition, Some("SHIPMENT_EXISTS"))
    );
    assert_eq!(rpc::metadata(&status)["shipment_id"], first.shipment_id);

    yard.track(&first, TrackingStatus::PickedUp, 0).await.expect("leaves");
    yard.track(&first, TrackingStatus::ReturnToSender, 1).await.expect("comes back");
    let second = yard.book(&plan, ShipmentId::new()).await.expect("books again").into_inner();
    assert_ne!(first.tracking_number, second.tracking_number);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_books_one_parcel() {
    let yard = Yard::open().await;
    let plan = yard.planned().await;
    let same = ShipmentId::new();
    let mut calls = tokio::task::JoinSet::new();
    for at in 0..24 {
        let id = if at % 2 == 0 { same } else { ShipmentId::new() };
        let request = BookShipmentRequest {
            delivery_plan_id: plan.delivery_plan_id.clone(),
            shipment_id: id.to_string(),
        };
        let mut delivery = yard.delivery();
        calls.spawn(async move { delivery.book_shipment(request).await });
    }
    let (booked, refused): (Vec<_>, Vec<_>) = calls.join_all().await.into_iter().partition(Result::is_ok);
    let numbers: std::collections::BTreeSet<_> =
        booked.into_iter().map(|answer| answer.expect("booked").into_inner().tracking_number).collect();
    assert_eq!(numbers.len(), 1);
    assert!(refused.into_iter().all(|answer| refusal(answer).reason == "SHIPMENT_EXISTS"));
    let client = yard.world.database("delivery").client().await;
    let booked = "SELECT count(*) FROM event_log WHERE type LIKE '%ShipmentBooked'";
    assert_eq!(client.query_one(booked, &[]).await.expect("counts").get::<_, i64>(0), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_courier_must_know_whom_and_where() {
    let yard = Yard::open().await;
    let method = yard.offer_courier().await;
    let mut request = yard.wish(&method);
    request.recipient_name = " ".to_owned();
    request.recipient_phone = String::new();
    request.address = None;
    let plan = yard.plan(&request).await.expect("the order is planned all the same").into_inner();
    let refused = refusal(yard.book(&plan, ShipmentId::new()).await);
    assert_eq!(refused.code, Code::InvalidArgument);
    assert_eq!(refused.fields, ["recipient_name", "recipient_phone", "address.city", "address.line"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counter_needs_to_know_nothing() {
    let yard = Yard::open().await;
    let mut pickup = courier("Pick-up", vec![tariff("0.00", "UAH")]);
    pickup.kind = DeliveryKind::Pickup.into();
    let pickup = yard.offer(pickup).await;
    let mut request = yard.wish(&pickup);
    request.recipient_name = String::new();
    request.recipient_phone = String::new();
    request.address = None;
    let plan = yard.plan(&request).await.expect("plans").into_inner();
    let parcel = yard.book(&plan, ShipmentId::new()).await.expect("books").into_inner();
    assert_eq!(parcel.carrier, "pickup");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_booked_is_refused() {
    let yard = Yard::open().await;
    let parcel = yard.booked().await;
    let id: ShipmentId = parcel.shipment_id.parse().expect("an id");
    let other = yard.planned().await;
    let refused = refusal(yard.book(&other, id).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::AlreadyExists, "SHIPMENT_MISMATCH"));

    yard.cancel(&other.delivery_plan_id).await.expect("cancels");
    assert_eq!(refusal(yard.book(&other, ShipmentId::new()).await).reason, "PLAN_CANCELLED");
    let mut absent = other.clone();
    absent.delivery_plan_id = DeliveryPlanId::new().to_string();
    let refused = refusal(yard.book(&absent, ShipmentId::new()).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "DELIVERY_PLAN_NOT_FOUND"));
    yard.cancel(&absent.delivery_plan_id).await.expect("a tombstone");
    assert_eq!(refusal(yard.book(&absent, ShipmentId::new()).await).reason, "PLAN_CANCELLED");

    let refused = refusal(yard.delivery().book_shipment(BookShipmentRequest::default()).await);
    assert_eq!(refused.fields, ["delivery_plan_id", "shipment_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_itself_refuses_a_second_live_parcel() {
    let yard = Yard::open().await;
    yard.booked().await;
    let client = yard.world.database("delivery").client().await;
    let twin = "INSERT INTO shipments (shipment_id, delivery_plan_id, order_id, shop_id, carrier, tracking_number, status,
                                       create_time)
                SELECT gen_random_uuid(), delivery_plan_id, order_id, shop_id, carrier, 'KB', 'pending', create_time
                FROM shipments";
    assert!(client.execute(twin, &[]).await.is_err());
}
