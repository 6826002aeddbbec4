//! Cancelling orders.

use std::time::Duration;

use proto::orders::v1 as pb;
use tonic::Code;

use crate::neighbours::Failure;
use crate::shop::{Shop, facts, refusal, uah};

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_given_back() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 2), ("WRAP", 1)])).await;

    let cancelled = shop.cancel(&order.order_id).await.unwrap().into_inner();

    assert_eq!((cancelled.state(), cancelled.status.as_str()), (pb::OrderState::Cancelled, "cancelled"));
    assert_eq!((cancelled.cancel_reason.as_str(), cancelled.etag.as_str()), ("buyer_changed_mind", "2"));
    let quantities: Vec<_> = cancelled.lines.iter().map(|line| (line.cancelled, line.reserved)).collect();
    assert_eq!(quantities, [(2, 0), (1, 0)]);
    assert_eq!(cancelled.total, uah("265.00"), "what was agreed stays known");
    assert!(shop.them.held().is_empty());
    assert_eq!(shop.them.state().stock["A-1"], 10);
    assert_eq!(shop.events(&order.order_id).await, ["OrderPlaced", "OrderCancelled"]);
    assert_eq!(
        shop.actions(&order.order_id).await,
        ["orders.place_order", "orders.settle_order", "orders.cancel_order"]
    );
    assert_eq!(shop.order(&order.order_id).await, cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_comment_is_kept_as_a_digest() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;

    shop.cancel(&order.order_id).await.unwrap();

    let told = shop.count("SELECT count(*) FROM audit_log WHERE changes::text LIKE '%his cat%'").await;
    let kept = format!(
        "SELECT count(*) FROM audit_personal WHERE person_id = '{}' AND value = 'ordered by his cat'",
        order.customer_id
    );
    assert_eq!((told, shop.count(&kept).await), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_same_answer_whatever_happened_since() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let request = shop.cancellation(&order.order_id);

    let calls: Vec<_> = (0..16)
        .map(|_| {
            let (mut client, request) = (shop.client(), request.clone());
            tokio::spawn(async move {
                loop {
                    match client.cancel_order(request.clone()).await {
                        // What a client is told to do while the first call runs.
                        Err(status) if rpc::reason(&status).as_deref() == Some("IDEMPOTENCY_KEY_IN_USE") => {
                            tokio::time::sleep(Duration::from_millis(50)).await;
                        }
                        answer => return answer,
                    }
                }
            })
        })
        .collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap().unwrap().into_inner());
    }

    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(shop.them.calls("VoidPayment"), 1);
    let other = pb::CancelOrderRequest { reason: "fraud".to_owned(), ..request };
    let refused = testing::refusal(shop.client().cancel_order(other).await);
    assert_eq!(refused.reason, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_asked_until_it_is_done() {
    let shop = Shop::open().await;
    for step in ["CancelDelivery", "ReleaseReservation", "VoidPayment"] {
        let order = shop.placed(shop.parcel(&[("A-1", 1)])).await;
        shop.them.fail(step, [Failure::Unavailable, Failure::AnswerLost]);

        let cancelled = shop.cancel(&order.order_id).await.unwrap().into_inner();

        assert_eq!(cancelled.state(), pb::OrderState::Cancelled, "{step}");
        assert!(shop.them.held().is_empty(), "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_has_left_is_too_late() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 1)])).await;
    shop.them.state().plans.get_mut(&order.delivery_plan_id).unwrap().left = true;
    let request = shop.cancellation(&order.order_id);

    let refused = testing::refusal(shop.client().cancel_order(request.clone()).await);

    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "SHIPMENT_LEFT"));
    assert_eq!(shop.order(&order.order_id).await, order, "the order is as it was");
    assert_eq!(shop.them.held().len(), 3);

    // The courier brings it back: now the same call may succeed.
    shop.them.state().plans.get_mut(&order.delivery_plan_id).unwrap().left = false;
    let cancelled = shop.client().cancel_order(request).await.unwrap().into_inner();
    assert_eq!(cancelled.state(), pb::OrderState::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_void_is_insisted_on() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    shop.them.fail("VoidPayment", [Failure::Refuse("BOOKS_CLOSED")]);

    let cancelled = shop.cancel(&order.order_id).await.unwrap().into_inner();

    assert_eq!((cancelled.state(), shop.them.held().len()), (pb::OrderState::Cancelled, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_being_cancelled_nothing_else_moves_it() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    shop.them.fail("VoidPayment", std::iter::repeat_n(Failure::Unavailable, 5));
    let (mut client, request) = (shop.client(), shop.cancellation(&order.order_id));
    let cancelling = tokio::spawn(async move { client.cancel_order(request).await });
    testing::eventually("the payment is being voided", async || {
        (shop.them.calls("VoidPayment") > 0).then_some(())
    })
    .await;

    let moved = testing::refusal(shop.change_state(&order.order_id, pb::OrderState::Approval).await);
    let cancelled = testing::refusal(shop.cancel(&order.order_id).await);

    assert_eq!((moved.code, moved.reason.as_str()), (Code::Aborted, "ORDER_BUSY"));
    assert_eq!(cancelled.reason, "ORDER_BUSY");
    assert_eq!(cancelling.await.unwrap().unwrap().into_inner().state(), pb::OrderState::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undecided_cancellation_is_asked_for_again() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    shop.them.fail("VoidPayment", std::iter::repeat_n(Failure::Unavailable, 12));
    let request = shop.cancellation(&order.order_id);

    let refused = testing::refusal(shop.client().cancel_order(request.clone()).await);

    assert_eq!((refused.code, refused.reason.as_str()), (Code::Aborted, "IDEMPOTENCY_KEY_IN_USE"));
    shop.them.state().failures.clear();
    let cancelled = testing::eventually("it is cancelled", async || {
        shop.client().cancel_order(request.clone()).await.ok().map(tonic::Response::into_inner)
    })
    .await;
    assert_eq!(cancelled.state(), pb::OrderState::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_left_or_ended_are_refused() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap();
    shop.change_state(&order.order_id, pb::OrderState::Delivery).await.unwrap();

    let answer = shop.cancel(&order.order_id).await;

    let refused = refusal(&answer);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "ORDER_STATE"));
    let told = facts(&answer);
    assert_eq!((told["state"].as_str(), told["allowed"].as_str()), ("delivery", "new,approval,assembling"));

    let other = shop.placed(shop.cart(&[("A-1", 1)])).await;
    shop.cancel(&other.order_id).await.unwrap();
    assert_eq!(testing::refusal(shop.cancel(&other.order_id).await).reason, "ORDER_STATE");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_are_refused() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let right = shop.cancellation(&order.order_id);
    let refusal = async |request| testing::refusal(shop.client().cancel_order(request).await);

    let unknown = refusal(pb::CancelOrderRequest { reason: "boredom".to_owned(), ..right.clone() }).await;
    assert_eq!((unknown.code, unknown.reason.as_str()), (Code::InvalidArgument, "CANCEL_REASON_UNKNOWN"));
    let keyless = refusal(pb::CancelOrderRequest { idempotency_key: String::new(), ..right.clone() }).await;
    assert_eq!(keyless.fields, ["idempotency_key"]);
    let nul = refusal(pb::CancelOrderRequest { comment: "a\0b".to_owned(), ..right.clone() }).await;
    assert_eq!(nul.fields, ["comment"]);
    let absent = pb::CancelOrderRequest { order_id: types::OrderId::new().to_string(), ..right.clone() };
    assert_eq!(refusal(absent.clone()).await.reason, "ORDER_NOT_FOUND");

    let (other_shop, _) = shop.add_shop();
    let mut stranger = shop.partner(&[other_shop], &["orders.write"]);
    let foreign = stranger.cancel_order(right).await.unwrap_err();
    let absent = stranger.cancel_order(absent).await.unwrap_err();
    assert_eq!((foreign.code(), foreign.message()), (absent.code(), absent.message()));
}
