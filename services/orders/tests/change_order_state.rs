//! Moving orders by hand.

use proto::orders::v1 as pb;
use tonic::Code;

use crate::neighbours::Failure;
use crate::shop::{Shop, facts, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_goes_its_way() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 2)])).await;

    for state in [pb::OrderState::Approval, pb::OrderState::Assembling, pb::OrderState::Delivery] {
        assert_eq!(shop.change_state(&order.order_id, state).await.unwrap().into_inner().state(), state);
    }
    let complete = shop.change_state(&order.order_id, pb::OrderState::Complete).await.unwrap().into_inner();

    assert_eq!((complete.status.as_str(), complete.etag.as_str()), ("complete", "5"));
    assert_eq!(complete.fulfilment_status(), pb::FulfilmentStatus::Delivered);
    let line = &complete.lines[0];
    assert_eq!((line.reserved, line.shipped, line.delivered), (0, 2, 2));
    assert_eq!(
        shop.events(&order.order_id).await,
        ["OrderPlaced", "OrderChanged", "OrderChanged", "OrderChanged", "OrderChanged"]
    );
    assert_eq!(shop.actions(&order.order_id).await.len(), 6);
    // Without a parcel inventory hears it from us.
    testing::eventually("the goods are out of stock", async || {
        shop.them.state().reservations[&order.reservation_id].shipped.then_some(())
    })
    .await;
    assert_eq!(shop.them.calls("ShipReservation"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn entering_assembling_books_the_parcel() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 1)])).await;
    shop.them.fail("BookShipment", [Failure::Unavailable, Failure::AnswerLost]);

    shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap();

    let booked =
        shop.eventually(&order.order_id, "a parcel is booked", |order| !order.shipment_ids.is_empty()).await;
    assert_eq!(shop.them.state().shipments[&booked.shipment_ids[0]], order.delivery_plan_id);
    assert_eq!(shop.events(&order.order_id).await, ["OrderPlaced", "OrderChanged", "OrderChanged"]);

    // Back and again: the parcel stays the same.
    shop.change_state(&order.order_id, pb::OrderState::Approval).await.unwrap();
    let again = shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap().into_inner();
    assert_eq!((again.shipment_ids, shop.them.calls("BookShipment")), (booked.shipment_ids, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_booking_is_told_in_the_history() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 1)])).await;
    shop.them.fail("BookShipment", [Failure::Refuse("CARRIER_ON_STRIKE")]);

    shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap();

    testing::eventually("the refusal is noted", async || {
        let noted = "SELECT count(*) FROM audit_log WHERE changes::text LIKE '%CARRIER_ON_STRIKE%'";
        (shop.count(noted).await == 1).then_some(())
    })
    .await;
    assert_eq!(shop.order(&order.order_id).await.state(), pb::OrderState::Assembling);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_the_shops_own() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let with_status = |status: &str| pb::ChangeOrderStateRequest {
        order_id: order.order_id.clone(),
        state: pb::OrderState::New.into(),
        status: status.to_owned(),
        idempotency_key: shop.key(),
        ..Default::default()
    };

    let called = shop.client().change_order_state(with_status("called-twice")).await.unwrap().into_inner();
    let default = shop.client().change_order_state(with_status("")).await.unwrap().into_inner();

    assert_eq!((called.state(), called.status.as_str()), (pb::OrderState::New, "called-twice"));
    assert_eq!((default.status.as_str(), default.etag.as_str()), ("new", "3"));
    for wrong in ["Called", "a b", "x".repeat(41).as_str(), "дзвінок"] {
        let refused = testing::refusal(shop.client().change_order_state(with_status(wrong)).await);
        assert_eq!(
            (refused.code, refused.fields),
            (Code::InvalidArgument, vec!["status".to_owned()]),
            "{wrong}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_move_names_the_allowed_ones() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;

    let answer = shop.change_state(&order.order_id, pb::OrderState::Complete).await;

    let refused = refusal(&answer);
    assert_eq!(
        (refused.code, refused.reason.as_str()),
        (Code::FailedPrecondition, "STATE_CHANGE_NOT_ALLOWED")
    );
    assert_eq!(facts(&answer)["allowed"], "new,approval,assembling");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_etag_is_refused() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let request = |etag: &str| pb::ChangeOrderStateRequest {
        order_id: order.order_id.clone(),
        state: pb::OrderState::Approval.into(),
        etag: etag.to_owned(),
        idempotency_key: shop.key(),
        ..Default::default()
    };

    let answer = shop.client().change_order_state(request("0")).await;

    let refused = refusal(&answer);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    shop.client().change_order_state(request(&facts(&answer)["current_etag"])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_changes_nothing() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let request = pb::ChangeOrderStateRequest {
        order_id: order.order_id.clone(),
        state: pb::OrderState::Assembling.into(),
        idempotency_key: shop.key(),
        ..Default::default()
    };

    let first = shop.client().change_order_state(request.clone()).await.unwrap().into_inner();
    let second = shop.client().change_order_state(request.clone()).await.unwrap().into_inner();

    assert_eq!(first, second);
    assert_eq!(shop.actions(&order.order_id).await.len(), 3);
    let other = pb::ChangeOrderStateRequest { state: pb::OrderState::Approval.into(), ..request };
    let refused = testing::refusal(shop.client().change_order_state(other).await);
    assert_eq!(refused.reason, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_are_refused() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    for state in [0, 1, 7, 8, 99] {
        let request = pb::ChangeOrderStateRequest {
            order_id: order.order_id.clone(),
            state,
            idempotency_key: shop.key(),
            ..Default::default()
        };
        let refused = testing::refusal(shop.client().change_order_state(request).await);
        assert_eq!(
            (refused.code, refused.fields),
            (Code::InvalidArgument, vec!["state".to_owned()]),
            "{state}"
        );
    }
    let (other_shop, _) = shop.add_shop();
    let mut stranger = shop.partner(&[other_shop], &["orders.write"]);
    let request = pb::ChangeOrderStateRequest {
        order_id: order.order_id,
        state: pb::OrderState::Approval.into(),
        idempotency_key: shop.key(),
        ..Default::default()
    };
    assert_eq!(testing::refusal(stranger.change_order_state(request).await).reason, "ORDER_NOT_FOUND");
}
