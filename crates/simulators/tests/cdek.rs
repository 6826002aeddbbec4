//! CDEK API v2.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::{Effect, Fault, Simulators};

use crate::client::Client;
use crate::receiver::Receiver;

async fn client_of(simulators: &Simulators, account: &str) -> Client {
    let form = format!("grant_type=client_credentials&client_id={account}&client_secret=test_secret");
    let token = Client::new(simulators.url("cdek")).form("/oauth/token", &form).await.expect(200);
    assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("bearer"), &json!(3_599)));
    Client::new(simulators.url("cdek")).bearer(token["access_token"].as_str().expect("a token"))
}

async fn client(simulators: &Simulators) -> Client {
    client_of(simulators, "korob").await
}

fn order(number: &str) -> Value {
    json!({
        "type": 1, "number": number, "tariff_code": 136, "comment": "",
        "from_location": { "code": 44, "address": "ул. Складская, 1" }, "delivery_point": "C137P1",
        "sender": { "company": "Shop", "name": "Shop", "phones": [{ "number": "+79990000000" }] },
        "recipient": { "name": "Анна Иванова", "phones": [{ "number": "+79991112233" }] },
        "packages": [{ "number": "1", "weight": 1_200, "items": [
            { "name": "Чай", "ware_key": "TEA", "payment": { "value": 520.5 }, "cost": 520.5, "weight": 600, "amount": 2 },
        ] }],
    })
}

fn uuid(answer: &Value) -> String {
    answer["entity"]["uuid"].as_str().expect("a uuid").to_owned()
}

/// A created order: its uuid and number.
async fn created(simulators: &Simulators, client: &Client, number: &str) -> (String, String) {
    let accepted = client.post("/orders", order(number)).await.expect(202);
    assert_eq!(accepted["requests"][0]["state"], "ACCEPTED");
    simulators.advance_clock(Duration::from_secs(1));
    let id = uuid(&accepted);
    let now = client.get(&format!("/orders/{id}")).await.expect(200);
    (id, now["entity"]["cdek_number"].as_str().expect("a number").to_owned())
}

#[tokio::test]
async fn tokens_end() {
    let simulators = Simulators::start().await;
    let plain = Client::new(simulators.url("cdek"));
    let wrong = "grant_type=client_credentials&client_id=a&client_secret=wrong_secret";
    plain.form("/oauth/token", wrong).await.expect(401);
    plain.form("/oauth/token", "grant_type=password").await.expect(400);
    let client = client(&simulators).await;
    client.get("/webhooks").await.expect(200);
    simulators.advance_clock(Duration::from_secs(3_601));
    let refused = client.get("/webhooks").await.expect(401);
    assert_eq!(refused["requests"][0]["errors"][0]["code"], "v2_token_expired");
    let fresh = client_of(&simulators, "korob").await;
    simulators.faults("cdek").next(Fault::TokenExpired);
    fresh.get("/webhooks").await.expect(401);
    fresh.get("/webhooks").await.expect(401);
}

#[tokio::test]
async fn an_order_is_accepted_and_created_later() {
    let simulators = Simulators::start().await;
    let client = client(&simulators).await;
    let accepted = client.post("/orders", order("shm_1")).await.expect(202);
    let path = format!("/orders/{}", uuid(&accepted));
    let early = client.get(&path).await.expect(200);
    assert_eq!(
        (&early["requests"][0]["state"], &early["entity"]["cdek_number"]),
        (&json!("ACCEPTED"), &Value::Null)
    );
    // For some while it may not even be seen.
    simulators.faults("cdek").next_calls(Fault::InProgress, 2);
    for hidden in [path.as_str(), "/orders?im_number=shm_1"] {
        let unseen = client.get(hidden).await.expect(400);
        assert_eq!(unseen["requests"][0]["errors"][0]["code"], "v2_entity_not_found");
    }
    simulators.advance_clock(Duration::from_secs(1));
    simulators.faults("cdek").next(Fault::InProgress);
    let found = client.get("/orders?im_number=shm_1").await.expect(200);
    assert_eq!(found["requests"][0]["state"], "SUCCESSFUL");
    assert_eq!(found["entity"]["statuses"][0]["code"], "CREATED");
    assert!(found["entity"]["statuses"][0]["date_time"].as_str().expect("a time").ends_with("+0000"));
    assert_eq!(found["entity"]["delivery_detail"]["delivery_sum"], 335.0);
    assert_eq!(simulators.ledger("cdek").count(Effect::WaybillCreated, "shm_1"), 1);
    let stranger = client_of(&simulators, "other").await;
    let refused = stranger.get(&path).await.expect(400);
    assert_eq!(refused["requests"][0]["errors"][0]["code"], "v2_entity_not_found");
    // The vendor knows no repeats.
    created(&simulators, &client, "shm_1").await;
    assert_eq!(simulators.ledger("cdek").repeated(Effect::WaybillCreated), ["shm_1"]);
}

