//! Korob's card contract.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::{Effect, Fault, Simulators};

use crate::client::Client;
use crate::receiver::Receiver;

fn client(simulators: &Simulators) -> Client {
    Client::new(simulators.url("card")).bearer("test_card_key")
}

fn charge(reference: &str, token: &str) -> Value {
    json!({
        "reference": reference, "amount_minor": 104_000, "currency": "UAH", "capture": true,
        "payment_token": token, "return_url": "https://shop.example/paid?cart=1", "description": "Order <1>",
        "valid_until_time": "2100-01-01T00:00:00Z", "metadata": {},
    })
}

fn reservation(reference: &str) -> Value {
    let mut charge = charge(reference, "tok_ok");
    charge["capture"] = json!(false);
    charge
}

async fn charge_again(client: &Client, id: &str) -> Value {
    client.get(&format!("/v1/charges/{id}")).await.expect(200)
}

#[tokio::test]
async fn a_card_is_charged_and_found_by_its_reference() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let made = client.key("k1").post("/v1/charges", charge("att_1", "tok_ok")).await.expect(201);
    assert_eq!((&made["status"], &made["captured_minor"]), (&json!("captured"), &json!(104_000)));
    assert_eq!(made["redirect_url"], Value::Null);
    let found = client.get("/v1/charges?reference=att_1").await.expect(200);
    assert_eq!(found["charges"], json!([made]));
    assert_eq!(charge_again(&client, made["charge_id"].as_str().expect("an id")).await, made);
    assert_eq!(simulators.ledger("card").sum(Effect::Captured, "att_1"), 104_000);
    assert_eq!(simulators.ledger("card").of_key("k1").len(), 1);
}

#[tokio::test]
async fn a_stranger_and_another_account_see_nothing() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let made = client.key("k1").post("/v1/charges", charge("att_1", "tok_ok")).await.expect(201);
    let path = format!("/v1/charges/{}", made["charge_id"].as_str().expect("an id"));
    let refused = client.bearer("revoked_key").get(&path).await.expect(401);
    assert_eq!(refused["error"]["code"], "unauthorized");
    client.bearer("another_account").get(&path).await.expect(404);
    let found = client.bearer("another_account").get("/v1/charges?reference=att_1").await.expect(200);
    assert_eq!(found["charges"], json!([]));
}

#[tokio::test]
async fn tokens_decide_as_the_contract_says() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let cases = [
        ("tok_declined", "failed", "card_declined"),
        ("tok_insufficient", "failed", "insufficient_funds"),
        ("tok_no_acquirer", "failed", "acquirer_unavailable"),
    ];
    for (token, status, code) in cases {
        let made = client.key(token).post("/v1/charges", charge(token, token)).await.expect(201);
        assert_eq!((&made["status"], &made["decline"]["code"]), (&json!(status), &json!(code)));
    }
    assert!(simulators.ledger("card").entries().is_empty());

    for (token, end) in [("tok_pending", "captured"), ("tok_pending_declined", "failed")] {
        let made = client.key(token).post("/v1/charges", charge(token, token)).await.expect(201);
        assert_eq!(made["status"], "pending");
        simulators.advance_clock(Duration::from_secs(1));
        let after = charge_again(&client, made["charge_id"].as_str().expect("an id")).await;
        assert_eq!(after["status"], end);
        assert!(after["sequence"].as_i64() > made["sequence"].as_i64());
    }
}

#[tokio::test]
async fn the_page_of_the_bank_is_passed_or_failed() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    for (result, status) in [("approved", "captured"), ("declined", "failed")] {
        let made = client.key(result).post("/v1/charges", charge(result, "tok_3ds")).await.expect(201);
        assert_eq!(made["status"], "requires_action");
        let page = made["redirect_url"].as_str().expect("a page").to_owned();
        let shown = client.get(&page).await;
        let text = String::from_utf8_lossy(&shown.body).into_owned();
        assert_eq!(shown.status, 200);
        assert!(text.contains("1040.00 UAH") && text.contains("Order &lt;1&gt;"), "{text}");
        assert_eq!(client.form(&page, "result=perhaps").await.status, 400);
        let ended = client.form(&page, &format!("result={result}")).await;
        assert_eq!(ended.status, 303);
        assert_eq!(ended.header("location"), format!("https://shop.example/paid?cart=1&reference={result}"));
        let after = charge_again(&client, made["charge_id"].as_str().expect("an id")).await;
        assert_eq!((&after["status"], &after["redirect_url"]), (&json!(status), &Value::Null));
        // The button again changes nothing.
        assert_eq!(client.form(&page, "result=approved").await.status, 303);
        assert_eq!(client.get(&page).await.status, 404);
    }
    assert_eq!(simulators.ledger("card").total_count(Effect::Captured), 1);
}

