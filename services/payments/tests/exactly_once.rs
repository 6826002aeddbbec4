//! The proof: whatever gets lost on the way, no buyer is charged twice and no charge stays unknown.

use std::collections::BTreeSet;
use std::time::Duration;

use proto::payments::v1::PaymentState;
use simulators::{Effect, Fault};
use tokio::task::JoinSet;

use crate::card_shop::CardShop;

/// Buyers who pay at the same time.
const BUYERS: usize = 32;
/// After so long everything is known.
const KNOWN_AFTER: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_payments_with_lost_answers_and_disordered_webhooks() {
    nobody_is_charged_twice_and_no_charge_stays_unknown(200).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: cargo nextest run -p korob-payments --run-ignored only"]
async fn two_thousand_payments_with_lost_answers_and_disordered_webhooks() {
    nobody_is_charged_twice_and_no_charge_stays_unknown(2000).await;
}

async fn nobody_is_charged_twice_and_no_charge_stays_unknown(count: usize) {
    let shop = CardShop::taking().await;
    shop.simulators
        .faults("card")
        .probability(Fault::TimeoutAfterEffect, 0.3)
        .probability(Fault::DuplicateWebhook, 0.3)
        .probability(Fault::ReorderWebhook, 0.3)
        .probability(Fault::DropWebhook, 0.1);

    let mut paying = JoinSet::new();
    let mut states = Vec::with_capacity(count);
    for _ in 0..count {
        if paying.len() >= BUYERS {
            states.push(paying.join_next().await.expect("one pays").expect("pays"));
        }
        let (mut client, bill) = (shop.payments(), shop.card_bill("10.00", "EUR"));
        let confirmation = shop.confirmation_of(&bill.payment_id, &bill.payment_id);
        paying.spawn(async move {
            client.open_payment(bill).await.expect("opens");
            client.confirm_payment(confirmation).await.expect("answers").into_inner().state()
        });
    }
    states.extend(paying.join_all().await);
    let lost = states.iter().filter(|state| **state == PaymentState::Processing).count();
    assert!(lost * 10 > count, "{lost} of {count} answers got lost: too few for a proof");

    // The time of the shop moves on by a minute; the provider answers as badly as before.
    let client = shop.till.world.database("payments").client().await;
    let unknown = "SELECT count(*) FROM payment_attempts WHERE outcome = 'unknown'";
    for _ in 0..KNOWN_AFTER.as_secs() {
        shop.till.world.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(50)).await;
        if client.query_one(unknown, &[]).await.expect("looks").get::<_, i64>(0) == 0 {
            break;
        }
    }

    let ledger = shop.simulators.ledger("card");
    assert_eq!(ledger.repeated(Effect::Captured), Vec::<String>::new(), "charged twice");
    let taken: BTreeSet<String> = ledger
        .entries()
        .iter()
        .filter(|entry| entry.effect == Effect::Captured)
        .map(|entry| entry.reference.clone())
        .collect();
    let rows = "SELECT 'att_' || replace(attempt_id::text, '-', '') FROM payment_attempts WHERE outcome = 'succeeded'";
    let known = client.query(rows, &[]).await.expect("looks");
    let known: BTreeSet<String> = known.iter().map(|row| row.get(0)).collect();
    assert_eq!(taken.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "taken and not known");
    assert_eq!(known.difference(&taken).collect::<Vec<_>>(), Vec::<&String>::new(), "known and not taken");
    assert_eq!(taken.len(), count, "everybody has paid");

    let acquirer = i64::try_from(count).expect("few") * 1000;
    assert_eq!(shop.till.balances().await, [format!("acquirer={acquirer}"), format!("revenue=-{acquirer}")]);
    let twice = "SELECT count(*) FROM (SELECT aggregate_id FROM event_log WHERE type LIKE '%PaymentRecorded'
                                       GROUP BY aggregate_id HAVING count(*) > 1) AS twice";
    assert_eq!(client.query_one(twice, &[]).await.expect("looks").get::<_, i64>(0), 0, "told once");
}
