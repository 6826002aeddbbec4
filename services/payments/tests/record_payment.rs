//! Recording money that came in.

use proto::payments::v1::{AttemptOutcome, PaymentMethod, PaymentState};
use testing::refusal;
use tonic::Code;
use types::ShopId;

use crate::{Till, money, receipt, sums};

#[tokio::test(flavor = "multi_thread")]
async fn parts_add_up_to_the_whole() {
    let till = Till::open().await;
    let payment = till.bill_opened("100.00", "UAH").await;

    let part = till.record(&payment, "40.00", "k1").await.expect("records").into_inner();
    assert_eq!((part.state(), sums(&part)), (PaymentState::PartiallyPaid, "100.00 40.00 0.00".to_owned()));
    let whole = till.record(&payment, "60.00", "k2").await.expect("records").into_inner();
    assert_eq!((whole.state(), sums(&whole)), (PaymentState::Succeeded, "100.00 100.00 0.00".to_owned()));

    assert_eq!(whole.attempts.len(), 2);
    let attempt = &whole.attempts[1];
    assert_eq!((attempt.provider.as_str(), attempt.reference.as_str()), ("bank-transfer", "statement k2"));
    assert_eq!(attempt.outcome(), AttemptOutcome::Succeeded);
    assert_eq!(till.balances().await, ["bank=10000", "revenue=-10000"]);
    let told = ["1 PaymentOpened", "2 PaymentRecorded", "3 PaymentRecorded"];
    assert_eq!(till.events_of(&payment.payment_id).await, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn cash_has_an_account_of_its_own() {
    let till = Till::open().await;
    let mut bill = till.bill("5", "JPY");
    bill.method = PaymentMethod::CashOnDelivery.into();
    let payment = till.open_payment(&bill).await.expect("opens").into_inner();
    assert!(payment.instructions.contains("5 JPY"), "{}", payment.instructions);
    till.record(&payment, "5", "k").await.expect("records");
    assert_eq!(till.balances().await, ["cash_on_delivery=5", "revenue=-5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_is_due_is_refused_with_what_is_due() {
    let till = Till::open().await;
    let payment = till.bill_opened("10.00", "EUR").await;
    till.record(&payment, "9.99", "k1").await.expect("records");

    let status = till.record(&payment, "0.02", "k2").await.expect_err("too much");
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(rpc::reason(&status).as_deref(), Some("AMOUNT_EXCEEDS_DUE"));
    assert_eq!(rpc::metadata(&status)["due"], "0.01");

    till.record(&payment, "0.01", "k2").await.expect("a refused call does not use up its key");
    let status = till.record(&payment, "0.01", "k3").await.expect_err("paid already");
    assert_eq!(rpc::metadata(&status)["due"], "0.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_currency_is_refused() {
    let till = Till::open().await;
    let payment = till.bill_opened("10.00", "EUR").await;
    let mut request = receipt(&payment, "10.00", "k");
    request.amount = Some(money("10.00", "USD"));
    let refused = refusal(till.payments().record_payment(request).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "CURRENCY_MISMATCH"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voided_intent_takes_nothing() {
    let till = Till::open().await;
    let payment = till.bill_opened("10.00", "EUR").await;
    till.void(&payment.payment_id).await.expect("voids");
    let refused = refusal(till.record(&payment, "10.00", "k").await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "PAYMENT_VOIDED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_first_answer_and_another_request_none() {
    let till = Till::open().await;
    let payment = till.bill_opened("10.00", "EUR").await;
    let first = till.record(&payment, "4.00", "k").await.expect("records").into_inner();
    till.record(&payment, "1.00", "k2").await.expect("records");

    assert_eq!(till.record(&payment, "4.00", "k").await.expect("replays").into_inner(), first);
    assert_eq!(refusal(till.record(&payment, "5.00", "k").await).reason, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(sums(&till.get(&payment.payment_id).await.expect("reads").into_inner()), "10.00 5.00 0.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_in_parallel_records_once() {
    let till = Till::open().await;
    let payment = till.bill_opened("10.00", "EUR").await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (mut payments, request) = (till.payments(), receipt(&payment, "10.00", "same"));
        calls.spawn(async move { payments.record_payment(request).await.expect("records").into_inner() });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(till.events_of(&payment.payment_id).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_shops_of_the_caller_are_there() {
    let till = Till::open().await;
    let payment = till.bill_opened("10.00", "EUR").await;
    let request = receipt(&payment, "1.00", "k");

    let foreign = refusal(till.partner_of(ShopId::new()).record_payment(request.clone()).await);
    let mut absent = request.clone();
    absent.payment_id = types::PaymentId::new().to_string();
    assert_eq!(foreign, refusal(till.payments().record_payment(absent).await));
    assert_eq!((foreign.code, foreign.reason.as_str()), (Code::NotFound, "PAYMENT_NOT_FOUND"));
    till.partner_of(till.shop).record_payment(request).await.expect("records");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_named() {
    let till = Till::open().await;
    let payment = till.bill_opened("10.00", "EUR").await;
    let mut request = receipt(&payment, "0.00", "");
    request.reference = "x".repeat(201);
    let refused = refusal(till.payments().record_payment(request).await);
    assert_eq!(refused.fields, ["amount.amount", "reference", "idempotency_key"]);
    let negative = refusal(till.record(&payment, "-1.00", "k").await);
    assert_eq!(negative.fields, ["amount.amount"]);
}
