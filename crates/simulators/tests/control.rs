//! The control API.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use simulators::Simulators;

use crate::client::Client;

async fn world() -> (Simulators, Client) {
    let simulators = Simulators::start().await;
    let control = Client::new(format!("{}/control", simulators.root()));
    (simulators, control)
}

fn charge(reference: &str) -> serde_json::Value {
    json!({
        "reference": reference, "amount_minor": 100, "currency": "UAH", "capture": true,
        "payment_token": "tok_ok", "valid_until_time": "2100-01-01T00:00:00Z",
    })
}

#[tokio::test]
async fn faults_are_set_read_and_cleared() {
    let (simulators, control) = world().await;
    let card = Client::new(simulators.url("card")).bearer("test_card_key");
    let plan = json!({ "seed": 3, "systems": { "card": { "probabilities": { "unavailable": 1.0 } } } });
    let set = control.put("/faults", plan).await.expect(200);
    assert_eq!((&set["seed"], &set["systems"]["card"]["hang_ms"]), (&json!(3), &json!(1_000)));
    card.get("/v1/charges?reference=a").await.expect(503);
    let read = control.get("/faults").await.expect(200);
    assert_eq!(read["struck"]["card"]["unavailable"], 1);
    control.delete("/faults/card").await.expect(200);
    card.get("/v1/charges?reference=a").await.expect(200);

    let script = json!({ "fault": "error_5xx", "operation": "find_charges", "calls": 2 });
    control.post("/faults/card/next", script).await.expect(200);
    for status in [500, 500, 200] {
        card.get("/v1/charges?reference=a").await.expect(status);
    }
    control.put("/faults/card", json!({ "probabilities": { "error_5xx": 1 } })).await.expect(200);
    card.get("/v1/charges?reference=a").await.expect(500);
    control.delete("/faults").await.expect(200);
    card.get("/v1/charges?reference=a").await.expect(200);
}

#[tokio::test]
async fn bad_plans_are_refused_with_their_reason() {
    let (_simulators, control) = world().await;
    let cases = [
        ("/faults/card", json!({ "probabilities": { "error_5xx": 1.5 } }), "between 0 and 1"),
        ("/faults/nova_poshta", json!({ "probabilities": { "drop_webhook": 0.5 } }), "cannot have"),
        ("/faults/card", json!({ "hang_ms": 99_999_999 }), "at most"),
    ];
    for (path, plan, why) in cases {
        let refused = control.put(path, plan).await.expect(422);
        assert!(refused["error"].as_str().expect("a reason").contains(why), "{refused}");
    }
    assert_eq!(control.put("/faults/card", json!({ "probability": {} })).await.status, 422);
    assert_eq!(control.get("/faults/paypal").await.status, 404);
    let many: Vec<_> = (0..1_001).map(|_| json!({ "fault": "slow" })).collect();
    assert_eq!(control.put("/faults/card", json!({ "next": many })).await.status, 422);
}

#[tokio::test]
async fn the_ledger_is_read_by_what_is_asked() {
    let (simulators, control) = world().await;
    let card = Client::new(simulators.url("card")).bearer("test_card_key");
    for reference in ["att_1", "att_2"] {
        card.key(reference).post("/v1/charges", charge(reference)).await.expect(201);
    }
    let all = control.get("/ledger").await.expect(200);
    assert_eq!(all["entries"].as_array().map(Vec::len), Some(2));
    let entry = &control.get("/ledger?system=card&reference=att_2").await.expect(200)["entries"][0];
    assert_eq!((&entry["effect"], &entry["amount_minor"]), (&json!("captured"), &json!(100)));
    assert_eq!((&entry["key"], &entry["number"]), (&json!("att_2"), &json!(2)));
    assert_eq!(control.get("/ledger?after=1&limit=5").await.expect(200)["entries"][0], *entry);
    assert_eq!(control.get("/ledger?system=stripe").await.expect(200)["entries"], json!([]));

    assert_eq!(control.post("/reset", json!({})).await.status, 204);
    assert_eq!(control.get("/ledger").await.expect(200)["entries"], json!([]));
    assert_eq!(card.get("/v1/charges?reference=att_1").await.expect(200)["charges"], json!([]));
}

#[tokio::test]
async fn the_clock_is_moved() {
    let (simulators, control) = world().await;
    let before = simulators.now();
    control.post("/clock", json!({ "advance_ms": 3_600_000 })).await.expect(200);
    assert!(simulators.now() - before >= chrono::TimeDelta::hours(1));
    assert_eq!(control.post("/clock", json!({ "advance_ms": u64::MAX })).await.status, 422);
}

#[tokio::test]
async fn receivers_of_webhooks_are_registered() {
    let (simulators, control) = world().await;
    let set = control.put("/webhooks/card", json!({ "url": "http://127.0.0.1:9/x", "secret": "s" })).await;
    assert_eq!(set.expect(200)["card"][0]["url"], "http://127.0.0.1:9/x");
    assert_eq!(control.put("/webhooks/nova_poshta", json!({ "url": "http://a" })).await.status, 422);
    assert_eq!(control.put("/webhooks/card", json!({ "url": "https://a" })).await.status, 422);
    for at in 0..99 {
        control.put("/webhooks/card", json!({ "url": format!("http://a/{at}") })).await.expect(200);
    }
    assert_eq!(control.put("/webhooks/card", json!({ "url": "http://a/more" })).await.status, 422);
    control.delete("/webhooks/card").await.expect(200);
    control.put("/webhooks/card", json!({ "url": "http://127.0.0.1:9/x" })).await.expect(200);

    let card = Client::new(simulators.url("card")).bearer("test_card_key");
    card.key("k").post("/v1/charges", charge("att_1")).await.expect(201);
    let outcome = loop {
        let told = control.get("/webhooks/deliveries?system=card").await.expect(200);
        if let Some(outcome) = told["deliveries"][0]["outcome"].as_str() {
            break outcome.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert!(outcome.starts_with("unreachable"), "{outcome}");
}

#[tokio::test]
async fn it_says_what_is_here_and_stops_in_order() {
    let (simulators, _) = world().await;
    let root = Client::new(simulators.root());
    assert_eq!(root.get("/").await.expect(200)["systems"]["card"], "/card");
    assert_eq!(root.get("/healthz").await.status, 200);
    assert_eq!(root.get("/paypal/v1").await.status, 404);
    let address: SocketAddr = simulators.address();
    tokio::time::timeout(Duration::from_secs(3), simulators.stop()).await.expect("it stops");
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
