//! Korob's parcel contract.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::{Effect, Fault, Move, Simulators};

use crate::client::Client;
use crate::receiver::Receiver;

fn client(simulators: &Simulators) -> Client {
    Client::new(simulators.url("parcel")).bearer("test_parcel_key")
}

fn parcel(reference: &str) -> Value {
    json!({
        "reference": reference, "order_number": "1", "service": "standard",
        "recipient": { "name": "Олена (Шевченко)", "phone": "+380501234567" },
        "address": { "country_code": "UA", "region": "", "city": "Київ", "postal_code": "01001", "line": "Хрещатик 1",
            "pickup_point_code": "", "comment": "" },
        "weight_grams": 1_200, "declared_value": { "amount": "1040.00", "currency": "UAH" }, "cod": null, "items": [],
    })
}

fn with_cod(reference: &str) -> Value {
    let mut parcel = parcel(reference);
    parcel["cod"] = json!({ "amount": "1040.00", "currency": "UAH" });
    parcel
}

/// A registered parcel: its id and number.
async fn registered(simulators: &Simulators, request: Value) -> (String, String) {
    let client = client(simulators);
    let made = client.post("/v1/parcels", request).await.expect(202);
    assert_eq!((&made["ok"], &made["parcel"]["state"]), (&json!(true), &json!("accepted")));
    assert_eq!(made["parcel"]["tracking_number"], Value::Null);
    let id = made["parcel"]["parcel_id"].as_str().expect("an id").to_owned();
    simulators.advance_clock(Duration::from_secs(1));
    let now = client.get(&format!("/v1/parcels/{id}")).await.expect(200)["parcel"].clone();
    assert_eq!(now["state"], "registered");
    (id, now["tracking_number"].as_str().expect("a number").to_owned())
}

async fn track(simulators: &Simulators, number: &str) -> Value {
    let answer = client(simulators).post("/v1/tracking", json!({ "numbers": [number] })).await.expect(200);
    answer["parcels"][0].clone()
}

fn codes(tracked: &Value) -> Vec<&str> {
    let events = tracked["events"].as_array().expect("events");
    events.iter().map(|event| event["code"].as_str().expect("a code")).collect()
}

#[tokio::test]
async fn a_parcel_is_accepted_registered_and_has_a_label() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let made = client.post("/v1/parcels", parcel("shm_1")).await.expect(202);
    let id = made["parcel"]["parcel_id"].as_str().expect("an id").to_owned();
    let early = client.get(&format!("/v1/parcels/{id}/label")).await.expect(200);
    assert_eq!((&early["ok"], &early["error"]["code"]), (&json!(false), &json!("label_not_ready")));
    simulators.advance_clock(Duration::from_secs(1));
    let label = client.get(&format!("/v1/parcels/{id}/label")).await;
    assert_eq!((label.status, label.header("content-type")), (200, "application/pdf"));
    assert!(label.body.starts_with(b"%PDF-1.4") && label.body.ends_with(b"%%EOF\n"));
    let found = client.get("/v1/parcels?reference=shm_1").await.expect(200);
    assert_eq!(found["parcels"][0]["price"], json!({ "amount": "80.00", "currency": "UAH" }));
    assert_eq!(simulators.ledger("parcel").count(Effect::WaybillCreated, "shm_1"), 1);
    client.bearer("another_account").get(&format!("/v1/parcels/{id}")).await.expect(404);
    client.bearer("revoked_key").get(&format!("/v1/parcels/{id}")).await.expect(401);
}

#[tokio::test]
async fn the_same_reference_twice_is_two_parcels() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    simulators
        .faults("parcel")
        .hang(Duration::from_millis(10))
        .next_on("create_parcel", Fault::TimeoutAfterEffect);
    assert!(client.try_post("/v1/parcels", parcel("shm_1")).await.is_none());
    client.post("/v1/parcels", parcel("shm_1")).await.expect(202);
    simulators.advance_clock(Duration::from_secs(1));
    let found = client.get("/v1/parcels?reference=shm_1").await.expect(200);
    assert_eq!(found["parcels"].as_array().map(Vec::len), Some(2));
    assert_eq!(simulators.ledger("parcel").repeated(Effect::WaybillCreated), ["shm_1"]);
}

