//! Every place at which a process may die, one after the other, while orders come in.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::figure;
use crate::market::Market;
use crate::suite::Mode;
use crate::verdict;

/// Where the process dies: each place of the registry at least once, those of shared code in the services that matter.
///
/// The carrier first: what its dead worker had in hands stays his for a minute.
const PLACES: [&str; 26] = [
    "delivery.carrier.before_call",
    "delivery.carrier.answered",
    "orders.place.recorded",
    "orders.place.before_settle",
    "saga.step.done[price]",
    "saga.step.done[reserve stock]",
    "saga.step.done[plan delivery]",
    "saga.step.done[open payment]",
    "saga.step.done[settle]",
    "saga.unwinding.decided[place_order]",
    "saga.undo.done[place_order]",
    "store.commit.before[orders]",
    "store.commit.before[inventory]",
    "store.commit.after[orders]",
    "store.commit.after[inventory]",
    "store.commit.after[payments]",
    "store.commit.after[delivery]",
    "store.outcome.before[payments.refund_payment]",
    "store.batch.answer[orders.commit]",
    "events.page.read[customers.count_purchases]",
    "events.cursor.moved[orders.follow_payments]",
    "events.page.applied[customers.count_purchases]",
    "payments.provider.before_call",
    "payments.provider.answered",
    "payments.refund.answered",
    "payments.receipt.answered",
];
const CLIENTS: usize = 8;
/// A busy machine takes its time until the next parcel or refund.
const REACHED_PATIENCE: Duration = Duration::from_secs(60);
/// Any of the first so many visits is the last.
const VISITS: u64 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn wherever_a_process_dies_nothing_is_lost_or_done_twice() {
    let seed = figure(20, rand::random());
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut market = Market::open(Mode::OneProcess).await;
    let buyers = market.buyers(CLIENTS);
    buyers.more(4).await;
    let mut fired = Vec::new();
    for _ in 0..figure(1, 20) {
        for place in PLACES {
            let nth = random.random_range(1..=VISITS);
            market.failpoints.set(&format!("{place} kill nth={nth} times=1")).unwrap();
            let died = tokio::time::timeout(REACHED_PATIENCE, market.suite.ended()).await;
            assert!(died.is_ok(), "nobody came past {place}");
            fired.extend(market.failpoints.fired());
            market.suite.start_again().await;
            buyers.more(2).await;
        }
    }
    let seen = buyers.finish().await;
    let took = verdict::clean(&market).await;
    println!("{} deaths, then all was well after {took:.1?}; clients saw {:?}", fired.len(), seen.answers);
    for point in failpoint::POINTS {
        let name = format!("{point}[");
        assert!(fired.iter().any(|fired| fired.starts_with(&name)), "add {point} to the places");
    }
    market.close().await;
}
