//! Providers and carriers that do what they are asked and lose the answer, answer with errors, and tell twice or out of order.

use std::time::Duration;

use simulators::Fault;

use crate::market::Market;
use crate::suite::Mode;
use crate::{figure, verdict};

const CLIENTS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_gets_lost_outside_nobody_pays_twice_and_no_parcel_goes_twice() {
    let market = Market::open(Mode::OneProcess).await;
    let hang = Duration::from_millis(100);
    market
        .simulators
        .faults("card")
        .hang(hang)
        .probability(Fault::TimeoutAfterEffect, 0.15)
        .probability(Fault::ErrorAfterEffect, 0.1)
        .probability(Fault::DuplicateWebhook, 0.3)
        .probability(Fault::ReorderWebhook, 0.3);
    let parcel = market.simulators.faults("parcel").hang(hang);
    parcel.probability(Fault::TimeoutAfterEffect, 0.2).probability(Fault::Error5xx, 0.1);
    market.simulators.faults("fiscal").hang(hang).probability(Fault::TimeoutAfterEffect, 0.2);
    let buyers = market.buyers(CLIENTS);
    buyers.more(figure(80, 2_000)).await;
    for system in ["card", "parcel", "fiscal"] {
        market.simulators.faults(system).clear();
    }
    let seen = buyers.finish().await;
    let took = verdict::clean(&market).await;
    let lost = market.simulators.faults("card").struck(Fault::TimeoutAfterEffect);
    println!("{lost} answers were lost, all well after {took:.1?}; clients saw {:?}", seen.answers);
    assert!(lost > 0, "some answers get lost");
    market.close().await;
}
