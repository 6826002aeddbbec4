//! Cancelling an intent.

use proto::payments::v1::{PaymentState, VoidPaymentRequest};
use testing::refusal;
use tonic::Code;
use types::PaymentId;

use crate::{Till, sums};

#[tokio::test(flavor = "multi_thread")]
async fn voiding_is_the_exact_opposite_of_opening() {
    let till = Till::open().await;
    let payment = till.bill_opened("100.00", "UAH").await;

    let voided = till.void(&payment.payment_id).await.expect("voids").into_inner();

    assert_eq!(voided.state(), PaymentState::Canceled);
    assert_eq!(sums(&voided), "100.00 0.00 0.00");
    assert_eq!(till.balances().await, Vec::<String>::new());
    assert_eq!(till.events_of(&payment.payment_id).await, ["1 PaymentOpened", "2 PaymentVoided"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_is_given_back() {
    let till = Till::open().await;
    let payment = till.bill_opened("100.00", "UAH").await;
    till.record(&payment, "60.00", "in").await.expect("records");
    till.refund(&payment, "20.00", "out").await.expect("refunds");

    let voided = till.void(&payment.payment_id).await.expect("voids").into_inner();

    assert_eq!(voided.state(), PaymentState::Canceled);
    assert_eq!(sums(&voided), "100.00 60.00 60.00");
    assert_eq!(voided.refunds[1].reason, "the order was cancelled");
    assert_eq!(till.balances().await, Vec::<String>::new());
    let told =
        ["1 PaymentOpened", "2 PaymentRecorded", "3 PaymentRefunded", "4 PaymentRefunded", "5 PaymentVoided"];
    assert_eq!(till.events_of(&payment.payment_id).await, told);
    assert_eq!(till.history_of(&payment.payment_id).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_changes_nothing() {
    let till = Till::open().await;
    let payment = till.bill_opened("7.00", "EUR").await;
    till.record(&payment, "7.00", "in").await.expect("records");
    let first = till.void(&payment.payment_id).await.expect("voids").into_inner();
    let second = till.void(&payment.payment_id).await.expect("voids again").into_inner();
    assert_eq!(first, second);
    assert_eq!(till.history_of(&payment.payment_id).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_id_is_remembered() {
    let till = Till::open().await;
    let late = till.bill("9.00", "EUR");

    let buried = till.void(&late.payment_id).await.expect("remembers").into_inner();
    assert_eq!(
        (buried.payment_id.as_str(), buried.state()),
        (late.payment_id.as_str(), PaymentState::Canceled)
    );
    assert_eq!(till.void(&late.payment_id).await.expect("again").into_inner(), buried);

    assert_eq!(refusal(till.open_payment(&late).await).reason, "PAYMENT_VOIDED");
    assert_eq!(refusal(till.get(&late.payment_id).await).reason, "PAYMENT_NOT_FOUND");
    assert_eq!(till.history_of(&late.payment_id).await, ["payments.void_payment"]);
    assert_eq!(till.events_of(&late.payment_id).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_of_opening_and_voiding_ends_voided() {
    let till = Till::open().await;
    for _ in 0..20 {
        let request = till.bill("3.00", "EUR");
        let (_, voided) = tokio::join!(till.open_payment(&request), till.void(&request.payment_id));
        assert_eq!(voided.expect("voids").into_inner().state(), PaymentState::Canceled);
        assert_eq!(refusal(till.open_payment(&request).await).reason, "PAYMENT_VOIDED");
    }
    assert_eq!(till.balances().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_of_paying_and_voiding_keeps_no_money() {
    let till = Till::open().await;
    for round in 0..20 {
        let payment = till.bill_opened("3.00", "EUR").await;
        let key = format!("k{round}");
        let (recorded, voided) =
            tokio::join!(till.record(&payment, "3.00", &key), till.void(&payment.payment_id));
        assert_eq!(voided.expect("voids").into_inner().state(), PaymentState::Canceled);
        if recorded.is_err() {
            assert_eq!(refusal(recorded).reason, "PAYMENT_VOIDED");
        }
    }
    assert_eq!(till.balances().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_id_is_named() {
    let till = Till::open().await;
    let request = VoidPaymentRequest { payment_id: String::new(), reason: "a\0b".to_owned() };
    let refused = refusal(till.payments().void_payment(request).await);
    assert_eq!(
        (refused.code, refused.fields),
        (Code::InvalidArgument, vec!["payment_id".into(), "reason".into()])
    );
    let id = PaymentId::new().to_string().to_uppercase();
    assert_eq!(refusal(till.void(&id).await).fields, ["payment_id"]);
}