#[tokio::test]
async fn a_buyer_who_leaves_the_page_has_abandoned_it() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let mut request = charge("att_1", "");
    request["return_url"] = Value::Null;
    request["payment_token"] = Value::Null;
    let made = client.key("k").post("/v1/charges", request).await.expect(201);
    simulators.advance_clock(Duration::from_secs(3_601));
    let after = charge_again(&client, made["charge_id"].as_str().expect("an id")).await;
    assert_eq!((&after["status"], &after["decline"]["code"]), (&json!("failed"), &json!("abandoned")));
}

#[tokio::test]
async fn a_key_has_one_effect_and_one_answer() {
    let simulators = Simulators::start().await;
    let client = client(&simulators).key("k1");
    let first = client.post("/v1/charges", charge("att_1", "tok_ok")).await;
    let again = client.post("/v1/charges", charge("att_1", "tok_ok")).await;
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    let other = client.post("/v1/charges", charge("att_2", "tok_ok")).await.expect(409);
    assert_eq!(other["error"]["code"], "idempotency_key_reused");
    assert_eq!(simulators.ledger("card").total_count(Effect::Captured), 1);
    // Another account's key of the same name is another key.
    client.bearer("another_account").post("/v1/charges", charge("att_1", "tok_ok")).await.expect(201);
    // A refusal is remembered, too, except those that say that nothing was looked at.
    simulators.faults("card").next(Fault::RateLimit).next(Fault::Unavailable).next(Fault::InProgress);
    let client = client.key("k2");
    let limited = client.post("/v1/charges", charge("att_2", "tok_ok")).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, "1"));
    client.post("/v1/charges", charge("att_2", "tok_ok")).await.expect(503);
    let running = client.post("/v1/charges", charge("att_2", "tok_ok")).await.expect(409);
    assert_eq!(running["error"]["code"], "in_progress");
    client.post("/v1/charges", charge("att_2", "tok_ok")).await.expect(201);
    client.with("idempotency-key", "").post("/v1/charges", charge("att_3", "tok_ok")).await.expect(400);
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let cases = [
        ("reference", json!(""), 400, "invalid_request"),
        ("amount_minor", json!(0), 400, "invalid_request"),
        ("amount_minor", json!(10.5), 400, "invalid_request"),
        ("currency", json!("uah"), 400, "invalid_request"),
        ("currency", json!("XTS"), 400, "currency_not_supported"),
        ("capture", json!("yes"), 400, "invalid_request"),
        ("return_url", json!("javascript:alert(1)"), 400, "invalid_request"),
        ("valid_until_time", json!("tomorrow"), 400, "invalid_request"),
    ];
    for (at, (field, value, status, code)) in cases.into_iter().enumerate() {
        let mut request = charge("att_1", "tok_ok");
        request[field] = value;
        let refused = client.key(&format!("k{at}")).post("/v1/charges", request).await.expect(status);
        assert_eq!((&refused["error"]["code"], &refused["error"]["field"]), (&json!(code), &json!(field)));
    }
    let mut late = charge("att_1", "tok_ok");
    late["valid_until_time"] = json!("2020-01-01T00:00:00Z");
    assert_eq!(client.key("late").post("/v1/charges", late).await.expect(410)["error"]["code"], "expired");
    client.key("a").post("/v1/charges", charge("att_1", "tok_ok")).await.expect(201);
    let twice = client.key("b").post("/v1/charges", charge("att_1", "tok_ok")).await.expect(400);
    assert_eq!(twice["error"]["field"], "reference");
    assert_eq!(client.get("/v1/nothing").await.expect(404)["error"]["code"], "not_found");
}

