//! Several providers of one shop at once: who is tried, who took the money, who gives it back.

use std::sync::Arc;

use proto::payments::v1::{self as pb, AttemptOutcome, CaptureMode, PaymentState, ProviderKind, RefundState};
use simulators::{Effect, Fault};
use tokio::sync::Notify;

use crate::card_shop::CardShop;
use crate::refusing_door::{self, Refused};

/// YooKassa first, another provider behind it. Answers the accounts.
async fn shop_of_two() -> (CardShop, [pb::PaymentAccount; 2]) {
    let shop = CardShop::at(ProviderKind::Yookassa, CaptureMode::Automatic).await;
    let second = pb::PaymentAccount {
        priority: 20,
        ..shop.account_of(ProviderKind::KorobCard, CaptureMode::Automatic)
    };
    let second = shop.add(second).await;
    let accounts = [shop.account.clone(), second];
    (shop, accounts)
}

/// Without a token: one is of no use to another kind of provider.
async fn confirm_on_a_page(shop: &CardShop, payment: &pb::Payment, account: &str) -> pb::Payment {
    let request = pb::ConfirmPaymentRequest {
        payment_token: String::new(),
        provider_account_id: account.to_owned(),
        ..shop.confirmation(payment, &payment.payment_id)
    };
    shop.payments().confirm_payment(request).await.expect("answers").into_inner()
}

fn ways(payment: &pb::Payment) -> Vec<(&str, &str, AttemptOutcome)> {
    let attempts = payment.attempts.iter();
    attempts
        .map(|attempt| (attempt.provider.as_str(), attempt.provider_account_id.as_str(), attempt.outcome()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attempt_keeps_its_provider_and_who_took_the_money_gives_it_back() {
    let (shop, [first, second]) = shop_of_two().await;
    shop.simulators.faults("yookassa").next_on("create_payment", Fault::RateLimit);
    let payment = shop.bill("10.00", "RUB").await;

    let waiting = confirm_on_a_page(&shop, &payment, "").await;
    shop.buyer_decides(&waiting, "approved").await;
    shop.until_state(&payment, PaymentState::Succeeded).await;

    let kept = shop.read(&payment).await;
    let expected = [
        ("yookassa", first.provider_account_id.as_str(), AttemptOutcome::Failed),
        ("korob_card", second.provider_account_id.as_str(), AttemptOutcome::Succeeded),
    ];
    assert_eq!(ways(&kept), expected);
    assert!(!kept.attempts[0].failure_code.is_empty(), "and why it did not take it");

    shop.till.refund(&payment, "4.00", "r").await.expect("refunds");
    shop.until(&payment, "given back", |now| now.refunds[0].state() == RefundState::Succeeded).await;
    let done = |system: &str, effect| shop.simulators.ledger(system).total_count(effect);
    assert_eq!((done("card", Effect::Captured), done("yookassa", Effect::Captured)), (1, 0));
    assert_eq!((done("card", Effect::Refunded), done("yookassa", Effect::Refunded)), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_take_payments_at_the_same_time() {
    let (shop, accounts) = shop_of_two().await;
    for account in &accounts {
        let payment = shop.bill("10.00", "RUB").await;
        let waiting = confirm_on_a_page(&shop, &payment, &account.provider_account_id).await;
        assert_eq!(waiting.attempts.len(), 1);
        assert_eq!(waiting.attempts[0].provider_account_id, account.provider_account_id);
        shop.buyer_decides(&waiting, "approved").await;
        shop.until_state(&payment, PaymentState::Succeeded).await;
    }
    for system in ["yookassa", "card"] {
        assert_eq!(shop.simulators.ledger(system).total_count(Effect::Captured), 1, "{system}");
    }
    assert_eq!(shop.till.balances().await, ["acquirer=2000", "revenue=-2000"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_answer_is_lost_is_asked_and_nobody_else() {
    let (shop, [first, _]) = shop_of_two().await;
    shop.simulators.faults("yookassa").next_on("create_payment", Fault::TimeoutAfterEffect);
    let payment = shop.bill("10.00", "RUB").await;

    let unknown = confirm_on_a_page(&shop, &payment, "").await;

    assert_eq!(ways(&unknown), [("yookassa", first.provider_account_id.as_str(), AttemptOutcome::Unknown)]);
    let known = shop.until_state(&payment, PaymentState::RequiresAction).await;
    assert_eq!(known.attempts.len(), 1);
    shop.buyer_decides(&known, "approved").await;
    shop.until_state(&payment, PaymentState::Succeeded).await;
    assert_eq!(shop.simulators.ledger("card").total_count(Effect::Captured), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_comes_after_others_have_charged_ends_nothing() {
    let refusal = Arc::new(Notify::new());
    let shop = refusing_door::shop_behind_it(Refused::Charge(refusal.clone())).await;
    let payment = shop.bill("10.00", "EUR").await;

    let others_charge = async {
        shop.until_state(&payment, PaymentState::Authorized).await;
        refusal.notify_one();
    };
    let (answered, ()) = tokio::join!(shop.confirm(&payment, "k"), others_charge);
    let answered = answered.expect("answers").into_inner();

    assert_eq!((answered.state(), answered.attempts.len()), (PaymentState::Authorized, 1), "{answered:?}");
    assert_eq!(answered.attempts[0].outcome(), AttemptOutcome::Authorized);
    assert_eq!(shop.did(Effect::Authorized), 1);
}
