//! Cancelling a delivery.

use proto::delivery::v1::{CancelDeliveryRequest, GetShipmentRequest, TrackingStatus};
use testing::refusal;
use tonic::Code;
use types::ShipmentId;

use crate::Yard;

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_a_parcel_is_cancelled_once() {
    let yard = Yard::open().await;
    let plan = yard.planned().await;
    let cancelled = yard.cancel(&plan.delivery_plan_id).await.expect("cancels").into_inner();
    assert!(cancelled.cancelled);
    assert_eq!(yard.cancel(&plan.delivery_plan_id).await.expect("again").into_inner(), cancelled);
    assert_eq!(yard.events_of(&plan.delivery_plan_id).await, ["1 DeliveryPlanned", "2 DeliveryCancelled"]);
    assert_eq!(yard.history_of(&plan.delivery_plan_id).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_has_not_left_is_cancelled_with_it() {
    let yard = Yard::open().await;
    let plan = yard.planned().await;
    let parcel = yard.book(&plan, ShipmentId::new()).await.expect("books").into_inner();
    yard.cancel(&plan.delivery_plan_id).await.expect("cancels");

    let request = GetShipmentRequest { shipment_id: parcel.shipment_id.clone() };
    let parcel = yard.delivery().get_shipment(request).await.expect("reads").into_inner();
    assert_eq!(parcel.status(), TrackingStatus::Cancelled);
    assert_eq!(parcel.events.len(), 1);
    assert_eq!(yard.events_of(&parcel.shipment_id).await, ["1 ShipmentBooked", "2 ShipmentTracked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_has_left_is_not_called_back() {
    let yard = Yard::open().await;
    let parcel = yard.booked().await;
    yard.track(&parcel, TrackingStatus::PickedUp, 0).await.expect("tracks");
    let status = yard.cancel(&parcel.delivery_plan_id).await.expect_err("left");
    assert_eq!(
        (status.code(), rpc::reason(&status).as_deref()),
        (Code::FailedPrecondition, Some("SHIPMENT_LEFT"))
    );
    assert_eq!(rpc::metadata(&status)["shipment_id"], parcel.shipment_id);
    assert_eq!(rpc::metadata(&status)["status"], "picked_up");
    assert_eq!(yard.events_of(&parcel.delivery_plan_id).await, ["1 DeliveryPlanned"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_or_unknown_id_is_not_planned() {
    let yard = Yard::open().await;
    let method = yard.offer_courier().await;
    let (known, late) = (yard.wish(&method), yard.wish(&method));
    yard.plan(&known).await.expect("plans");
    yard.cancel(&known.delivery_plan_id).await.expect("cancels");
    let buried = yard.cancel(&late.delivery_plan_id).await.expect("remembers").into_inner();
    assert_eq!(yard.cancel(&late.delivery_plan_id).await.expect("again").into_inner(), buried);
    assert!(buried.cancelled);
    for request in [&known, &late] {
        let refused = refusal(yard.plan(request).await);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "PLAN_CANCELLED"));
    }
    assert_eq!(yard.history_of(&late.delivery_plan_id).await, ["delivery.cancel_delivery"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_of_planning_and_cancelling_ends_cancelled() {
    let yard = Yard::open().await;
    let method = yard.offer_courier().await;
    for _ in 0..20 {
        let request = yard.wish(&method);
        let (_, cancelled) = tokio::join!(yard.plan(&request), yard.cancel(&request.delivery_plan_id));
        assert!(cancelled.expect("cancels").into_inner().cancelled);
        assert_eq!(refusal(yard.plan(&request).await).reason, "PLAN_CANCELLED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_of_booking_and_cancelling_leaves_no_parcel() {
    let yard = Yard::open().await;
    let method = yard.offer_courier().await;
    for _ in 0..20 {
        let plan = yard.plan(&yard.wish(&method)).await.expect("plans").into_inner();
        let (booked, cancelled) =
            tokio::join!(yard.book(&plan, ShipmentId::new()), yard.cancel(&plan.delivery_plan_id));
        cancelled.expect("cancels");
        if booked.is_err() {
            assert_eq!(refusal(booked).reason, "PLAN_CANCELLED");
        }
    }
    let client = yard.world.database("delivery").client().await;
    let live = "SELECT count(*) FROM shipments WHERE status <> 'cancelled'";
    assert_eq!(client.query_one(live, &[]).await.expect("counts").get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let yard = Yard::open().await;
    let request = CancelDeliveryRequest { delivery_plan_id: "dlp".to_owned(), reason: "x".repeat(4001) };
    assert_eq!(
        refusal(yard.delivery().cancel_delivery(request).await).fields,
        ["delivery_plan_id", "reason"]
    );
}
