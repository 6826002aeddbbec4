//! What providers tell when the key is forgotten under which they were asked, or when all was thought to be over.

use std::time::Duration;

use outbound::{Client, Reach, Request};
use proto::payments::v1::{
    self as pb, AttemptOutcome, CaptureMode, NotificationState, PaymentState, ProviderKind, RefundState,
};
use simulators::{Effect, Fault};
use testing::eventually;

use crate::card_shop::CardShop;
use crate::notifications::until_settled;
use crate::sums;

/// Providers that know a charge of ours by its key, which they forget after a day.
const FORGETFUL: [ProviderKind; 2] = [ProviderKind::Yookassa, ProviderKind::Stripe];
const LATE: Duration = Duration::from_secs(26 * 3600);

/// A shop whose webhooks come when the provider's clock is moved on.
async fn shop_at(kind: ProviderKind) -> CardShop {
    let shop = CardShop::at(kind, CaptureMode::Automatic).await;
    let faults = shop.simulators.faults(shop.system()).late(Duration::from_secs(600));
    faults.probability(Fault::LateWebhook, 1.0);
    shop
}

/// Waits until the job has asked for every row of `table` once more.
async fn until_asked(shop: &CardShop, table: &str) {
    let client = shop.till.world.database("payments").client().await;
    let asks = format!("SELECT sum(asks) FROM {table}");
    let count = async || client.query_one(&asks, &[]).await.expect("looks").get::<_, i64>(0);
    let before = count().await;
    eventually("the job has asked", || async {
        shop.till.world.clock.advance(Duration::from_secs(1));
        (count().await > before).then_some(())
    })
    .await;
}

/// A charge that was made, whose answer got lost, and whose key is forgotten.
async fn forgotten_charge(shop: &CardShop) -> pb::Payment {
    shop.simulators.faults(shop.system()).next_on(shop.charge_operation(), Fault::TimeoutAfterEffect);
    let payment = shop.paid("7.00", "EUR").await;
    shop.till.world.clock.advance(LATE);
    until_asked(shop, "payment_attempts").await;
    let unknown = shop.read(&payment).await;
    assert_eq!(unknown.attempts[0].outcome(), AttemptOutcome::Unknown, "nobody can be asked any more");
    assert_eq!(shop.did(Effect::Captured), 1);
    payment
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_whose_key_is_forgotten_is_settled_by_the_webhook_that_names_it() {
    for kind in FORGETFUL {
        let shop = shop_at(kind).await;
        let payment = forgotten_charge(&shop).await;

        shop.simulators.faults(shop.system()).clear();
        shop.simulators.advance_clock(LATE);

        let paid = shop.until_state(&payment, PaymentState::Succeeded).await;
        assert_eq!(sums(&paid), "7.00 7.00 0.00", "{kind:?}");
        assert_eq!(paid.attempts.len(), 1, "{kind:?}");
        assert!(!paid.attempts[0].reference.is_empty(), "{kind:?}");
        assert_eq!(shop.did(Effect::Captured), 1, "{kind:?}");
        let told = shop.notifications().await;
        let told = told.iter().filter(|told| told.provider_reference == paid.attempts[0].reference);
        for one in told {
            until_settled(&shop, &one.notification_id).await;
        }
        let told = shop.notifications().await;
        let applied = told.iter().filter(|told| told.state() == NotificationState::Applied).count();
        assert!(applied > 0, "{kind:?}: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_teaches_nothing_is_not_called_applied() {
    let shop = shop_at(ProviderKind::Yookassa).await;
    let payment = forgotten_charge(&shop).await;

    // It names our attempt, and a payment that YooKassa does not know.
    let body = format!(
        r#"{{"type":"notification","event":"payment.succeeded","object":{{"id":"nobody-knows","metadata":{{"attempt_id":"{}"}}}}}}"#,
        payment.attempts[0].attempt_id
    );
    let request = pb::ReceiveProviderWebhookRequest {
        provider_account_id: shop.account.provider_account_id.clone(),
        headers: crate::card_shop::map(&[]),
        body: body.into_bytes(),
        peer_address: "127.0.0.1:5000".to_owned(),
    };
    let kept = shop.payments().receive_provider_webhook(request).await.expect("keeps").into_inner();

    let told = until_settled(&shop, &kept.notification_id).await;
    assert_eq!((told.state(), told.failure_code.as_str()), (NotificationState::Failed, "not_known"));
    assert_eq!(shop.read(&payment).await.attempts[0].outcome(), AttemptOutcome::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_whose_keys_are_forgotten_are_settled_each_by_its_own_webhook() {
    for kind in FORGETFUL {
        let shop = shop_at(kind).await;
        let paid = shop.paid("10.00", "EUR").await;
        // The same sum: only their names tell them apart.
        for key in ["one", "two"] {
            shop.simulators.faults(shop.system()).next_on("create_refund", Fault::TimeoutAfterEffect);
            shop.till.refund(&paid, "2.00", key).await.expect("refunds");
        }
        eventually("they are sent", || async { (shop.did(Effect::Refunded) == 2).then_some(()) }).await;
        shop.simulators.faults(shop.system()).probability(Fault::Unavailable, 1.0);
        shop.till.world.clock.advance(LATE);
        until_asked(&shop, "refunds").await;
        let waiting = shop.read(&paid).await;
        assert!(waiting.refunds.iter().all(|refund| refund.state() == RefundState::Pending), "{kind:?}");

        shop.simulators.faults(shop.system()).clear();
        shop.simulators.advance_clock(LATE);

        let after = shop
            .until(&paid, "both are known", |now| {
                now.refunds.iter().all(|refund| refund.state() == RefundState::Succeeded)
            })
            .await;
        assert_eq!(
            (sums(&after), shop.did(Effect::Refunded)),
            ("10.00 10.00 4.00".to_owned(), 2),
            "{kind:?}"
        );
        let client = shop.till.world.database("payments").client().await;
        let known = "SELECT count(DISTINCT reference) FROM refunds WHERE reference <> ''";
        assert_eq!(client.query_one(known, &[]).await.expect("looks").get::<_, i64>(0), 2, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_charge_that_is_taken_after_all_is_heard_of() {
    let shop = CardShop::at(ProviderKind::Stripe, CaptureMode::Automatic).await;
    shop.simulators.faults("stripe").next(Fault::Decline);
    let payment = shop.bill("7.00", "EUR").await;
    let declined = shop.confirm(&payment, "k").await.expect("answers").into_inner();
    assert_eq!(declined.attempts[0].outcome(), AttemptOutcome::Failed);

    // Somebody has the same intent paid in Stripe's own cabinet.
    let intent = &declined.attempts[0].reference;
    let url = format!("{}/v1/payment_intents/{intent}/confirm", shop.simulators.url("stripe"));
    let request = Request::post(url).bearer("sk_test_tests").header("Idempotency-Key", "by-hand");
    let client = Client::new(Reach::with(&["127.0.0.0/8"])).expect("a client");
    let answer = client.send(request.form(&[("payment_method", "pm_card_visa")])).await.expect("answers");
    assert!(answer.status.is_success(), "{}", answer.text());

    let paid = shop.until_state(&payment, PaymentState::Succeeded).await;
    assert_eq!((sums(&paid), paid.attempts.len()), ("7.00 7.00 0.00".to_owned(), 1));
    assert_eq!(shop.till.balances().await, ["acquirer=700", "revenue=-700"]);
}
