//! What every provider of cards must do, run over each adapter against its simulator.

use proto::payments::v1::{
    AttemptOutcome, CaptureMode, PaymentAccount, PaymentState, ProviderKind, RefundState,
};
use simulators::{Effect, Fault};

use crate::card_shop::{CARDS, CardShop};
use crate::sums;

/// Runs one test over every adapter.
async fn each<Fut: Future<Output = ()>>(mode: CaptureMode, test: impl Fn(CardShop) -> Fut) {
    for kind in CARDS {
        println!("{kind:?}");
        test(CardShop::at(kind, mode).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_taken_at_once() {
    each(CaptureMode::Automatic, async |shop| {
        let paid = shop.paid("12.30", "EUR").await;
        assert_eq!((paid.state(), sums(&paid)), (PaymentState::Succeeded, "12.30 12.30 0.00".to_owned()));
        assert_eq!(paid.attempts[0].provider_account_id, shop.account.provider_account_id);
        assert!(!paid.attempts[0].reference.is_empty());
        assert_eq!(shop.did(Effect::Captured), 1);
        assert_eq!(shop.till.balances().await, ["acquirer=1230", "revenue=-1230"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn currencies_without_and_with_three_digits_are_counted_right() {
    each(CaptureMode::Automatic, async |shop| {
        for (amount, currency, minor) in [("500", "JPY", 500), ("1.230", "KWD", 1230)] {
            let paid = shop.paid(amount, currency).await;
            assert_eq!(paid.state(), PaymentState::Succeeded, "{currency}: {:?}", paid.attempts);
            let ledger = shop.simulators.ledger(shop.system());
            let taken = ledger.entries().iter().filter(|entry| entry.effect == Effect::Captured);
            let taken = taken.filter(|entry| entry.currency.eq_ignore_ascii_case(currency));
            assert_eq!(taken.map(|entry| entry.amount_minor).sum::<i64>(), minor, "{currency}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reserved_is_captured_in_part_and_the_rest_released() {
    each(CaptureMode::Manual, async |shop| {
        let reserved = shop.paid("100.00", "EUR").await;
        assert_eq!(
            (reserved.state(), sums(&reserved)),
            (PaymentState::Authorized, "100.00 0.00 0.00".to_owned())
        );
        let captured = shop.capture(&reserved, Some("60.00")).await.expect("captures").into_inner();
        assert_eq!(
            (captured.state(), sums(&captured)),
            (PaymentState::Succeeded, "60.00 60.00 0.00".to_owned())
        );
        let ledger = shop.simulators.ledger(shop.system());
        let taken = ledger.entries().iter().filter(|entry| entry.effect == Effect::Captured);
        assert_eq!(taken.map(|entry| entry.amount_minor).collect::<Vec<_>>(), [6000]);
        assert_eq!(shop.till.balances().await, ["acquirer=6000", "revenue=-6000"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reserved_is_released_when_voided() {
    each(CaptureMode::Manual, async |shop| {
        let reserved = shop.paid("100.00", "EUR").await;
        let voided = shop.till.void(&reserved.payment_id).await.expect("voids").into_inner();
        assert_eq!(voided.state(), PaymentState::Canceled);
        let after = shop
            .until(&reserved, "released", |now| now.attempts[0].outcome() == AttemptOutcome::Released)
            .await;
        assert_eq!(sums(&after), "100.00 0.00 0.00");
        assert_eq!((shop.did(Effect::Captured), shop.did(Effect::Voided)), (0, 1));
        assert_eq!(shop.till.balances().await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_leaves_the_payment_open() {
    each(CaptureMode::Automatic, async |shop| {
        shop.simulators.faults(shop.system()).next(Fault::Decline);
        let payment = shop.bill("7.00", "EUR").await;
        let declined = shop.confirm(&payment, "first").await.expect("answers").into_inner();
        assert_eq!(declined.state(), PaymentState::RequiresPayment);
        assert_eq!(declined.attempts[0].outcome(), AttemptOutcome::Failed);
        assert!(!declined.attempts[0].failure_code.is_empty());
        let paid = shop.confirm(&payment, "second").await.expect("answers").into_inner();
        assert_eq!((paid.state(), paid.attempts.len()), (PaymentState::Succeeded, 2));
        assert_eq!(shop.did(Effect::Captured), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_buyer_confirms_at_the_bank() {
    each(CaptureMode::Automatic, async |shop| {
        for (result, state) in
            [("approved", PaymentState::Succeeded), ("declined", PaymentState::RequiresPayment)]
        {
            shop.simulators.faults(shop.system()).next(Fault::ThreeDSecure);
            let waiting = shop.paid("7.00", "EUR").await;
            assert_eq!(waiting.state(), PaymentState::RequiresAction, "{:?}", waiting.attempts);
            shop.buyer_decides(&waiting, result).await;
            let after = shop.until_state(&waiting, state).await;
            assert_eq!(after.next_action, None);
        }
        assert_eq!(shop.did(Effect::Captured), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_got_lost_is_asked_for_and_nobody_pays_twice() {
    let faults = [
        Fault::TimeoutAfterEffect,
        Fault::TimeoutBeforeEffect,
        Fault::LateEffect,
        Fault::ErrorAfterEffect,
        Fault::MalformedAnswer,
        Fault::InProgress,
    ];
    each(CaptureMode::Automatic, async |shop| {
        shop.simulators.faults(shop.system()).late(std::time::Duration::from_millis(100));
        for fault in faults {
            let faults = shop.simulators.faults(shop.system());
            faults.probability(Fault::DropWebhook, 1.0).next_on(shop.charge_operation(), fault);
            let payment = shop.paid("7.00", "EUR").await;
            assert_eq!(payment.state(), PaymentState::Processing, "{fault}: {:?}", payment.attempts);
            assert_eq!(payment.attempts[0].outcome(), AttemptOutcome::Unknown, "{fault}");
            let after = shop.until_state(&payment, PaymentState::Succeeded).await;
            assert_eq!(after.attempts.len(), 1, "{fault}");
            shop.simulators.faults(shop.system()).clear();
        }
        assert_eq!(shop.did(Effect::Captured), faults.len());
        assert_eq!(shop.simulators.ledger(shop.system()).repeated(Effect::Captured), Vec::<String>::new());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_whose_answer_got_lost_is_done_once() {
    each(CaptureMode::Manual, async |shop| {
        // A webhook would have the job capture first.
        shop.simulators.faults(shop.system()).probability(Fault::DropWebhook, 1.0);
        for fault in [Fault::TimeoutAfterEffect, Fault::TimeoutBeforeEffect] {
            let reserved = shop.paid("9.00", "EUR").await;
            shop.simulators.faults(shop.system()).next_on(shop.capture_operation(), fault);
            let unknown = shop.capture(&reserved, None).await.expect("answers").into_inner();
            assert_eq!(unknown.state(), PaymentState::Authorized, "{fault}");
            shop.until_state(&reserved, PaymentState::Succeeded).await;
        }
        assert_eq!(shop.did(Effect::Captured), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_are_many_and_partial_and_done_once() {
    each(CaptureMode::Automatic, async |shop| {
        let paid = shop.paid("10.00", "EUR").await;
        for (key, amount, fault) in [
            ("one", "2.00", None),
            ("two", "3.00", Some(Fault::TimeoutAfterEffect)),
            ("three", "4.00", Some(Fault::TimeoutBeforeEffect)),
        ] {
            if let Some(fault) = fault {
                shop.simulators.faults(shop.system()).next_on("create_refund", fault);
            }
            let asked = shop.till.refund(&paid, amount, key).await.expect("refunds").into_inner();
            assert_eq!(asked.refunds.last().map(|refund| refund.state()), Some(RefundState::Pending));
            shop.until(&paid, "refunded", |now| {
                now.refunds.iter().all(|refund| refund.state() == RefundState::Succeeded)
            })
            .await;
        }
        let after = shop.read(&paid).await;
        assert_eq!((sums(&after), after.refunds.len()), ("10.00 10.00 9.00".to_owned(), 3));
        assert_eq!(shop.did(Effect::Refunded), 3);
        assert_eq!(shop.till.balances().await, ["acquirer=100", "revenue=-100"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_come_twice_late_or_forged_change_nothing_twice() {
    each(CaptureMode::Automatic, async |shop| {
        let faults = shop.simulators.faults(shop.system());
        for fault in [Fault::DuplicateWebhook, Fault::ReorderWebhook, Fault::ForgedWebhook] {
            faults.probability(fault, 0.5);
        }
        for _ in 0..10 {
            faults.next(Fault::ThreeDSecure);
            let waiting = shop.paid("3.00", "EUR").await;
            shop.buyer_decides(&waiting, "approved").await;
            shop.until_state(&waiting, PaymentState::Succeeded).await;
        }
        assert_eq!(shop.did(Effect::Captured), 10);
        assert_eq!(shop.till.balances().await, ["acquirer=3000", "revenue=-3000"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_surely_nothing_was_done_the_next_account_is_tried() {
    for kind in CARDS {
        // YooKassa and Stripe do not say of a 503 whether something was done.
        let says_so = kind == ProviderKind::KorobCard;
        let faults: &[Fault] = match says_so {
            // The third is told with status 200.
            true => &[Fault::RateLimit, Fault::Unavailable, Fault::Http200Error],
            false => &[Fault::RateLimit],
        };
        for fault in faults.iter().copied() {
            let shop = CardShop::at(kind, CaptureMode::Automatic).await;
            let second = second_in_line(shop.account_of(kind, CaptureMode::Automatic));
            let second = shop.add(second).await;
            shop.simulators.faults(shop.system()).next_on(shop.charge_operation(), fault);
            let paid = shop.paid("7.00", "EUR").await;
            let ways: Vec<_> = paid
                .attempts
                .iter()
                .map(|attempt| (attempt.provider_account_id.clone(), attempt.outcome()))
                .collect();
            let expected = [
                (shop.account.provider_account_id.clone(), AttemptOutcome::Failed),
                (second.provider_account_id.clone(), AttemptOutcome::Succeeded),
            ];
            assert_eq!(ways, expected, "{kind:?} {fault}");
            assert_eq!(shop.did(Effect::Captured), 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_it_may_have_been_done_no_other_account_is_tried() {
    for kind in CARDS {
        let shop = CardShop::at(kind, CaptureMode::Automatic).await;
        shop.add(second_in_line(shop.account_of(kind, CaptureMode::Automatic))).await;
        for fault in [Fault::Error5xx, Fault::Decline] {
            shop.simulators.faults(shop.system()).next_on(shop.charge_operation(), fault);
            let payment = shop.paid("7.00", "EUR").await;
            assert_eq!(payment.attempts.len(), 1, "{kind:?} {fault}");
        }
    }
}

fn second_in_line(account: PaymentAccount) -> PaymentAccount {
    PaymentAccount { priority: 20, ..account }
}

#[test]
fn every_kind_of_card_provider_is_examined() {
    let kinds = korob_payments::model::account::Kind::ALL;
    let cards = kinds.iter().filter(|kind| kind.purpose() == korob_payments::model::account::Purpose::Cards);
    assert_eq!(cards.count(), CARDS.len());
    assert!(CARDS.contains(&ProviderKind::Stripe));
}