#[tokio::test]
async fn what_is_seen_at_once_is_refused_at_once_the_rest_later() {
    let simulators = Simulators::start().await;
    let client = client(&simulators).await;
    let refused = client.post("/orders", json!({ "type": 1 })).await.expect(400);
    assert_eq!(refused["requests"][0]["state"], "INVALID");
    assert!(refused["requests"][0]["errors"].as_array().map(Vec::len) >= Some(5), "{refused}");
    let cases = [
        ("tariff_code", json!(999), "v2_bad_tariff"),
        ("delivery_point", json!("C44P9999"), "v2_delivery_point_not_found"),
        ("delivery_point", json!("C137P4"), "v2_cod_is_not_allowed"),
        (
            "recipient",
            json!({ "name": "A", "phones": [{ "number": "12" }] }),
            "v2_recipient_phone_is_incorrect",
        ),
    ];
    for (at, (field, value, code)) in cases.into_iter().enumerate() {
        let mut request = order(&format!("shm_{at}"));
        request[field] = value;
        let accepted = client.post("/orders", request).await.expect(202);
        simulators.advance_clock(Duration::from_secs(1));
        let after = client.get(&format!("/orders/{}", uuid(&accepted))).await.expect(200);
        assert_eq!(
            (&after["requests"][0]["state"], &after["requests"][0]["errors"][0]["code"]),
            (&json!("INVALID"), &json!(code))
        );
        assert_eq!(after["entity"]["statuses"][0]["code"], "INVALID");
    }
    for (fault, state) in [(Fault::LateFailure, "INVALID"), (Fault::NeverFinishes, "ACCEPTED")] {
        simulators.faults("cdek").next(fault);
        let accepted = client.post("/orders", order(state)).await.expect(202);
        simulators.advance_clock(Duration::from_secs(1));
        let after = client.get(&format!("/orders/{}", uuid(&accepted))).await.expect(200);
        assert_eq!(after["requests"][0]["state"], state);
    }
    simulators.faults("cdek").next(Fault::SilentIgnore);
    let lost = client.post("/orders", order("shm_9")).await.expect(202);
    client.get(&format!("/orders/{}", uuid(&lost))).await.expect(400);
    assert!(simulators.ledger("cdek").entries().is_empty());
}

#[tokio::test]
async fn an_order_travels_and_tells_unsigned() {
    let simulators = Simulators::start().await;
    let client = client(&simulators).await;
    let receiver = Receiver::start().await;
    client.post("/webhooks", json!({ "type": "ORDER_STATUS", "url": receiver.url })).await.expect(200);
    let listed = client.get("/webhooks").await.expect(200);
    assert_eq!((&listed[0]["type"], &listed[0]["url"]), (&json!("ORDER_STATUS"), &json!(receiver.url)));
    client.post("/webhooks", json!({ "type": "WEATHER", "url": receiver.url })).await.expect(400);
    let (id, number) = created(&simulators, &client, "shm_1").await;
    let way: Vec<String> = (0..8).map(|_| simulators.advance(&number)).collect();
    assert_eq!(way[6..], ["ACCEPTED_AT_PICK_UP_POINT", "DELIVERED"]);
    assert_eq!(simulators.ledger("cdek").sum(Effect::CashCollected, "shm_1"), 104_100);
    let received = receiver.wait_for(9).await;
    assert!(received.iter().all(|one| one.headers.keys().all(|name| !name.as_str().contains("sign"))));
    let delivered =
        received.iter().map(|one| one.json()).find(|one| one["attributes"]["code"] == "DELIVERED");
    let delivered = delivered.expect("the last status");
    assert_eq!((&delivered["uuid"], &delivered["attributes"]["number"]), (&json!(id), &json!("shm_1")));
    assert_eq!(delivered["attributes"]["status_code"], "4");

    simulators.faults("cdek").next(Fault::ForgedWebhook);
    let (_, number) = created(&simulators, &client, "shm_2").await;
    let told = receiver.wait_for(11).await;
    let lies = told.iter().filter(|one| {
        one.json()["attributes"]["code"] == "DELIVERED"
            && one.json()["attributes"]["cdek_number"] == number.as_str()
    });
    assert_eq!(lies.count(), 1);
    let webhook = listed[0]["uuid"].as_str().expect("a uuid");
    client.delete(&format!("/webhooks/{webhook}")).await.expect(200);
    simulators.advance(&number);
    assert_eq!(receiver.settled().await.len(), 11);
}

