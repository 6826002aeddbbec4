//! What orders hears of parcels.

use proto::delivery::v1::{Shipment, ShipmentTracked, TrackingStatus};
use proto::orders::v1 as pb;
use types::{OrderId, ShipmentId};

use crate::shop::Shop;

fn track(shop: &Shop, order: &pb::Order, status: TrackingStatus) {
    let order_id: OrderId = order.order_id.parse().unwrap();
    let shipment = Shipment {
        shipment_id: ShipmentId::derived(order_id.uuid(), 0).to_string(),
        order_id: order.order_id.clone(),
        status: status.into(),
        ..Default::default()
    };
    let event = ShipmentTracked { shipment: Some(shipment.clone()), ..Default::default() };
    shop.them.tell("delivery", &shipment.shipment_id, &event);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_moves_its_order() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 2)])).await;
    shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap();

    track(&shop, &order, TrackingStatus::Pending);
    track(&shop, &order, TrackingStatus::PickedUp);
    let left = shop
        .eventually(&order.order_id, "it is on its way", |order| order.state() == pb::OrderState::Delivery)
        .await;
    track(&shop, &order, TrackingStatus::InTransit);
    track(&shop, &order, TrackingStatus::Delivered);
    let complete = shop
        .eventually(&order.order_id, "it is complete", |order| order.state() == pb::OrderState::Complete)
        .await;

    assert_eq!((left.status.as_str(), left.fulfilment_status()), ("delivery", pb::FulfilmentStatus::Shipped));
    assert_eq!((left.lines[0].shipped, left.lines[0].reserved), (2, 0));
    assert_eq!(complete.fulfilment_status(), pb::FulfilmentStatus::Delivered);
    assert_eq!((complete.lines[0].delivered, complete.shipment_ids.len()), (2, 1));
    testing::eventually("the goods are out of stock", async || {
        (shop.them.calls("ShipReservation") == 1).then_some(())
    })
    .await;
    let followed =
        shop.actions(&order.order_id).await.into_iter().filter(|action| action == "orders.follow_shipments");
    assert_eq!(followed.count(), 2, "what changes nothing is not written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivered_parcel_completes_an_order_whose_way_was_not_told() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 1)])).await;

    track(&shop, &order, TrackingStatus::Delivered);

    let complete = shop
        .eventually(&order.order_id, "it is complete", |order| order.state() == pb::OrderState::Complete)
        .await;
    assert_eq!((complete.lines[0].shipped, complete.lines[0].delivered), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_of_a_cancelled_order_moves_nothing() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 1)])).await;
    let cancelled = shop.cancel(&order.order_id).await.unwrap().into_inner();
    let other = shop.placed(shop.parcel(&[("A-1", 1)])).await;

    track(&shop, &order, TrackingStatus::PickedUp);
    track(&shop, &other, TrackingStatus::PickedUp);

    shop.eventually(&other.order_id, "the other one is heard of", |order| {
        order.state() == pb::OrderState::Delivery
    })
    .await;
    assert_eq!(shop.order(&order.order_id).await, cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_nobody_takes_is_expected_back_once() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 2), ("WRAP", 1)])).await;
    shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap();

    track(&shop, &order, TrackingStatus::PickedUp);
    track(&shop, &order, TrackingStatus::ReturnToSender);
    track(&shop, &order, TrackingStatus::ReturnToSender);

    let list = pb::ListReturnsRequest { order_id: order.order_id.clone(), ..Default::default() };
    let returns = testing::eventually("a return is expected", async || {
        let page = shop.client().list_returns(list.clone()).await.unwrap().into_inner();
        Some(page.returns).filter(|returns| !returns.is_empty())
    })
    .await;
    track(&shop, &order, TrackingStatus::ReturnToSender);
    let other = shop.placed(shop.parcel(&[("A-1", 1)])).await;
    track(&shop, &other, TrackingStatus::PickedUp);
    shop.eventually(&other.order_id, "everything is heard of", |order| {
        order.state() == pb::OrderState::Delivery
    })
    .await;
    assert_eq!(shop.count("SELECT count(*) FROM returns").await, 1);
    let one = &returns[0];
    assert_eq!(
        (one.state(), one.lines.len()),
        (pb::ReturnState::InTransit, 1),
        "a service does not come back"
    );
    assert_eq!(
        (one.lines[0].sku.as_str(), one.lines[0].quantity, one.lines[0].reason.as_str()),
        ("A-1", 2, "not_collected")
    );
}
