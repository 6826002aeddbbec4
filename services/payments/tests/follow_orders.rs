//! What is reserved is captured when the goods leave.

use proto::payments::v1::{self as pb, AttemptOutcome, CaptureMode, PaymentState};
use simulators::{Effect, Fault};
use testing::eventually;

use crate::card_shop::{CARDS, CardShop};
use crate::refusing_door::{self, Refused};
use crate::sums;

/// Waits until payments has read what orders told.
async fn until_read(shop: &CardShop) {
    let told = shop.till.orders.last_position();
    let client = shop.till.world.database("payments").client().await;
    let read =
        "SELECT coalesce(max(position), 0) FROM event_cursors WHERE consumer = 'payments.follow_orders'";
    eventually("the events are read", || async {
        (client.query_one(read, &[]).await.expect("looks").get::<_, i64>(0) >= told).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_part_that_leaves_takes_all_that_is_due() {
    for kind in CARDS {
        let shop = CardShop::at(kind, CaptureMode::Manual).await;
        let reserved = shop.paid("100.00", "EUR").await;
        assert_eq!(reserved.state(), PaymentState::Authorized, "{kind:?}");

        shop.till.orders.left(&reserved.order_id, 1);
        let paid = shop.until_state(&reserved, PaymentState::Succeeded).await;
        shop.till.orders.left(&reserved.order_id, 2);
        until_read(&shop).await;

        assert_eq!(sums(&paid), "100.00 100.00 0.00", "{kind:?}");
        assert_eq!(shop.read(&reserved).await, paid, "the second part takes nothing more");
        assert_eq!(shop.did(Effect::Captured), 1, "{kind:?}");
        assert_eq!(shop.till.balances().await, ["acquirer=10000", "revenue=-10000"]);
        let history = shop.till.history_of(&reserved.payment_id).await;
        assert!(history.contains(&"payments.follow_orders".to_owned()), "{history:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_before_goods_leave() {
    let shop = CardShop::reserving().await;
    let reserved = shop.paid("100.00", "EUR").await;
    let order_id = &reserved.order_id;

    shop.till.orders.changed(order_id, &["state", "status", "fulfilments"], (2, 0));
    shop.till.orders.changed(order_id, &["fulfilment_status"], (2, 0));
    shop.till.orders.changed(order_id, &["comment"], (2, 1));
    until_read(&shop).await;

    assert_eq!(shop.read(&reserved).await, reserved);
    assert_eq!(shop.did(Effect::Captured), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_shop_took_by_hand_stays_as_it_is() {
    let shop = CardShop::reserving().await;
    let reserved = shop.paid("100.00", "EUR").await;
    let taken = shop.capture(&reserved, Some("60.00")).await.expect("captures").into_inner();

    shop.till.orders.left(&reserved.order_id, 2);
    until_read(&shop).await;

    let after = shop.read(&reserved).await;
    assert_eq!((sums(&after), after.state()), (sums(&taken), PaymentState::Succeeded));
    assert_eq!(shop.did(Effect::Captured), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reserved_after_goods_have_left_is_taken_too() {
    let shop = CardShop::reserving().await;
    let late = shop.bill("100.00", "EUR").await;
    let voided = shop.bill("7.00", "EUR").await;
    shop.till.void(&voided.payment_id).await.expect("voids");
    shop.till.orders.left(&voided.order_id, 2);
    shop.till.orders.left(&late.order_id, 2);
    until_read(&shop).await;

    shop.confirm(&late, "k").await.expect("confirms");
    let paid = shop.until_state(&late, PaymentState::Succeeded).await;
    assert_eq!((sums(&paid), shop.did(Effect::Captured)), ("100.00 100.00 0.00".to_owned(), 1));
    assert_eq!(shop.read(&voided).await.state(), PaymentState::Canceled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lowered_amount_is_what_is_taken() {
    let shop = CardShop::reserving().await;
    let reserved = shop.paid("100.00", "EUR").await;
    let request = pb::ChangePaymentAmountRequest {
        payment_id: reserved.payment_id.clone(),
        revision: 2,
        amount: Some(crate::money("70.00", "EUR")),
        receipt_lines: Vec::new(),
    };
    shop.payments().change_payment_amount(request).await.expect("changes");

    shop.till.orders.left(&reserved.order_id, 1);

    let paid = shop.until_state(&reserved, PaymentState::Succeeded).await;
    assert_eq!(sums(&paid), "70.00 70.00 0.00");
    let ledger = shop.simulators.ledger("card");
    let taken = ledger.entries().iter().filter(|entry| entry.effect == Effect::Captured);
    assert_eq!(taken.map(|entry| entry.amount_minor).collect::<Vec<_>>(), [7000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_got_lost_takes_nothing_twice() {
    let shop = CardShop::reserving().await;
    shop.simulators.faults("card").probability(Fault::DropWebhook, 1.0);
    for fault in [Fault::TimeoutAfterEffect, Fault::TimeoutBeforeEffect] {
        let reserved = shop.paid("9.00", "EUR").await;
        shop.simulators.faults("card").next_on("capture_charge", fault);
        shop.till.orders.left(&reserved.order_id, 2);
        shop.until_state(&reserved, PaymentState::Succeeded).await;
    }
    assert_eq!(shop.did(Effect::Captured), 2);
    assert_eq!(shop.simulators.ledger("card").repeated(Effect::Captured), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_capture_is_seen_and_can_be_repeated() {
    let shop = refusing_door::shop_behind_it(Refused::Capture).await;
    let reserved = shop.paid("9.00", "EUR").await;

    shop.till.orders.left(&reserved.order_id, 1);

    let refused = shop.until(&reserved, "refused", |now| !now.attempts[0].failure_code.is_empty()).await;
    assert_eq!(refused.attempts[0].failure_code, "amount_too_large");
    assert_eq!(refused.attempts[0].outcome(), AttemptOutcome::Authorized, "it stays reserved");
    let told = shop.till.events_of(&reserved.payment_id).await;
    assert_eq!(told.last().map(String::as_str), Some("5 PaymentAttempted"), "{told:?}");
    let paid = shop.capture(&reserved, None).await.expect("captures").into_inner();
    assert_eq!((paid.state(), shop.did(Effect::Captured)), (PaymentState::Succeeded, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_capture_is_tried_again_when_more_leaves() {
    let shop = refusing_door::shop_behind_it(Refused::Capture).await;
    let reserved = shop.paid("9.00", "EUR").await;
    shop.till.orders.left(&reserved.order_id, 1);
    shop.until(&reserved, "refused", |now| !now.attempts[0].failure_code.is_empty()).await;

    shop.till.orders.left(&reserved.order_id, 2);

    shop.until_state(&reserved, PaymentState::Succeeded).await;
    assert_eq!(shop.did(Effect::Captured), 1);
}