#[tokio::test]
async fn an_order_is_deleted_until_it_has_left() {
    let simulators = Simulators::start().await;
    let client = client(&simulators).await;
    let accepted = client.post("/orders", order("shm_0")).await.expect(202);
    let early = client.delete(&format!("/orders/{}", uuid(&accepted))).await.expect(202);
    assert_eq!(early["requests"][0]["errors"][0]["code"], "v2_similar_request_still_processed");
    let (id, _) = created(&simulators, &client, "shm_1").await;
    simulators.faults("cdek").next(Fault::SilentIgnore);
    for removed in [false, true] {
        let asked = client.delete(&format!("/orders/{id}")).await.expect(202);
        assert_eq!(asked["requests"][0]["state"], "ACCEPTED");
        simulators.advance_clock(Duration::from_secs(1));
        let after = client.get(&format!("/orders/{id}")).await.expect(200);
        assert_eq!(after["entity"]["statuses"][0]["code"] == "REMOVED", removed);
    }
    let (id, number) = created(&simulators, &client, "shm_2").await;
    simulators.advance(&number);
    client.delete(&format!("/orders/{id}")).await.expect(202);
    simulators.advance_clock(Duration::from_secs(1));
    let after = client.get(&format!("/orders/{id}")).await.expect(200);
    assert_eq!(
        (&after["requests"][1]["type"], &after["requests"][1]["state"]),
        (&json!("DELETE"), &json!("INVALID"))
    );
    assert_eq!(simulators.ledger("cdek").total_count(Effect::WaybillCancelled), 1);
}

#[tokio::test]
async fn labels_are_made_after_a_moment() {
    let simulators = Simulators::start().await;
    let client = client(&simulators).await;
    let (id, _) = created(&simulators, &client, "shm_1").await;
    let ask = json!({ "orders": [{ "order_uuid": id }], "format": "A6" });
    let asked = client.post("/print/barcodes", ask.clone()).await.expect(202);
    let path = format!("/print/barcodes/{}", uuid(&asked));
    assert_eq!(client.get(&path).await.expect(200)["entity"]["url"], Value::Null);
    simulators.advance_clock(Duration::from_secs(1));
    let made = client.get(&path).await.expect(200);
    let url = made["entity"]["url"].as_str().expect("a url");
    let label = client.get(url).await;
    assert_eq!((label.header("content-type"), &label.body[..5]), ("application/pdf", &b"%PDF-"[..]));
    assert_eq!(Client::new("").get(url).await.status, 401);
    simulators.faults("cdek").next(Fault::LateFailure);
    let asked = client.post("/print/barcodes", ask).await.expect(202);
    simulators.advance_clock(Duration::from_secs(1));
    let failed = client.get(&format!("/print/barcodes/{}", uuid(&asked))).await.expect(200);
    assert_eq!(failed["entity"]["statuses"][1]["code"], "INVALID");
}

#[tokio::test]
async fn prices_cities_and_points() {
    let simulators = Simulators::start().await;
    let client = client(&simulators).await;
    let ask = |to: Value, grams: i64| json!({ "from_location": { "code": 44 }, "to_location": to, "packages": [{ "weight": grams }] });
    let priced = client
        .post("/calculator/tarifflist", ask(json!({ "city": "Санкт-Петербург" }), 1_200))
        .await
        .expect(200);
    let first = &priced["tariff_codes"][0];
    assert_eq!((&first["tariff_code"], &first["delivery_sum"]), (&json!(136), &json!(335.0)));
    let nowhere = client
        .post("/calculator/tarifflist", ask(json!({ "country_code": "AQ", "city": "X" }), 1))
        .await
        .expect(200);
    assert_eq!(nowhere["errors"][0]["code"], "v2_no_tariffs");
    client.post("/calculator/tarifflist", ask(json!({}), 1)).await.expect(400);
    let mut one = ask(json!({ "city": "X" }), 500);
    one["tariff_code"] = json!(482);
    assert_eq!(client.post("/calculator/tariff", one).await.expect(200)["delivery_sum"], 690.0);

    let cities = client
        .get("/location/cities?city=%D0%9C%D0%BE%D1%81%D0%BA%D0%B2%D0%B0&country_codes=RU")
        .await
        .expect(200);
    assert_eq!(cities[0]["code"], 44);
    let points = client.get("/deliverypoints?city_code=137&type=ALL").await.expect(200);
    assert_eq!(points.as_array().map(Vec::len), Some(140));
    let lockers = client.get("/deliverypoints?city_code=137&type=POSTAMAT&size=10&page=3").await.expect(200);
    assert_eq!((lockers.as_array().map(Vec::len), &lockers[0]["weight_max"]), (Some(5), &json!(15.0)));
}