#[tokio::test]
async fn a_reserved_sum_is_captured_in_part_once() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let made = client.key("k1").post("/v1/charges", reservation("att_1")).await.expect(201);
    assert_eq!(made["status"], "authorized");
    let path = format!("/v1/charges/{}/capture", made["charge_id"].as_str().expect("an id"));
    let amount = |minor: i64| json!({ "amount_minor": minor, "currency": "UAH" });
    let refused = client.key("k2").post(&path, amount(104_001)).await.expect(409);
    assert_eq!(refused["error"]["code"], "amount_too_large");
    let foreign = json!({ "amount_minor": 1, "currency": "EUR" });
    client.key("k3").post(&path, foreign).await.expect(400);
    let captured = client.key("k4").post(&path, amount(50_000)).await.expect(200);
    assert_eq!((&captured["status"], &captured["captured_minor"]), (&json!("captured"), &json!(50_000)));
    assert_eq!(client.key("k4").post(&path, amount(50_000)).await.expect(200), captured);
    let again = client.key("k5").post(&path, amount(1)).await.expect(409);
    assert_eq!(again["error"]["code"], "already_captured");
    assert_eq!(simulators.ledger("card").sum(Effect::Captured, "att_1"), 50_000);
}

#[tokio::test]
async fn a_reserved_sum_is_released_by_hand_or_by_time() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let made = client.key("k1").post("/v1/charges", reservation("att_1")).await.expect(201);
    let path = format!("/v1/charges/{}", made["charge_id"].as_str().expect("an id"));
    for key in ["k2", "k3"] {
        let voided = client.key(key).post(&format!("{path}/void"), json!({})).await.expect(200);
        assert_eq!(voided["status"], "voided");
    }
    assert_eq!(simulators.ledger("card").count(Effect::Voided, "att_1"), 1);
    let capture = json!({ "amount_minor": 1, "currency": "UAH" });
    let refused = client.key("k4").post(&format!("{path}/capture"), capture).await.expect(409);
    assert_eq!(refused["error"]["code"], "not_authorized");

    let left = client.key("k5").post("/v1/charges", reservation("att_2")).await.expect(201);
    simulators.advance_clock(Duration::from_secs(8 * 24 * 3_600));
    assert_eq!(charge_again(&client, left["charge_id"].as_str().expect("an id")).await["status"], "voided");
    let taken = client.key("k6").post("/v1/charges", charge("att_3", "tok_ok")).await.expect(201);
    let path = format!("/v1/charges/{}/void", taken["charge_id"].as_str().expect("an id"));
    assert_eq!(
        client.key("k7").post(&path, json!({})).await.expect(409)["error"]["code"],
        "already_captured"
    );
}

