//! Giving money back.

use proto::payments::v1::PaymentState;
use testing::refusal;
use tonic::Code;
use types::ShopId;

use crate::{Till, claim, money, sums};

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_shrinks_the_sale_and_the_account() {
    let till = Till::open().await;
    let payment = till.bill_opened("100.00", "UAH").await;
    till.record(&payment, "100.00", "in").await.expect("records");

    let refunded = till.refund(&payment, "30.00", "out").await.expect("refunds").into_inner();

    assert_eq!(
        (refunded.state(), sums(&refunded)),
        (PaymentState::Succeeded, "100.00 100.00 30.00".to_owned())
    );
    assert_eq!(refunded.refunds[0].reason, "returned");
    assert_eq!(till.balances().await, ["bank=7000", "revenue=-7000"]);
    let told = ["1 PaymentOpened", "2 PaymentRecorded", "3 PaymentRefunded"];
    assert_eq!(till.events_of(&payment.payment_id).await, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_was_taken_is_refused_with_what_is_left() {
    let till = Till::open().await;
    let payment = till.bill_opened("1.500", "KWD").await;
    let status = till.refund(&payment, "0.001", "k0").await.expect_err("nothing was taken");
    assert_eq!(rpc::metadata(&status)["refundable"], "0.000");

    till.record(&payment, "1.000", "in").await.expect("records");
    till.refund(&payment, "0.400", "k1").await.expect("refunds");
    let status = till.refund(&payment, "0.601", "k2").await.expect_err("too much");
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(rpc::reason(&status).as_deref(), Some("REFUND_EXCEEDS_CAPTURED"));
    assert_eq!(rpc::metadata(&status)["refundable"], "0.600");
    till.refund(&payment, "0.600", "k2").await.expect("a refused call does not use up its key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_parallel_refunds_never_exceed_what_was_taken() {
    let till = Till::open().await;
    let payment = till.bill_opened("100.00", "EUR").await;
    till.record(&payment, "37.00", "in").await.expect("records");

    let mut calls = tokio::task::JoinSet::new();
    for at in 0..100 {
        let (mut payments, request) = (till.payments(), claim(&payment, "1.00", &format!("k{at}")));
        calls.spawn(async move { payments.refund_payment(request).await });
    }
    let answers = calls.join_all().await;

    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (37, 63));
    assert!(refused.into_iter().all(|answer| refusal(answer).reason == "REFUND_EXCEEDS_CAPTURED"));
    let after = till.get(&payment.payment_id).await.expect("reads").into_inner();
    assert_eq!((sums(&after), after.refunds.len()), ("100.00 37.00 37.00".to_owned(), 37));
    assert_eq!(till.balances().await, ["receivable=6300", "revenue=-6300"]);
    assert_eq!(till.events_of(&payment.payment_id).await.len(), 39);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_itself_refuses_too_much() {
    let till = Till::open().await;
    till.bill_opened("100.00", "EUR").await;
    let client = till.world.database("payments").client().await;
    for sql in [
        "UPDATE payments SET captured = 10001",
        "UPDATE payments SET refunded = 1",
        "UPDATE payments SET captured = 5, state = 'succeeded'",
        "UPDATE payments SET captured = 5, state = 'canceled'",
        "UPDATE payments SET amount = -1",
    ] {
        assert!(client.execute(sql, &[]).await.is_err(), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_first_answer_and_another_request_none() {
    let till = Till::open().await;
    let payment = till.bill_opened("10.00", "EUR").await;
    till.record(&payment, "10.00", "in").await.expect("records");
    let first = till.refund(&payment, "4.00", "k").await.expect("refunds").into_inner();
    assert_eq!(till.refund(&payment, "4.00", "k").await.expect("replays").into_inner(), first);
    assert_eq!(refusal(till.refund(&payment, "5.00", "k").await).reason, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_shops_of_the_caller_are_there() {
    let till = Till::open().await;
    let payment = till.bill_opened("10.00", "EUR").await;
    till.record(&payment, "10.00", "in").await.expect("records");
    let request = claim(&payment, "1.00", "k");
    let foreign = refusal(till.partner_of(ShopId::new()).refund_payment(request.clone()).await);
    assert_eq!((foreign.code, foreign.reason.as_str()), (Code::NotFound, "PAYMENT_NOT_FOUND"));
    till.partner_of(till.shop).refund_payment(request).await.expect("refunds");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let till = Till::open().await;
    let payment = till.bill_opened("10.00", "EUR").await;
    till.record(&payment, "10.00", "in").await.expect("records");
    assert_eq!(refusal(till.refund(&payment, "0.00", "k").await).fields, ["amount.amount"]);
    let mut request = claim(&payment, "1.00", "k");
    request.amount = Some(money("1.00", "USD"));
    assert_eq!(refusal(till.payments().refund_payment(request).await).reason, "CURRENCY_MISMATCH");
}