#[tokio::test]
async fn what_is_wrong_comes_with_200() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let point = |code: &str| json!({ "country_code": "UA", "pickup_point_code": code });
    let cases = [
        (json!({ "recipient": { "name": "", "phone": "+380501234567" } }), "invalid_data", "recipient.name"),
        (json!({ "recipient": { "name": "A", "phone": "050" } }), "invalid_data", "recipient.phone"),
        (json!({ "address": { "country_code": "UA", "city": "Київ" } }), "invalid_data", "address.line"),
        (json!({ "weight_grams": 0 }), "invalid_data", "weight_grams"),
        (json!({ "weight_grams": 30_001 }), "not_served", ""),
        (json!({ "service": "drone" }), "service_unknown", "service"),
        (json!({ "cod": { "amount": "1.00", "currency": "EUR" } }), "invalid_data", "cod"),
        (
            json!({ "service": "point", "address": point("KV-999") }),
            "invalid_data",
            "address.pickup_point_code",
        ),
        (
            json!({ "service": "point", "address": point("KV-002"), "weight_grams": 20_001 }),
            "not_served",
            "weight_grams",
        ),
        (
            json!({ "service": "point", "address": point("KV-006"), "cod": { "amount": "1.00", "currency": "UAH" } }),
            "cod_not_possible",
            "cod",
        ),
    ];
    for (change, code, field) in cases {
        let mut request = parcel("shm_1");
        for (name, value) in change.as_object().expect("changes") {
            request[name] = value.clone();
        }
        let refused = client.post("/v1/parcels", request).await.expect(200);
        assert_eq!(refused["ok"], false);
        assert_eq!((&refused["error"]["code"], &refused["error"]["field"]), (&json!(code), &json!(field)));
    }
    simulators.faults("parcel").next(Fault::Http200Error);
    let refused = client.post("/v1/parcels", parcel("shm_1")).await.expect(200);
    assert_eq!(refused["error"]["code"], "unavailable");
    assert_eq!(client.get("/v1/parcels?reference=shm_1").await.expect(200)["parcels"], json!([]));
}

#[tokio::test]
async fn a_parcel_is_rejected_late_or_never_decided() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let receiver = Receiver::start().await;
    client.put("/v1/webhook", json!({ "url": receiver.url, "secret": "whsec" })).await.expect(200);
    simulators.faults("parcel").next(Fault::LateFailure);
    client.post("/v1/parcels", parcel("shm_1")).await.expect(202);
    simulators.advance_clock(Duration::from_secs(1));
    let told = receiver.wait_for(1).await[0].json();
    assert_eq!((&told["type"], &told["event"]), (&json!("parcel.rejected"), &Value::Null));
    assert_eq!(told["parcel"]["error"]["field"], "address.line");
    simulators.faults("parcel").next(Fault::NeverFinishes);
    client.post("/v1/parcels", parcel("shm_2")).await.expect(202);
    simulators.advance_clock(Duration::from_secs(86_400));
    let found = client.get("/v1/parcels?reference=shm_2").await.expect(200);
    assert_eq!(found["parcels"][0]["state"], "accepted");
    assert!(simulators.ledger("parcel").entries().is_empty());
}

#[tokio::test]
async fn a_parcel_travels_and_tells_each_step() {
    let simulators = Simulators::start().await;
    let receiver = Receiver::start().await;
    simulators.webhooks_to("parcel", &receiver.url, "whsec");
    let (_, number) = registered(&simulators, with_cod("shm_1")).await;
    let way: Vec<String> = (0..6).map(|_| simulators.advance(&number)).collect();
    assert_eq!(way, ["200", "300", "310", "500", "610", "620"]);
    let tracked = track(&simulators, &number).await;
    assert_eq!(codes(&tracked), ["100", "200", "300", "310", "500", "610", "620"]);
    assert_eq!(tracked["cod"]["transferred"], json!({ "amount": "1040.00", "currency": "UAH" }));
    assert_eq!(simulators.ledger("parcel").sum(Effect::CashCollected, "shm_1"), 104_000);

    let received = receiver.wait_for(7).await;
    let time = received[0].header("parcel-timestamp");
    let signature = crate::webhooks::hmac("whsec", format!("{time}.").as_bytes(), &received[0].body);
    assert_eq!(received[0].header("parcel-signature"), format!("v1={signature}"));
    let kinds: Vec<Value> = received.iter().map(|one| one.json()["type"].clone()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "parcel.tracked").count(), 5);
    assert!(kinds.contains(&json!("parcel.registered")) && kinds.contains(&json!("cod.transferred")));
}

#[tokio::test]
async fn attempts_fail_and_storage_ends() {
    let simulators = Simulators::start().await;
    let (_, number) = registered(&simulators, parcel("shm_1")).await;
    let step = Move { to: Some("510".to_owned()), reason: "not_home".to_owned() };
    assert_eq!(simulators.move_parcel(&number, &step), "510");
    assert_eq!(simulators.advance(&number), "500");
    simulators.advance_to(&number, "400");
    let tracked = track(&simulators, &number).await;
    assert_eq!(tracked["events"][1]["reason"], "not_home");
    assert!(tracked["storage_until_time"].is_string());
    simulators.advance_clock(Duration::from_secs(5 * 86_400 + 1));
    let tracked = track(&simulators, &number).await;
    assert_eq!((codes(&tracked).last(), &tracked["storage_until_time"]), (Some(&"710"), &Value::Null));

    let control = Client::new(simulators.root());
    control.post("/control/parcels/PC9/advance", json!({})).await.expect(404);
    control.post(&format!("/control/parcels/{number}/advance"), json!({ "to": "42" })).await.expect(422);
    control.post(&format!("/control/parcels/{number}/advance"), json!({})).await.expect(409);
    let moved =
        control.post(&format!("/control/parcels/{number}/advance"), json!({ "to": "900" })).await.expect(200);
    assert_eq!(moved, json!({ "system": "parcel", "number": number, "code": "900" }));
}

