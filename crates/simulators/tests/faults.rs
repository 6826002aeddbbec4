//! Faults strike what they should, and the same for the same seed.

use std::time::{Duration, Instant};

use serde_json::json;
use simulators::{Fault, Script, Simulators, System};

use crate::client::Client;

/// The fates of so many calls, each 200 or not.
async fn fates(simulators: &Simulators, calls: usize) -> Vec<u16> {
    let client = Client::new(simulators.url("card")).bearer("test_card_key");
    let mut fates = Vec::new();
    for _ in 0..calls {
        fates.push(client.get("/v1/charges?reference=none").await.status);
    }
    fates
}

#[tokio::test]
async fn the_same_seed_strikes_the_same_calls() {
    let (one, other) = (Simulators::start().await, Simulators::start().await);
    for simulators in [&one, &other] {
        simulators.all_faults().reseed(7);
        simulators.faults("card").probability(Fault::Error5xx, 0.4);
    }
    let first = fates(&one, 100).await;
    assert_eq!(first, fates(&other, 100).await);
    let struck = first.iter().filter(|status| **status == 500).count();
    assert!((25..=55).contains(&struck), "{struck} of 100 at 0.4");
    assert_eq!(one.faults("card").struck(Fault::Error5xx), struck as u64);

    other.all_faults().reseed(8);
    assert_ne!(first, fates(&other, 100).await);
    other.all_faults().reseed(7);
    assert_eq!(first, fates(&other, 100).await);
}

#[tokio::test]
async fn probability_one_always_strikes_and_zero_never() {
    let simulators = Simulators::start().await;
    simulators.faults("card").probability(Fault::Unavailable, 1.0);
    assert_eq!(fates(&simulators, 5).await, [503; 5]);
    simulators.faults("card").probability(Fault::Unavailable, 0.0);
    assert_eq!(fates(&simulators, 5).await, [200; 5]);
}

#[tokio::test]
async fn a_script_skips_strikes_and_ends() {
    let simulators = Simulators::start().await;
    let script = Script { fault: Fault::Error5xx, operation: None, skip: 1, calls: 2 };
    simulators.faults("card").script(script);
    assert_eq!(fates(&simulators, 5).await, [200, 500, 500, 200, 200]);
    simulators.faults("card").next_on("create_charge", Fault::Error5xx);
    assert_eq!(fates(&simulators, 2).await, [200, 200], "it waits for its operation");
    simulators.faults("card").clear();
}

#[tokio::test]
async fn every_way_not_to_answer() {
    let simulators = Simulators::start().await;
    let client = Client::new(simulators.url("card")).bearer("test_card_key");
    let charge = |reference: &str| {
        json!({
            "reference": reference, "amount_minor": 100, "currency": "UAH", "capture": true,
            "payment_token": "tok_ok", "valid_until_time": "2100-01-01T00:00:00Z",
        })
    };
    let set = simulators.faults("card").hang(Duration::from_millis(100)).slow(Duration::from_millis(100));
    let cases = [
        (Fault::TimeoutBeforeEffect, None, 0),
        (Fault::TimeoutAfterEffect, None, 1),
        (Fault::Error5xx, Some(500), 0),
        (Fault::ErrorAfterEffect, Some(500), 1),
        (Fault::Unavailable, Some(503), 0),
        (Fault::Http200Error, Some(200), 0),
        (Fault::RateLimit, Some(429), 0),
        (Fault::Slow, Some(201), 1),
        (Fault::MalformedAnswer, Some(201), 1),
    ];
    for (fault, status, effects) in cases {
        set.next(fault);
        let start = Instant::now();
        let reply = client.key(fault.name()).try_post("/v1/charges", charge(fault.name())).await;
        assert_eq!(reply.as_ref().map(|reply| reply.status), status, "{fault}");
        assert_eq!(simulators.ledger("card").of_key(fault.name()).len(), effects, "{fault}");
        let waits = matches!(fault, Fault::TimeoutBeforeEffect | Fault::TimeoutAfterEffect | Fault::Slow);
        assert_eq!(start.elapsed() >= Duration::from_millis(100), waits, "{fault}");
        match (fault, reply) {
            (Fault::MalformedAnswer, Some(reply)) => {
                assert!(serde_json::from_slice::<serde_json::Value>(&reply.body).is_err());
            }
            (Fault::Http200Error, Some(reply)) => assert!(reply.json()["error"]["code"].is_string()),
            _ => {}
        }
    }
}

#[tokio::test]
async fn what_was_begun_ends_although_the_caller_hangs_up() {
    let simulators = Simulators::start().await;
    simulators.faults("card").slow(Duration::from_secs(5)).next(Fault::Slow);
    let client = Client::new(simulators.url("card")).bearer("test_card_key").key("k");
    let request = json!({
        "reference": "att_1", "amount_minor": 100, "currency": "UAH", "capture": true,
        "payment_token": "tok_ok", "valid_until_time": "2100-01-01T00:00:00Z",
    });
    let call = client.try_post("/v1/charges", request);
    assert!(tokio::time::timeout(Duration::from_millis(200), call).await.is_err());
    assert_eq!(simulators.ledger("card").of_key("k").len(), 1);
}

#[tokio::test]
async fn answers_are_held_back_until_they_are_let_go() {
    let simulators = Simulators::start().await;
    let held = simulators.hold("card", "create_charge");
    let client = Client::new(simulators.url("card")).bearer("test_card_key").key("k");
    let request = json!({
        "reference": "att_1", "amount_minor": 100, "currency": "UAH", "capture": true,
        "payment_token": "tok_ok", "valid_until_time": "2100-01-01T00:00:00Z",
    });
    let call = tokio::spawn(async move { client.post("/v1/charges", request).await.status });
    while held.waiting() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(simulators.ledger("card").of_key("k").len(), 1, "it is done all the same");
    assert_eq!(fates(&simulators, 1).await, [200], "others are answered");
    assert!(!call.is_finished());

    drop(held);
    assert_eq!(call.await.expect("answers"), 201);
}

#[test]
fn names_are_read_back() {
    for fault in Fault::ALL {
        assert_eq!(fault.name().parse(), Ok(fault));
        assert_eq!(json!(fault), json!(fault.name()));
    }
    for system in System::ALL {
        assert_eq!(system.name().parse(), Ok(system));
        assert_eq!(system.prefix().parse(), Ok(system));
        assert_eq!(json!(system), json!(system.name()));
    }
    assert!("card2".parse::<System>().is_err());
}
