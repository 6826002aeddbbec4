//! Many callers at once, and many faults at once: the ledger stays true.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::{Effect, Fault, Simulators};

use crate::client::Client;

fn charge(reference: &str) -> Value {
    json!({
        "reference": reference, "amount_minor": 100, "currency": "UAH", "capture": true,
        "payment_token": "tok_ok", "valid_until_time": "2100-01-01T00:00:00Z",
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_has_one_effect_with_many_callers_at_once() {
    let simulators = Simulators::start().await;
    let client = Client::new(simulators.url("card")).bearer("test_card_key").key("k1");
    let calls = (0..64).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.post("/v1/charges", charge("att_1")).await.body })
    });
    let mut bodies = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        bodies.push(call.await.expect("it ends"));
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    assert_eq!(simulators.ledger("card").count(Effect::Captured, "att_1"), 1);
}

/// One effect for each charge, however often the line is cut: a client that repeats with the same key proves it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeats_with_the_same_key_pay_once_whatever_goes_wrong() {
    let simulators = Simulators::start().await;
    simulators.all_faults().reseed(11);
    let faults = simulators.faults("card").hang(Duration::from_millis(1)).late(Duration::from_millis(5));
    let unsure = [
        Fault::TimeoutBeforeEffect,
        Fault::TimeoutAfterEffect,
        Fault::LateEffect,
        Fault::Error5xx,
        Fault::ErrorAfterEffect,
        Fault::MalformedAnswer,
        Fault::Http200Error,
        Fault::Unavailable,
        Fault::InProgress,
    ];
    for fault in unsure {
        faults.probability(fault, 0.1);
    }
    let client = Client::new(simulators.url("card")).bearer("test_card_key");
    let buyers = (0..8).map(|buyer| {
        let client = client.clone();
        tokio::spawn(async move {
            for number in 0..25 {
                let reference = format!("att_{buyer}_{number}");
                let client = client.key(&reference);
                loop {
                    let reply = client.try_post("/v1/charges", charge(&reference)).await;
                    let body = reply.and_then(|reply| serde_json::from_slice::<Value>(&reply.body).ok());
                    if body.is_some_and(|body| body["status"] == "captured") {
                        break;
                    }
                }
            }
        })
    });
    for buyer in buyers.collect::<Vec<_>>() {
        buyer.await.expect("every charge is known in the end");
    }
    simulators.advance_clock(Duration::from_secs(1));
    let ledger = simulators.ledger("card");
    assert_eq!((ledger.total_count(Effect::Captured), ledger.repeated(Effect::Captured)), (200, Vec::new()));
    for fault in unsure {
        assert!(faults.struck(fault) > 5, "{fault} struck {} times", faults.struck(fault));
    }
}