#[tokio::test]
async fn money_goes_back_in_parts_and_never_more_than_was_taken() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let made = client.key("k1").post("/v1/charges", charge("att_1", "tok_ok")).await.expect(201);
    let id = made["charge_id"].as_str().expect("an id");
    let refund = |reference: &str, minor: i64| json!({ "reference": reference, "charge_id": id, "amount_minor": minor, "currency": "UAH", "reason": "" });
    for (reference, minor) in [("rfd_1", 4_000), ("rfd_2", 60_000)] {
        let done = client.key(reference).post("/v1/refunds", refund(reference, minor)).await.expect(201);
        assert_eq!((&done["status"], &done["charge_id"]), (&json!("succeeded"), &json!(id)));
    }
    let refused = client.key("k4").post("/v1/refunds", refund("rfd_3", 40_001)).await.expect(409);
    assert_eq!(refused["error"]["code"], "refund_exceeds_captured");

    // One that fails late gives back the room it took.
    simulators.faults("card").next_on("create_refund", Fault::LateFailure);
    let pending = client.key("k5").post("/v1/refunds", refund("rfd_4", 40_000)).await.expect(201);
    assert_eq!(pending["status"], "pending");
    client.key("k6").post("/v1/refunds", refund("rfd_5", 1)).await.expect(409);
    simulators.advance_clock(Duration::from_secs(1));
    let found = client.get("/v1/refunds?reference=rfd_4").await.expect(200);
    assert_eq!(found["refunds"][0]["status"], "failed");
    client.key("k7").post("/v1/refunds", refund("rfd_6", 40_000)).await.expect(201);

    let after = charge_again(&client, id).await;
    assert_eq!(after["refunded_minor"], 104_000);
    let ledger = simulators.ledger("card");
    let returned: i64 = ["rfd_1", "rfd_2", "rfd_6"].iter().map(|rfd| ledger.sum(Effect::Refunded, rfd)).sum();
    assert_eq!((returned, ledger.total_count(Effect::Refunded)), (104_000, 3));
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_its_effect() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    simulators
        .faults("card")
        .hang(Duration::from_millis(20))
        .next_on("create_charge", Fault::TimeoutAfterEffect);
    assert!(client.key("k1").try_post("/v1/charges", charge("att_1", "tok_ok")).await.is_none());
    let found = client.get("/v1/charges?reference=att_1").await.expect(200);
    assert_eq!(found["charges"][0]["status"], "captured");
    let again = client.key("k1").post("/v1/charges", charge("att_1", "tok_ok")).await.expect(201);
    assert_eq!(again, found["charges"][0]);
    assert_eq!(simulators.ledger("card").count(Effect::Captured, "att_1"), 1);
}

#[tokio::test]
async fn an_effect_may_come_after_nothing_was_found() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let lose = || simulators.faults("card").hang(Duration::from_millis(20)).next(Fault::LateEffect);
    lose();
    assert!(client.key("k1").try_post("/v1/charges", charge("att_1", "tok_ok")).await.is_none());
    assert_eq!(client.get("/v1/charges?reference=att_1").await.expect(200)["charges"], json!([]));
    simulators.advance_clock(Duration::from_secs(3));
    let found = client.get("/v1/charges?reference=att_1").await.expect(200);
    assert_eq!(found["charges"][0]["status"], "captured");

    // What comes after its time is never carried out.
    lose();
    let mut request = charge("att_2", "tok_ok");
    let soon = simulators.now() + Duration::from_secs(1);
    request["valid_until_time"] = json!(soon.to_rfc3339());
    assert!(client.key("k2").try_post("/v1/charges", request).await.is_none());
    simulators.advance_clock(Duration::from_secs(3));
    assert_eq!(client.get("/v1/charges?reference=att_2").await.expect(200)["charges"], json!([]));
    assert_eq!(simulators.ledger("card").total_count(Effect::Captured), 1);
}

#[tokio::test]
async fn webhooks_are_signed_and_tell_the_state() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let receiver = Receiver::start().await;
    let hook = json!({ "url": receiver.url, "secret": "whsec" });
    assert_eq!(client.put("/v1/webhook", hook).await.expect(200), json!({}));
    client.put("/v1/webhook", json!({ "url": receiver.url, "secret": "" })).await.expect(400);
    client
        .bearer("another_account")
        .key("k")
        .post("/v1/charges", charge("att_0", "tok_ok"))
        .await
        .expect(201);
    let made = client.key("k1").post("/v1/charges", charge("att_1", "tok_ok")).await.expect(201);

    let received = receiver.wait_for(1).await;
    let (body, time) = (received[0].json(), received[0].header("card-timestamp").to_owned());
    assert_eq!(
        (&body["type"], &body["charge"], &body["refund"]),
        (&json!("charge.captured"), &made, &Value::Null)
    );
    let signature = crate::webhooks::hmac("whsec", format!("{time}.").as_bytes(), &received[0].body);
    assert_eq!(received[0].header("card-signature"), format!("v1={signature}"));
    assert!((time.parse::<i64>().expect("a time") - simulators.now().timestamp()).abs() < 5);

    client.put("/v1/webhook", json!({ "url": "" })).await.expect(200);
    client.key("k2").post("/v1/charges", charge("att_2", "tok_ok")).await.expect(201);
    assert_eq!(receiver.settled().await.len(), 1, "neither the other account's nor one after the end");
}
