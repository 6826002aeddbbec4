//! How webhooks travel: again until taken, twice, out of order, late, never, and from strangers.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use simulators::{Fault, Script, Simulators};

use crate::client::Client;
use crate::receiver::Receiver;

/// HMAC-SHA256 of both parts, by the book.
pub fn hmac(secret: &str, head: &[u8], body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(head);
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn world() -> (Simulators, Client, Receiver) {
    let simulators = Simulators::start().await;
    let client = Client::new(simulators.url("card")).bearer("test_card_key");
    let receiver = Receiver::start().await;
    simulators.webhooks_to("card", &receiver.url, "whsec");
    (simulators, client, receiver)
}

async fn pay(client: &Client, reference: &str) {
    let request = json!({
        "reference": reference, "amount_minor": 100, "currency": "UAH", "capture": true,
        "payment_token": "tok_ok", "valid_until_time": "2100-01-01T00:00:00Z",
    });
    client.key(reference).post("/v1/charges", request).await.expect(201);
}

fn references(received: &[crate::receiver::Received]) -> Vec<String> {
    received.iter().map(|one| text(&one.json()["charge"]["reference"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_webhook_is_sent_again_until_it_is_taken() {
    let (simulators, client, receiver) = world().await;
    receiver.refuse_next(2);
    pay(&client, "att_1").await;
    for attempt in 1..=2 {
        while simulators.deliveries("card").len() < attempt {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        simulators.advance_clock(Duration::from_secs(10));
    }
    let received = receiver.wait_for(1).await;
    let deliveries = loop {
        let deliveries = simulators.deliveries("card");
        if deliveries.len() == 3 {
            break deliveries;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let outcomes: Vec<_> = deliveries.iter().map(|one| (one.attempt, &*one.outcome)).collect();
    assert_eq!(outcomes, [(1, "refused 500"), (2, "refused 500"), (3, "taken")]);
    assert!(deliveries.iter().all(|one| one.event_id == deliveries[0].event_id));
    // The signature is of the time of sending.
    let age =
        simulators.now().timestamp() - received[0].header("card-timestamp").parse::<i64>().expect("a time");
    assert!(age < 5, "{age}");
}

#[tokio::test]
async fn a_webhook_comes_twice() {
    let (simulators, client, receiver) = world().await;
    simulators.faults("card").next_on("charge.captured", Fault::DuplicateWebhook);
    pay(&client, "att_1").await;
    let received = receiver.wait_for(2).await;
    assert_eq!(received[0].body, received[1].body);
}

#[tokio::test]
async fn a_webhook_comes_after_the_one_that_follows_it() {
    let (simulators, client, receiver) = world().await;
    simulators.faults("card").next(Fault::ReorderWebhook);
    pay(&client, "att_1").await;
    assert!(receiver.settled().await.is_empty());
    pay(&client, "att_2").await;
    assert_eq!(references(&receiver.wait_for(2).await), ["att_2", "att_1"]);

    // Without a follower it comes after a few seconds.
    simulators.faults("card").next(Fault::ReorderWebhook);
    pay(&client, "att_3").await;
    simulators.advance_clock(Duration::from_secs(4));
    assert_eq!(receiver.wait_for(3).await.len(), 3);
}

#[tokio::test]
async fn a_webhook_never_comes_or_comes_late() {
    let (simulators, client, receiver) = world().await;
    simulators.faults("card").next(Fault::DropWebhook).script(Script {
        fault: Fault::LateWebhook,
        operation: None,
        skip: 1,
        calls: 1,
    });
    pay(&client, "att_1").await;
    pay(&client, "att_2").await;
    assert!(receiver.settled().await.is_empty());
    assert_eq!(simulators.deliveries("card")[0].outcome, "dropped");
    simulators.advance_clock(Duration::from_secs(3));
    assert_eq!(references(&receiver.wait_for(1).await), ["att_2"]);
}

#[tokio::test]
async fn a_stranger_lies_without_the_secret() {
    let (simulators, client, receiver) = world().await;
    simulators.faults("card").next(Fault::Decline).next(Fault::ForgedWebhook);
    pay(&client, "att_1").await;
    let received = receiver.wait_for(2).await;
    let genuine = |one: &&crate::receiver::Received| {
        let head = format!("{}.", one.header("card-timestamp"));
        one.header("card-signature") == format!("v1={}", hmac("whsec", head.as_bytes(), &one.body))
    };
    let (genuine, forged): (Vec<_>, Vec<_>) = received.iter().partition(genuine);
    assert_eq!((genuine.len(), forged.len()), (1, 1));
    assert_eq!(genuine[0].json()["type"], "charge.failed");
    assert_eq!(forged[0].json()["type"], "charge.captured");
    assert!(simulators.ledger("card").entries().is_empty());
}

/// Each vendor ends within its own time; whoever was away for longer must ask.
#[tokio::test]
async fn vendors_try_again_for_as_long_as_they_say() {
    let (simulators, _, receiver) = world().await;
    receiver.refuse_next(u32::MAX);
    for (system, hours, attempts) in [("yookassa", 24, 8), ("stripe", 72, 9)] {
        simulators.webhooks_to(system, &receiver.url, "whsec");
        let client = Client::new(simulators.url(system));
        if system == "stripe" {
            let client = client.bearer("sk_test_key");
            client.form("/v1/payment_intents", "amount=100&currency=eur").await.expect(200);
        } else {
            let basic = format!("Basic {}", STANDARD.encode("100500:test_key"));
            let client = client.with("authorization", basic).with("idempotence-key", "k");
            let request = json!({
                "amount": { "value": "1.00", "currency": "RUB" }, "capture": true, "payment_token": "tok_ok",
            });
            client.post("/payments", request).await.expect(200);
        }
        let done = |count: u32| simulators.deliveries(system).iter().any(|one| one.attempt == count);
        for _ in 0..2_000 {
            if done(attempts) {
                break;
            }
            simulators.advance_clock(Duration::from_secs(600));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert!(done(attempts), "{system}");
        simulators.advance_clock(Duration::from_secs(30 * 86_400));
        assert!(receiver.settled().await.is_empty());
        let all = simulators.deliveries(system);
        let last = all.last().expect("deliveries");
        assert_eq!((last.attempt, &*last.outcome), (attempts, "refused 500"), "{system}: no more");
        assert!((last.time - all[0].time).num_hours() < hours, "{system}: {all:?}");
    }
}
