//! Paying by card.

use std::time::Duration;

use proto::payments::v1::{self as pb, AttemptOutcome, CaptureMode, PaymentState, ProviderKind};
use simulators::{Effect, Fault};
use testing::{eventually, refusal};
use tonic::Code;
use types::{PaymentAccountId, PaymentId, ShopId};

use crate::card_shop::CardShop;

#[tokio::test(flavor = "multi_thread")]
async fn opening_calls_nobody() {
    let shop = CardShop::taking().await;
    let payment = shop.bill("10.00", "EUR").await;
    assert_eq!((payment.state(), payment.attempts.len()), (PaymentState::RequiresPayment, 0));
    assert_eq!(payment.instructions, "");
    assert_eq!(shop.till.balances().await, ["receivable=1000", "revenue=-1000"]);
    assert_eq!(shop.simulators.ledger("card").entries().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_told_and_audited() {
    let shop = CardShop::reserving().await;
    let reserved = shop.paid("10.00", "EUR").await;
    shop.capture(&reserved, None).await.expect("captures");
    let told = [
        "1 PaymentOpened",
        "2 PaymentAttempted",
        "3 PaymentAuthorized",
        "4 PaymentAttempted",
        "5 PaymentRecorded",
    ];
    assert_eq!(shop.till.events_of(&reserved.payment_id).await, told);
    let history = [
        "payments.open_payment",
        "payments.confirm_payment",
        "payments.settle_attempt",
        "payments.capture_payment",
        "payments.settle_attempt",
    ];
    assert_eq!(shop.till.history_of(&reserved.payment_id).await, history);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_outcome_of_the_first_and_charges_nobody() {
    let shop = CardShop::taking().await;
    let payment = shop.bill("10.00", "EUR").await;
    let first = shop.confirm(&payment, "k").await.expect("confirms").into_inner();
    let second = shop.confirm(&payment, "k").await.expect("replays").into_inner();
    assert_eq!(first, second);
    assert_eq!(shop.did(Effect::Captured), 1);
    let other = pb::ConfirmPaymentRequest {
        payment_token: "tok_other".to_owned(),
        ..shop.confirmation(&payment, "k")
    };
    assert_eq!(refusal(shop.payments().confirm_payment(other).await).reason, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(refusal(shop.confirm(&payment, "again").await).reason, "NOTHING_DUE");

    let off = pb::UpdatePaymentAccountRequest {
        payment_account: Some(pb::PaymentAccount { enabled: false, ..shop.account.clone() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["enabled".to_owned()] }),
    };
    shop.payments().update_payment_account(off).await.expect("switches off");
    let third = shop.confirm(&payment, "k").await.expect("replays all the same").into_inner();
    assert_eq!(first, third);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_confirmations_charges_once() {
    let shop = CardShop::taking().await;
    let payment = shop.bill("10.00", "EUR").await;
    let mut calls = tokio::task::JoinSet::new();
    for at in 0..24 {
        let (mut client, request) = (shop.payments(), shop.confirmation(&payment, &format!("k{}", at % 12)));
        calls.spawn(async move { client.confirm_payment(request).await });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().any(Result::is_ok));
    for refused in answers.into_iter().filter(Result::is_err) {
        let reason = refusal(refused).reason;
        assert!(
            ["ATTEMPT_IN_PROGRESS", "NOTHING_DUE", "IDEMPOTENCY_KEY_IN_USE"].contains(&&*reason),
            "{reason}"
        );
    }
    assert_eq!(shop.did(Effect::Captured), 1);
    assert_eq!(shop.read(&payment).await.attempts.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_has_paid_all_the_same() {
    let shop = CardShop::taking().await;
    shop.simulators.faults("card").slow(Duration::from_millis(300)).next_on("create_charge", Fault::Slow);
    let payment = shop.bill("10.00", "EUR").await;
    let hung_up = tokio::time::timeout(Duration::from_millis(150), shop.confirm(&payment, "k")).await;
    assert!(hung_up.is_err(), "the provider is slow");
    let paid = eventually("paid", || async {
        let now = shop.read(&payment).await;
        (now.state() == PaymentState::Succeeded).then_some(now)
    });
    assert_eq!(paid.await.attempts.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_storing_and_calling_is_resolved_under_the_same_key() {
    // The process dies after the first commit: the attempt is stored, the provider knows nothing of it, or everything.
    let shop = CardShop::taking().await;
    for fault in [Fault::TimeoutBeforeEffect, Fault::TimeoutAfterEffect] {
        shop.simulators.faults("card").next(Fault::DropWebhook).next(fault);
        let payment = shop.paid("10.00", "EUR").await;
        assert_eq!(payment.attempts[0].outcome(), AttemptOutcome::Unknown);
        let attempt = payment.attempts[0].attempt_id.clone();
        let after = shop.until_state(&payment, PaymentState::Succeeded).await;
        assert_eq!(after.attempts[0].attempt_id, attempt);
        let ledger = shop.simulators.ledger("card");
        assert_eq!(ledger.of_key(&attempt).len(), 1, "one effect under the attempt's key");
        shop.simulators.faults("card").clear();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_never_arrived_ends_and_another_may_begin() {
    let shop = CardShop::taking().await;
    shop.simulators.faults("card").next_calls(Fault::TimeoutBeforeEffect, 60);
    let payment = shop.paid("10.00", "EUR").await;
    // Long after the request's validity the provider can be asked again, and has nothing.
    shop.till.world.clock.advance(Duration::from_secs(600));
    shop.simulators.faults("card").clear();
    let after = shop.until_state(&payment, PaymentState::RequiresPayment).await;
    assert_eq!(after.attempts[0].failure_code, "never_arrived");
    let paid = shop.confirm(&payment, "again").await.expect("confirms").into_inner();
    assert_eq!(paid.state(), PaymentState::Succeeded);
    assert_eq!(shop.did(Effect::Captured), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_an_attempt_is_not_known_no_other_begins() {
    let shop = CardShop::taking().await;
    shop.simulators.faults("card").probability(Fault::TimeoutBeforeEffect, 1.0);
    let payment = shop.paid("10.00", "EUR").await;
    let refused = refusal(shop.confirm(&payment, "again").await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Aborted, "ATTEMPT_IN_PROGRESS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_who_comes_back_without_paying_may_try_another_card() {
    let shop = CardShop::taking().await;
    let payment = shop.bill("10.00", "EUR").await;
    let waiting =
        pb::ConfirmPaymentRequest { payment_token: String::new(), ..shop.confirmation(&payment, "one") };
    let waiting = shop.payments().confirm_payment(waiting).await.expect("answers").into_inner();
    assert_eq!(waiting.state(), PaymentState::RequiresAction);
    let read = shop.read(&payment).await;
    assert_eq!(read.next_action, waiting.next_action, "the page can be found again");

    let paid = shop.confirm(&payment, "two").await.expect("confirms").into_inner();
    assert_eq!(paid.state(), PaymentState::Succeeded);
    let outcomes: Vec<_> = paid.attempts.iter().map(pb::PaymentAttempt::outcome).collect();
    assert_eq!(outcomes, [AttemptOutcome::Released, AttemptOutcome::Succeeded]);
    assert_eq!(shop.did(Effect::Captured), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_comes_for_a_voided_payment_goes_back() {
    let shop = CardShop::taking().await;
    shop.simulators.faults("card").probability(Fault::DropWebhook, 1.0).next(Fault::TimeoutAfterEffect);
    let payment = shop.paid("10.00", "EUR").await;
    assert_eq!(payment.state(), PaymentState::Processing);
    let voided = shop.till.void(&payment.payment_id).await.expect("voids").into_inner();
    assert_eq!(voided.state(), PaymentState::Canceled);

    let after = shop
        .until(&payment, "given back", |now| {
            now.refunds.len() == 1 && now.refunds[0].state() == pb::RefundState::Succeeded
        })
        .await;
    assert_eq!(after.state(), PaymentState::Canceled);
    assert_eq!(after.attempts[0].outcome(), AttemptOutcome::Returned);
    assert!(after.refunds[0].surplus);
    assert_eq!((shop.did(Effect::Captured), shop.did(Effect::Refunded)), (1, 1));
    assert_eq!(shop.till.balances().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_tried_by_priority_and_currency() {
    let shop = CardShop::taking().await;
    let account = |kind, name: &str, priority, currencies: &[&str], enabled| pb::PaymentAccount {
        name: name.to_owned(),
        priority,
        currency_codes: currencies.iter().map(|code| (*code).to_owned()).collect(),
        enabled,
        ..shop.account_of(kind, CaptureMode::Automatic)
    };
    let yen = shop.add(account(ProviderKind::KorobCard, "yen", 1, &["JPY"], true)).await;
    shop.add(account(ProviderKind::KorobCard, "off", 0, &[], false)).await;
    let stranger = pb::PaymentAccount {
        shop_id: ShopId::new().to_string(),
        ..account(ProviderKind::KorobCard, "x", 0, &[], true)
    };
    let stranger = shop.add(stranger).await;

    let paid = shop.paid("500", "JPY").await;
    assert_eq!(paid.attempts[0].provider_account_id, yen.provider_account_id);
    let paid = shop.paid("5.00", "EUR").await;
    assert_eq!(paid.attempts[0].provider_account_id, shop.account.provider_account_id);

    let payment = shop.bill("5.00", "EUR").await;
    for (id, reason) in [
        (stranger.provider_account_id, "PAYMENT_ACCOUNT_NOT_FOUND"),
        (yen.provider_account_id, "PAYMENT_ACCOUNT_NOT_FOUND"),
        (PaymentAccountId::new().to_string(), "PAYMENT_ACCOUNT_NOT_FOUND"),
    ] {
        let request =
            pb::ConfirmPaymentRequest { provider_account_id: id, ..shop.confirmation(&payment, "k") };
        assert_eq!(refusal(shop.payments().confirm_payment(request).await).reason, reason);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_provider_is_tried_when_one_cannot_be_reached() {
    let shop = CardShop::taking().await;
    let dead = pb::PaymentAccount {
        base_url: "http://127.0.0.1:9/yookassa".to_owned(),
        priority: 1,
        ..shop.account_of(ProviderKind::Yookassa, CaptureMode::Automatic)
    };
    let dead = shop.add(dead).await;
    let payment = shop.bill("5.00", "EUR").await;
    // Without a token: one is of no use to another kind of provider.
    let request =
        pb::ConfirmPaymentRequest { payment_token: String::new(), ..shop.confirmation(&payment, "k") };
    let answer = shop.payments().confirm_payment(request).await.expect("answers").into_inner();
    let ways: Vec<_> = answer
        .attempts
        .iter()
        .map(|attempt| (attempt.provider.as_str(), attempt.failure_code.as_str()))
        .collect();
    assert_eq!(ways, [("yookassa", "unreachable"), ("korob_card", "")]);
    assert_eq!(answer.attempts[0].provider_account_id, dead.provider_account_id);
    assert_eq!(answer.state(), PaymentState::RequiresAction);
    shop.buyer_decides(&answer, "approved").await;
    shop.until_state(&payment, PaymentState::Succeeded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_confirmed_is_refused() {
    let shop = CardShop::taking().await;
    let transfer = shop.till.bill_opened("5.00", "EUR").await;
    assert_eq!(refusal(shop.confirm(&transfer, "k").await).reason, "NOT_BY_CARD");
    let payment = shop.bill("5.00", "EUR").await;
    shop.till.void(&payment.payment_id).await.expect("voids");
    assert_eq!(refusal(shop.confirm(&payment, "k").await).reason, "PAYMENT_VOIDED");

    let payment = shop.bill("5.00", "EUR").await;
    let foreign = shop.till.partner_of(ShopId::new()).confirm_payment(shop.confirmation(&payment, "k")).await;
    assert_eq!(refusal(foreign).reason, "PAYMENT_NOT_FOUND");
    let wrong = pb::ConfirmPaymentRequest {
        payment_id: PaymentId::new().to_string().to_uppercase(),
        provider_account_id: "pay_1".to_owned(),
        payment_token: "a\0b".to_owned(),
        return_url: "javascript:alert(1)".to_owned(),
        receipt_contact: "x".repeat(300),
        idempotency_key: String::new(),
    };
    let refused = refusal(shop.payments().confirm_payment(wrong).await);
    let fields = [
        "payment_id",
        "provider_account_id",
        "payment_token",
        "return_url",
        "receipt_contact",
        "idempotency_key",
    ];
    assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, fields.map(str::to_owned).to_vec()));

    let elsewhere = crate::Till::open().await;
    let payment =
        pb::OpenPaymentRequest { method: pb::PaymentMethod::Card.into(), ..elsewhere.bill("5.00", "EUR") };
    let payment = elsewhere.open_payment(&payment).await.expect("opens").into_inner();
    let nobody = elsewhere.payments().confirm_payment(shop.confirmation(&payment, "k")).await;
    assert_eq!(refusal(nobody).reason, "NO_PAYMENT_ACCOUNT");
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_token_nor_contact_are_readable_at_rest() {
    let shop = CardShop::taking().await;
    shop.simulators.faults("card").probability(Fault::TimeoutBeforeEffect, 1.0);
    let payment = shop.bill("5.00", "EUR").await;
    let request = pb::ConfirmPaymentRequest {
        payment_token: "tok_very_secret".to_owned(),
        receipt_contact: "olena@example.com".to_owned(),
        ..shop.confirmation(&payment, "k")
    };
    shop.payments().confirm_payment(request).await.expect("answers");
    let client = shop.till.world.database("payments").client().await;
    for table in
        ["payments", "payment_attempts", "payment_accounts", "idempotency_keys", "event_log", "audit_log"]
    {
        let sql = format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} AS t");
        let text: String = client.query_one(&sql, &[]).await.expect("looks").get(0);
        for secret in ["tok_very_secret", "olena@example.com", "key_tests", crate::card_shop::WEBHOOK_SECRET]
        {
            let as_bytes: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            assert!(!text.contains(secret) && !text.contains(&as_bytes), "{table} shows {secret}");
        }
    }
    shop.simulators.faults("card").clear();
    shop.until_state(&payment, PaymentState::Succeeded).await;
    let kept = "SELECT count(*) FROM payment_attempts WHERE request_sealed IS NOT NULL";
    assert_eq!(client.query_one(kept, &[]).await.expect("looks").get::<_, i64>(0), 0, "of no use any more");
}
