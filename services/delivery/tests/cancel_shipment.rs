//! Cancelling a parcel.

use std::time::Duration;

use proto::delivery::v1::{CancelShipmentRequest, ShipmentState, TrackingStatus};
use simulators::Fault;
use testing::refusal;
use tonic::Code;
use types::{ShipmentId, ShopId};

use crate::outside::Outside;

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_whose_answer_was_lost_leaves_no_waybill_behind() {
    let outside = Outside::parcel().await;
    outside.carriers.faults("parcel").next_on("create_parcel", Fault::TimeoutAfterEffect);
    let parcel = outside.book().await;
    outside
        .until(&parcel.shipment_id, "the answer was lost", |_| {
            outside.carriers.faults("parcel").struck(Fault::TimeoutAfterEffect) == 1
        })
        .await;

    let asked = outside.cancel(&parcel.shipment_id).await.expect("asks").into_inner();
    assert_eq!(asked.state(), ShipmentState::Cancelling);
    outside.wait(Duration::from_secs(30));
    outside.until_state(&parcel, ShipmentState::Cancelled).await;

    assert_eq!(outside.waybills(&parcel).1, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_carrier_knows_is_cancelled_at_once() {
    let outside = Outside::parcel().await;
    let mut wish = outside.wish();
    wish.recipient_phone = String::new();
    let parcel = outside.book_wish(&wish).await;
    outside.until_state(&parcel, ShipmentState::BookingFailed).await;
    let gone = outside.cancel(&parcel.shipment_id).await.expect("cancels").into_inner();
    assert_eq!((gone.state(), gone.status()), (ShipmentState::Cancelled, TrackingStatus::Cancelled));
    assert!(Outside::open_incidents(&gone).is_empty());
    let history = outside.yard.history_of(&parcel.shipment_id).await;
    assert_eq!(history, ["delivery.book_shipment", "delivery.work_shipments", "delivery.cancel_shipment"]);
}

/// Another carrier, another address: the old waybill is gone before the new one is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_is_redirected_by_another_plan() {
    let outside = Outside::parcel().await;
    let first = outside.booked().await;
    outside.yard.cancel(&first.delivery_plan_id).await.expect("cancels the plan");
    outside.until_state(&first, ShipmentState::Cancelled).await;
    let mut wish = outside.wish();
    wish.order_id = first.order_id.clone();
    wish.address.as_mut().expect("an address").line = "Sumska 3".to_owned();
    let second = outside.book_wish(&wish).await;
    outside.until_state(&second, ShipmentState::Booked).await;
    assert_eq!((outside.waybills(&first), outside.waybills(&second)), ((1, 0), (1, 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_left_or_is_foreign_is_refused() {
    let outside = Outside::parcel().await;
    let own = outside.yard.booked().await;
    outside.yard.track(&own, TrackingStatus::PickedUp, 1).await.expect("leaves");
    let refused = refusal(outside.cancel(&own.shipment_id).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "SHIPMENT_LEFT"));
    let request = CancelShipmentRequest { shipment_id: own.shipment_id, reason: String::new() };
    let mut stranger = outside.yard.partner_of(ShopId::new());
    assert_eq!(refusal(stranger.cancel_shipment(request).await).reason, "SHIPMENT_NOT_FOUND");
    let refused = refusal(outside.cancel(&ShipmentId::new().to_string()).await);
    assert_eq!(refused.reason, "SHIPMENT_NOT_FOUND");
}
