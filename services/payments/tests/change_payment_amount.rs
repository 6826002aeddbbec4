//! Changing what is to be paid.

use proto::payments::v1::{AttemptOutcome, ChangePaymentAmountRequest, PaymentState};
use simulators::Effect;
use testing::refusal;
use tonic::Code;

use crate::card_shop::CardShop;
use crate::{Answer, Till, money, sums};

async fn change(till: &Till, payment_id: &str, revision: i32, amount: &str) -> Answer {
    let request = ChangePaymentAmountRequest {
        payment_id: payment_id.to_owned(),
        revision,
        amount: Some(money(amount, "EUR")),
        receipt_lines: Vec::new(),
    };
    till.payments().change_payment_amount(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_owed_follows_the_amount() {
    let till = Till::open().await;
    let bill = till.bill("100.00", "EUR");
    let payment = till.open_payment(&bill).await.expect("opens").into_inner();
    for (revision, amount, balance) in [(1, "130.00", 13_000), (3, "80.00", 8000)] {
        let changed =
            change(&till, &payment.payment_id, revision, amount).await.expect("changes").into_inner();
        assert_eq!((sums(&changed), changed.amount_revision), (format!("{amount} 0.00 0.00"), revision));
        assert_eq!(till.balances().await, [format!("receivable={balance}"), format!("revenue=-{balance}")]);
    }
    let told = ["1 PaymentOpened", "2 PaymentAmountChanged", "3 PaymentAmountChanged"];
    assert_eq!(till.events_of(&payment.payment_id).await, told);
    let again = till.open_payment(&bill).await.expect("a repeat of opening finds it").into_inner();
    assert_eq!(sums(&again), "80.00 0.00 0.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_changes_nothing_and_a_stale_revision_is_refused() {
    let till = Till::open().await;
    let payment = till.bill_opened("100.00", "EUR").await;
    let first = change(&till, &payment.payment_id, 2, "90.00").await.expect("changes").into_inner();
    let again = change(&till, &payment.payment_id, 2, "70.00").await.expect("a repeat").into_inner();
    assert_eq!(first, again);
    let stale = refusal(change(&till, &payment.payment_id, 1, "70.00").await);
    assert_eq!((stale.code, stale.reason.as_str()), (Code::Aborted, "STALE_REVISION"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_in_stays_covered() {
    let till = Till::open().await;
    let payment = till.bill_opened("100.00", "EUR").await;
    till.record(&payment, "60.00", "in").await.expect("records");
    let below = change(&till, &payment.payment_id, 1, "59.99").await.expect_err("below");
    assert_eq!(rpc::reason(&below).as_deref(), Some("BELOW_CAPTURED"));
    assert_eq!(rpc::metadata(&below)["captured"], "60.00");
    let met = change(&till, &payment.payment_id, 1, "60.00").await.expect("changes").into_inner();
    assert_eq!(met.state(), PaymentState::Succeeded);
    let more = change(&till, &payment.payment_id, 2, "75.00").await.expect("changes").into_inner();
    assert_eq!(more.state(), PaymentState::PartiallyPaid);
    till.void(&payment.payment_id).await.expect("voids");
    assert_eq!(refusal(change(&till, &payment.payment_id, 3, "80.00").await).reason, "PAYMENT_VOIDED");
    assert_eq!(till.balances().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserved_sum_is_the_most_that_can_be_asked() {
    let shop = CardShop::reserving().await;
    let reserved = shop.paid("100.00", "EUR").await;
    let above = change(&shop.till, &reserved.payment_id, 1, "100.01").await.expect_err("above");
    assert_eq!(rpc::reason(&above).as_deref(), Some("ABOVE_AUTHORIZED"));
    assert_eq!(rpc::metadata(&above)["authorized"], "100.00");

    let less = change(&shop.till, &reserved.payment_id, 1, "70.00").await.expect("changes").into_inner();
    assert_eq!(less.state(), PaymentState::Authorized);
    let taken = shop.capture(&reserved, None).await.expect("captures").into_inner();
    assert_eq!((taken.state(), sums(&taken)), (PaymentState::Succeeded, "70.00 70.00 0.00".to_owned()));
    let more = refusal(change(&shop.till, &reserved.payment_id, 2, "80.00").await);
    assert_eq!(more.reason, "ABOVE_AUTHORIZED", "a card is captured once; another payment takes the rest");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nothing_is_due_any_more_the_card_is_released() {
    let shop = CardShop::reserving().await;
    let reserved = shop.paid("100.00", "EUR").await;
    let nothing = change(&shop.till, &reserved.payment_id, 1, "0.00").await.expect("changes").into_inner();
    assert_eq!(nothing.state(), PaymentState::Succeeded);
    shop.until(&reserved, "released", |now| now.attempts[0].outcome() == AttemptOutcome::Released).await;
    assert_eq!((shop.did(Effect::Voided), shop.did(Effect::Captured)), (1, 0));
    assert_eq!(shop.till.balances().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let till = Till::open().await;
    let payment = till.bill_opened("100.00", "EUR").await;
    let refused = refusal(change(&till, &payment.payment_id, 0, "-1.00").await);
    assert_eq!(refused.fields, ["revision", "amount.amount"]);
    let partner = ChangePaymentAmountRequest {
        payment_id: payment.payment_id.clone(),
        revision: 1,
        amount: Some(money("1.00", "EUR")),
        receipt_lines: Vec::new(),
    };
    let refused = refusal(till.partner_of(till.shop).change_payment_amount(partner).await);
    assert_eq!(refused.code, Code::PermissionDenied);
}
