//! Taking what is reserved.

use proto::payments::v1::{AttemptOutcome, PaymentState};
use simulators::{Effect, Fault};
use testing::refusal;
use types::ShopId;

use crate::card_shop::CardShop;
use crate::refusing_door::{self, Refused};
use crate::sums;

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_captured_once() {
    let shop = CardShop::reserving().await;
    let reserved = shop.paid("100.00", "EUR").await;
    let first = shop.capture(&reserved, Some("60.00")).await.expect("captures").into_inner();
    let again = shop.capture(&reserved, Some("60.00")).await.expect("a repeat").into_inner();
    assert_eq!(first, again);
    let all = shop.capture(&reserved, None).await.expect("nothing more is due").into_inner();
    assert_eq!(first, all);
    assert_eq!(refusal(shop.capture(&reserved, Some("40.00")).await).reason, "ALREADY_CAPTURED");
    assert_eq!(shop.did(Effect::Captured), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_captures_once() {
    let shop = CardShop::reserving().await;
    let reserved = shop.paid("100.00", "EUR").await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (mut client, payment_id) = (shop.payments(), reserved.payment_id.clone());
        let request = proto::payments::v1::CapturePaymentRequest {
            payment_id,
            amount: None,
            receipt_lines: Vec::new(),
        };
        calls.spawn(async move { client.capture_payment(request).await });
    }
    for answer in calls.join_all().await {
        answer.expect("captured, or being captured");
    }
    let after = shop.until_state(&reserved, PaymentState::Succeeded).await;
    assert_eq!((sums(&after), shop.did(Effect::Captured)), ("100.00 100.00 0.00".to_owned(), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_reserved_can_be_captured() {
    let shop = CardShop::reserving().await;
    let open = shop.bill("10.00", "EUR").await;
    assert_eq!(refusal(shop.capture(&open, None).await).reason, "NOT_AUTHORIZED");
    let reserved = shop.paid("10.00", "EUR").await;
    assert_eq!(refusal(shop.capture(&reserved, Some("10.01")).await).reason, "AMOUNT_EXCEEDS_DUE");
    assert_eq!(refusal(shop.capture(&reserved, Some("0.00")).await).fields, ["amount.amount"]);
    let transfer = shop.till.bill_opened("10.00", "EUR").await;
    assert_eq!(refusal(shop.capture(&transfer, None).await).reason, "NOT_BY_CARD");
    let request = proto::payments::v1::CapturePaymentRequest {
        payment_id: reserved.payment_id.clone(),
        amount: None,
        receipt_lines: Vec::new(),
    };
    let foreign = shop.till.partner_of(ShopId::new()).capture_payment(request).await;
    assert_eq!(refusal(foreign).reason, "PAYMENT_NOT_FOUND");
    shop.till.void(&reserved.payment_id).await.expect("voids");
    assert_eq!(refusal(shop.capture(&reserved, None).await).reason, "PAYMENT_VOIDED");
    assert_eq!(shop.did(Effect::Captured), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_and_a_void_at_once_keep_no_money_that_is_not_due() {
    let shop = CardShop::reserving().await;
    for _ in 0..8 {
        let reserved = shop.paid("5.00", "EUR").await;
        let (_captured, voided) =
            tokio::join!(shop.capture(&reserved, None), shop.till.void(&reserved.payment_id));
        assert_eq!(voided.expect("voids").into_inner().state(), PaymentState::Canceled);
        shop.until(&reserved, "nothing open", |now| {
            let over = [AttemptOutcome::Released, AttemptOutcome::Succeeded, AttemptOutcome::Returned];
            over.contains(&now.attempts[0].outcome())
                && now
                    .refunds
                    .iter()
                    .all(|refund| refund.state() == proto::payments::v1::RefundState::Succeeded)
        })
        .await;
    }
    assert_eq!(shop.did(Effect::Captured), shop.did(Effect::Refunded));
    assert_eq!(shop.till.balances().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_that_expired_can_be_paid_anew() {
    let shop = CardShop::reserving().await;
    // Not even the news of the reservation: read late, it would bring that of the release.
    shop.simulators.faults("card").probability(Fault::DropWebhook, 1.0);
    let reserved = shop.paid("5.00", "EUR").await;
    // Somebody releases it in the provider's own cabinet.
    let reference = &reserved.attempts[0].reference;
    let url = format!("{}/v1/charges/{reference}/void", shop.simulators.url("card"));
    let request = outbound::Request::post(url).bearer("key_tests").header("Idempotency-Key", "by-hand");
    let client = outbound::Client::new(outbound::Reach::with(&["127.0.0.0/8"])).expect("a client");
    let answer = client.send(request.json(&serde_json::json!({}))).await.expect("answers");
    assert!(answer.status.is_success(), "{}", answer.text());

    let after = shop.capture(&reserved, None).await.expect("answers").into_inner();
    assert_eq!(after.state(), PaymentState::RequiresPayment);
    assert_eq!(after.attempts[0].outcome(), AttemptOutcome::Released);
    let again = shop.confirm(&reserved, "again").await.expect("confirms").into_inner();
    assert_eq!(again.state(), PaymentState::Authorized);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_refuses_to_capture_stays_reserved() {
    let shop = refusing_door::shop_behind_it(Refused::Capture).await;
    let reserved = shop.paid("5.00", "EUR").await;
    let refused = shop.capture(&reserved, None).await.expect_err("refused");
    assert_eq!(rpc::reason(&refused).as_deref(), Some("CAPTURE_REFUSED"));
    assert_eq!(rpc::metadata(&refused)["code"], "amount_too_large");
    let after = shop.read(&reserved).await;
    assert_eq!(
        (after.state(), after.attempts[0].outcome()),
        (PaymentState::Authorized, AttemptOutcome::Authorized)
    );
    assert_eq!(after.attempts[0].failure_code, "amount_too_large");
    let again = shop.capture(&reserved, None).await.expect("captures").into_inner();
    assert_eq!((again.state(), shop.did(Effect::Captured)), (PaymentState::Succeeded, 1));
}