#[tokio::test]
async fn a_parcel_is_cancelled_until_it_has_left() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let (id, _) = registered(&simulators, parcel("shm_1")).await;
    simulators.faults("parcel").next(Fault::SilentIgnore);
    for _ in 0..3 {
        let cancelled = client.post(&format!("/v1/parcels/{id}/cancel"), json!({})).await.expect(200);
        assert_eq!(cancelled["parcel"]["state"], "cancelled");
    }
    assert_eq!(simulators.ledger("parcel").count(Effect::WaybillCancelled, "shm_1"), 1);
    let (id, number) = registered(&simulators, parcel("shm_2")).await;
    simulators.advance(&number);
    let refused = client.post(&format!("/v1/parcels/{id}/cancel"), json!({})).await.expect(200);
    assert_eq!(refused["error"]["code"], "already_left");
}

#[tokio::test]
async fn points_are_paged_and_found() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let page =
            client.get(&format!("/v1/points?country_code=UA&limit=100&after={after}")).await.expect(200);
        let codes = page["points"].as_array().expect("points").iter().map(|point| point["code"].clone());
        seen.extend(codes.map(|code| code.as_str().expect("a code").to_owned()));
        after = page["next"].as_str().expect("next").to_owned();
        if after.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 245);
    assert!(seen.is_sorted());
    let lviv = client.get("/v1/points?city=%D0%BB%D1%8C%D0%B2%D1%96%D0%B2&text=LV-00").await.expect(200);
    assert_eq!(lviv["points"].as_array().map(Vec::len), Some(9));
    assert_eq!(client.get("/v1/points?country_code=PL").await.expect(200)["points"], json!([]));
}

#[tokio::test]
async fn prices_and_tracking_have_their_limits() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let quote = |destination: Value, weight: i64| {
        let declared = json!({ "amount": "10.00", "currency": "UAH" });
        json!({ "destination": destination, "weight_grams": weight, "declared_value": declared, "cod": null })
    };
    let priced = client.post("/v1/quotes", quote(json!({ "country_code": "UA" }), 1_200)).await.expect(200);
    let services: Vec<_> = priced["quotes"].as_array().expect("quotes").iter().collect();
    assert_eq!((services.len(), &services[0]["price"]["amount"]), (3, &json!("80.00")));
    for none in [quote(json!({ "country_code": "AQ" }), 1), quote(json!({ "country_code": "UA" }), 30_001)] {
        assert_eq!(client.post("/v1/quotes", none).await.expect(200)["quotes"], json!([]));
    }
    let numbers: Vec<String> = (0..51).map(|at| format!("PC{at}")).collect();
    let refused = client.post("/v1/tracking", json!({ "numbers": numbers })).await.expect(200);
    assert_eq!(refused["error"]["field"], "numbers");
    assert_eq!(track(&simulators, "PC404").await["found"], false);
}

#[tokio::test]
async fn parcels_move_by_themselves_when_they_shall() {
    let simulators = Simulators::start().await;
    simulators.faults("parcel").travel(Duration::from_secs(60));
    let (_, number) = registered(&simulators, parcel("shm_1")).await;
    for _ in 0..10 {
        simulators.advance_clock(Duration::from_secs(60));
    }
    assert_eq!(codes(&track(&simulators, &number).await), ["100", "200", "300", "310", "500", "600"]);
}

#[tokio::test]
async fn a_parcel_is_weighed_when_the_carrier_has_it() {
    let simulators = Simulators::start().await;
    let (_, number) = registered(&simulators, parcel("shm_1")).await;
    assert_eq!(track(&simulators, &number).await["weighed_grams"], Value::Null);
    simulators.advance(&number);
    assert_eq!(track(&simulators, &number).await["weighed_grams"], 1_200);

    let (_, heavy) = registered(&simulators, parcel("shm_2")).await;
    simulators.faults("parcel").next(Fault::WeighsMore).next(Fault::WeightAsText);
    simulators.advance(&heavy);
    assert_eq!(track(&simulators, &heavy).await["weighed_grams"], "2000 g");
    simulators.advance(&heavy);
    assert_eq!(track(&simulators, &heavy).await["weighed_grams"], 2_000, "it is weighed once");
}
