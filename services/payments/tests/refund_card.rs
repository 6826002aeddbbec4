//! Giving back what was taken by card.

use std::time::Duration;

use proto::payments::v1::{PaymentState, RefundState};
use simulators::{Effect, Fault};
use testing::refusal;
use tonic::Code;

use crate::card_shop::CardShop;
use crate::{claim, sums};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_parallel_refunds_never_exceed_what_was_captured() {
    let shop = CardShop::taking().await;
    let paid = shop.paid("37.00", "EUR").await;
    shop.simulators.faults("card").probability(Fault::TimeoutAfterEffect, 0.3);
    let mut calls = tokio::task::JoinSet::new();
    for at in 0..100 {
        let (mut payments, request) = (shop.payments(), claim(&paid, "1.00", &format!("k{at}")));
        calls.spawn(async move { payments.refund_payment(request).await });
    }
    let (done, refused): (Vec<_>, Vec<_>) = calls.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (37, 63));
    for status in refused.into_iter().filter_map(Result::err) {
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(rpc::reason(&status).as_deref(), Some("REFUND_EXCEEDS_CAPTURED"));
        let facts = rpc::metadata(&status);
        assert_eq!((facts["captured"].as_str(), facts["currency_code"].as_str()), ("37.00", "EUR"));
        assert!(facts.contains_key("refundable"));
    }
    let after = shop
        .until(&paid, "all are given back", |now| {
            now.refunds.len() == 37
                && now.refunds.iter().all(|refund| refund.state() == RefundState::Succeeded)
        })
        .await;
    assert_eq!(sums(&after), "37.00 37.00 37.00");
    assert_eq!(shop.did(Effect::Refunded), 37);
    assert_eq!(shop.simulators.ledger("card").repeated(Effect::Refunded), Vec::<String>::new());
    assert_eq!(shop.till.balances().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_waits_is_owed_until_the_provider_has_done_it() {
    let shop = CardShop::taking().await;
    let paid = shop.paid("10.00", "EUR").await;
    shop.simulators.faults("card").probability(Fault::RateLimit, 1.0);
    let asked = shop.till.refund(&paid, "4.00", "k").await.expect("refunds").into_inner();
    assert_eq!(asked.refunds[0].state(), RefundState::Pending);
    assert_eq!(shop.till.balances().await, ["acquirer=1000", "refunds_payable=-400", "revenue=-600"]);
    let again = shop.till.refund(&paid, "4.00", "k").await.expect("replays").into_inner();
    assert_eq!(asked, again);

    shop.simulators.faults("card").clear();
    shop.until(&paid, "given back", |now| now.refunds[0].state() == RefundState::Succeeded).await;
    assert_eq!(shop.till.balances().await, ["acquirer=600", "revenue=-600"]);
    let told = shop.till.events_of(&paid.payment_id).await;
    assert_eq!(told[3..], ["4 PaymentRefundRequested", "5 PaymentRefunded"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_the_provider_refuses_can_be_asked_for_again() {
    let shop = CardShop::taking().await;
    let paid = shop.paid("10.00", "EUR").await;
    shop.simulators.faults("card").next_on("create_refund", Fault::LateFailure);
    shop.till.refund(&paid, "4.00", "k").await.expect("refunds");
    let failed = shop.until(&paid, "refused", |now| now.refunds[0].state() == RefundState::Failed).await;
    assert_eq!(sums(&failed), "10.00 10.00 0.00");
    assert_eq!(shop.till.balances().await, ["acquirer=1000", "revenue=-1000"]);
    shop.till.refund(&paid, "10.00", "all").await.expect("refunds all");
    shop.until(&paid, "given back", |now| now.refunds[1].state() == RefundState::Succeeded).await;
    let told = shop.till.events_of(&paid.payment_id).await;
    assert_eq!(told[3..5], ["4 PaymentRefundRequested", "5 PaymentRefundFailed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_voided_payment_took_is_tried_to_be_given_back_until_it_is() {
    let shop = CardShop::taking().await;
    let paid = shop.paid("10.00", "EUR").await;
    shop.simulators.faults("card").next_on("create_refund", Fault::LateFailure);
    let voided = shop.till.void(&paid.payment_id).await.expect("voids").into_inner();
    assert_eq!((voided.state(), sums(&voided)), (PaymentState::Canceled, "10.00 10.00 10.00".to_owned()));
    let refused = shop.until(&paid, "refused once", |now| !now.refunds[0].failure_code.is_empty()).await;
    assert_eq!(refused.refunds[0].state(), RefundState::Pending);
    assert_eq!(shop.till.balances().await, ["acquirer=1000", "refunds_payable=-1000"]);

    shop.till.world.clock.advance(Duration::from_secs(24 * 3600));
    shop.until(&paid, "given back", |now| now.refunds[0].state() == RefundState::Succeeded).await;
    assert_eq!(shop.did(Effect::Refunded), 1);
    assert_eq!(shop.till.balances().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_taken_cannot_be_given_back() {
    let shop = CardShop::reserving().await;
    let reserved = shop.paid("10.00", "EUR").await;
    assert_eq!(refusal(shop.till.refund(&reserved, "1.00", "k").await).reason, "REFUND_EXCEEDS_CAPTURED");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_itself_refuses_too_much() {
    let shop = CardShop::taking().await;
    let paid = shop.paid("10.00", "EUR").await;
    shop.till.refund(&paid, "4.00", "k").await.expect("refunds");
    shop.until(&paid, "given back", |now| now.refunds[0].state() == RefundState::Succeeded).await;
    let client = shop.till.world.database("payments").client().await;
    for sql in [
        "UPDATE refunds SET amount = 1001",
        "INSERT INTO refunds (refund_id, payment_id, ordinal, amount, create_time)
         SELECT gen_random_uuid(), payment_id, 2, 601, create_time FROM refunds",
        "UPDATE payments SET authorized = 999",
        "UPDATE payments SET captured = 1001, amount = 1001",
        "INSERT INTO payment_attempts (attempt_id, payment_id, ordinal, provider, amount, captured, outcome, account_id,
                                       create_time)
         SELECT gen_random_uuid(), payment_id, 2, provider, amount, captured, outcome, account_id, create_time
         FROM payment_attempts",
        "UPDATE payment_attempts SET outcome = 'authorized'",
    ] {
        assert!(client.execute(sql, &[]).await.is_err(), "{sql}");
    }
}
