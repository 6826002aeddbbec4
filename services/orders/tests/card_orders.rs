//! Orders that are paid by card: what is opened for them, and what becomes of those that nobody pays.

use std::time::Duration;

use proto::inventory::v1::SplitPolicy;
use proto::orders::v1 as pb;
use proto::payments::v1::{AttemptOutcome, PaymentMethod};

use crate::neighbours::Failure;
use crate::shop::Shop;

async fn shop_with_deadline(minutes: i32) -> Shop {
    let shop = Shop::open().await;
    shop.them.state().shops.get_mut(&shop.shop_id.to_string()).unwrap().pay_by_minutes = minutes;
    shop
}

fn by_card(shop: &Shop) -> pb::PlaceOrderRequest {
    pb::PlaceOrderRequest { payment_method: "card".to_owned(), ..shop.cart(&[("A-1", 1)]) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_order_has_a_deadline_and_others_have_none() {
    let shop = shop_with_deadline(30).await;

    let card = shop.placed(by_card(&shop)).await;
    let cash = shop.placed(shop.cart(&[("A-1", 1)])).await;

    let placed = card.create_time.unwrap().seconds;
    assert_eq!(card.pay_by_time.map(|time| time.seconds), Some(placed + 30 * 60));
    assert_eq!((cash.pay_by_time, card.payment.unwrap().method.as_str()), (None, "card"));
    assert_eq!(shop.them.state().payments[&card.payment_id].method, PaymentMethod::Card as i32);
    assert_eq!(shop.count("SELECT count(*) FROM order_terms").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_pays_is_cancelled_and_given_back() {
    let shop = shop_with_deadline(30).await;
    let order = shop.placed(by_card(&shop)).await;
    let paid = shop.placed(by_card(&shop)).await;
    shop.pay(&paid.payment_id, 10_000);
    shop.eventually(&paid.order_id, "the money is heard of", |order| order.paid == order.total).await;

    shop.world.clock.advance(Duration::from_secs(31 * 60));

    let cancelled = shop
        .eventually(&order.order_id, "it is cancelled", |order| order.state() == pb::OrderState::Cancelled)
        .await;
    assert_eq!(cancelled.cancel_reason, "payment_overdue");
    assert_eq!(shop.them.held().len(), 2, "what is paid stays held");
    assert_eq!(shop.them.state().stock["A-1"], 9);
    assert_eq!(shop.order(&paid.order_id).await.state(), pb::OrderState::New);
    assert_eq!(shop.events(&order.order_id).await, ["OrderPlaced", "OrderCancelled"]);
    let open = "SELECT count(*) FROM order_terms WHERE pay_by_look_time IS NOT NULL";
    testing::eventually("nobody is looked at any more", async || (shop.count(open).await == 0).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_paid_is_never_cancelled() {
    let shop = shop_with_deadline(30).await;
    let mut touched = Vec::new();
    for outcome in [AttemptOutcome::Unknown, AttemptOutcome::Authorized, AttemptOutcome::RequiresAction] {
        let order = shop.placed(by_card(&shop)).await;
        shop.them.state().payments.get_mut(&order.payment_id).unwrap().attempts.push(outcome);
        touched.push(order);
    }
    let failed = shop.placed(by_card(&shop)).await;
    shop.them.state().payments.get_mut(&failed.payment_id).unwrap().attempts.push(AttemptOutcome::Failed);

    shop.world.clock.advance(Duration::from_secs(31 * 60));

    shop.eventually(&failed.order_id, "the failed one is cancelled", |order| {
        order.state() == pb::OrderState::Cancelled
    })
    .await;
    for order in &touched {
        assert_eq!(shop.order(&order.order_id).await.state(), pb::OrderState::New);
    }

    // The provider says that nothing was taken: the next look cancels it.
    shop.them.state().payments.get_mut(&touched[0].payment_id).unwrap().attempts =
        vec![AttemptOutcome::Failed];
    shop.world.clock.advance(Duration::from_secs(61));
    shop.eventually(&touched[0].order_id, "it is cancelled", |order| {
        order.state() == pb::OrderState::Cancelled
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shop_says_whether_stock_may_come_from_several_warehouses() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    assert_eq!(shop.them.state().reservations[&order.reservation_id].split, SplitPolicy::Allowed as i32);

    shop.them.state().shops.get_mut(&shop.shop_id.to_string()).unwrap().split_allowed = Some(false);
    shop.world.clock.advance(Duration::from_secs(10));

    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    assert_eq!(shop.them.state().reservations[&order.reservation_id].split, SplitPolicy::OneWarehouse as i32);
}

/// The job begins to cancel an order whose payment it cannot reach; answers once it has tried to give the payment up.
async fn overdue_while_payments_are_away(shop: &Shop) -> pb::Order {
    let request = pb::PlaceOrderRequest { payment_method: "card".to_owned(), ..shop.parcel(&[("A-1", 1)]) };
    let order = shop.placed(request).await;
    shop.them.fail("VoidPayment", [Failure::Unavailable]);
    shop.world.clock.advance(Duration::from_secs(31 * 60));
    testing::eventually("the job gives the payment up", async || {
        (shop.them.calls("VoidPayment") > 0).then_some(())
    })
    .await;
    order
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pays_while_the_order_is_being_given_up_keeps_it() {
    let shop = shop_with_deadline(30).await;
    let order = overdue_while_payments_are_away(&shop).await;

    // Nobody had begun to pay when the job looked. Now the buyer does.
    let authorized = AttemptOutcome::Authorized;
    shop.them.state().payments.get_mut(&order.payment_id).unwrap().attempts.push(authorized);

    let sagas = "SELECT count(*) FROM sagas WHERE kind = 'cancel_order' AND state = 'undone'";
    testing::eventually("the cancellation is given up", async || {
        shop.world.clock.advance(Duration::from_secs(1));
        (shop.count(sagas).await == 1).then_some(())
    })
    .await;
    let kept = shop.order(&order.order_id).await;
    assert_eq!(kept, order, "the order stays as it was");
    assert_eq!(shop.them.held().len(), 3, "stock, delivery and payment are held");
    assert_eq!((shop.them.calls("CancelDelivery"), shop.them.calls("ReleaseReservation")), (0, 0));
    assert_eq!(shop.events(&order.order_id).await, ["OrderPlaced"]);
    shop.cancel(&order.order_id).await.expect("people may cancel it as ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_kept_his_order_keeps_its_payment_when_his_card_is_declined() {
    let shop = shop_with_deadline(30).await;
    let order = overdue_while_payments_are_away(&shop).await;
    let attempts = |outcome| {
        shop.them.state().payments.get_mut(&order.payment_id).unwrap().attempts = vec![outcome];
    };

    // Refused because he had begun to pay, and the answer is lost; when it is asked for again, his bank has declined.
    shop.them.fail("VoidPayment", [Failure::AnswerLost, Failure::Unavailable]);
    attempts(AttemptOutcome::Processing);
    testing::eventually("it is refused", async || {
        shop.world.clock.advance(Duration::from_secs(1));
        (shop.them.state().refused_cancellations.len() == 1).then_some(())
    })
    .await;
    attempts(AttemptOutcome::Failed);

    let sagas = "SELECT count(*) FROM sagas WHERE kind = 'cancel_order' AND state = 'undone'";
    testing::eventually("the cancellation is given up", async || {
        (shop.count(sagas).await == 1).then_some(())
    })
    .await;
    assert_eq!(shop.order(&order.order_id).await, order, "the order stays as it was");
    assert_eq!(shop.them.held().len(), 3, "stock, delivery and payment are held");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_paid_in_part_keeps_all_its_payments() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    shop.pay(&order.payment_id, 10_000);
    let paid =
        shop.eventually(&order.order_id, "the money is heard of", |order| order.paid == order.total).await;
    let mut more = paid.clone();
    more.lines[0].ordered = 2;
    let more = shop.update(shop.edit(&more, &["lines"])).await.unwrap().into_inner();
    assert_eq!(more.payment_ids.len(), 2, "the second is open");

    let overdue =
        pb::CancelOrderRequest { reason: "payment_overdue".to_owned(), ..shop.cancellation(&order.order_id) };
    let refused = testing::refusal(shop.client().cancel_order(overdue).await);

    assert_eq!(refused.reason, "PAYMENT_TOUCHED");
    assert!(
        shop.them.state().payments.values().all(|payment| !payment.voided),
        "what is owed can still be paid"
    );
    assert_eq!(shop.order(&order.order_id).await, more);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pays_after_the_payment_was_given_up_pays_nothing() {
    let shop = shop_with_deadline(30).await;
    let order = overdue_while_payments_are_away(&shop).await;

    shop.eventually(&order.order_id, "it is cancelled", |order| order.state() == pb::OrderState::Cancelled)
        .await;

    assert!(shop.them.held().is_empty());
    assert!(
        shop.them.state().payments[&order.payment_id].voided,
        "payments refuses to confirm it from now on"
    );
    assert_eq!(shop.them.calls("VoidPayment"), 2, "given up once, however often it is asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_with_a_parcel_is_not_cancelled_by_the_clock() {
    let shop = shop_with_deadline(30).await;
    let request =
        || pb::PlaceOrderRequest { payment_method: "card".to_owned(), ..shop.parcel(&[("A-1", 1)]) };
    let (sent, other) = (shop.placed(request()).await, shop.placed(request()).await);
    shop.change_state(&sent.order_id, pb::OrderState::Assembling).await.unwrap();
    shop.eventually(&sent.order_id, "the parcel is booked", |order| !order.shipment_ids.is_empty()).await;
    shop.change_state(&sent.order_id, pb::OrderState::Approval).await.unwrap();

    shop.world.clock.advance(Duration::from_secs(31 * 60));

    shop.eventually(&other.order_id, "it is cancelled", |order| order.state() == pb::OrderState::Cancelled)
        .await;
    assert_eq!(shop.order(&sent.order_id).await.state(), pb::OrderState::Approval, "it may have left");
}
