//! YooKassa API v3.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use simulators::{Effect, Fault, Simulators};

use crate::client::Client;
use crate::receiver::Receiver;

fn shop(simulators: &Simulators, credentials: &str) -> Client {
    let basic = format!("Basic {}", STANDARD.encode(credentials));
    Client::new(simulators.url("yookassa")).with("authorization", basic)
}

fn client(simulators: &Simulators) -> Client {
    shop(simulators, "100500:test_secret")
}

fn keyed(client: &Client, key: &str) -> Client {
    client.with("idempotence-key", key)
}

fn payment(capture: bool) -> Value {
    json!({
        "amount": { "value": "100.00", "currency": "RUB" }, "capture": capture, "description": "Order 1",
        "confirmation": { "type": "redirect", "return_url": "https://shop.example/back" },
        "metadata": { "payment_id": "pay_1" },
    })
}

/// Opens a payment and ends its page; its id.
async fn confirmed(client: &Client, key: &str, request: Value, result: &str) -> String {
    let made = keyed(client, key).post("/payments", request).await.expect(200);
    assert_eq!((&made["status"], &made["paid"]), (&json!("pending"), &json!(false)));
    let page = made["confirmation"]["confirmation_url"].as_str().expect("a page");
    assert_eq!(client.get(page).await.status, 200);
    let ended = client.form(page, &format!("result={result}")).await;
    assert_eq!((ended.status, ended.header("location")), (303, "https://shop.example/back"));
    made["id"].as_str().expect("an id").to_owned()
}

async fn get(client: &Client, id: &str) -> Value {
    client.get(&format!("/payments/{id}")).await.expect(200)
}

#[tokio::test]
async fn a_payment_in_one_stage() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let id = confirmed(&client, "k1", payment(true), "approved").await;
    let paid = get(&client, &id).await;
    assert_eq!((&paid["status"], &paid["paid"]), (&json!("succeeded"), &json!(true)));
    assert_eq!(paid["amount"], json!({ "value": "100.00", "currency": "RUB" }));
    assert_eq!(paid["confirmation"], Value::Null);
    assert_eq!(simulators.ledger("yookassa").sum(Effect::Captured, "pay_1"), 10_000);

    let failed = get(&client, &confirmed(&client, "k2", payment(true), "declined").await).await;
    assert_eq!(
        failed["cancellation_details"],
        json!({ "party": "payment_network", "reason": "3d_secure_failed" })
    );
    let list = client.get("/payments?limit=1&status=succeeded").await.expect(200);
    assert_eq!((&list["items"][0]["id"], &list["next_cursor"]), (&json!(id), &Value::Null));
}

#[tokio::test]
async fn a_payment_in_two_stages_is_captured_in_part_or_canceled() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let id = confirmed(&client, "k1", payment(false), "approved").await;
    let waiting = get(&client, &id).await;
    assert_eq!((&waiting["status"], &waiting["paid"]), (&json!("waiting_for_capture"), &json!(true)));
    let amount = |value: &str| json!({ "amount": { "value": value, "currency": "RUB" } });
    let path = format!("/payments/{id}/capture");
    let refused = keyed(&client, "k2").post(&path, amount("100.01")).await.expect(400);
    assert_eq!((&refused["code"], &refused["parameter"]), (&json!("invalid_request"), &json!("amount")));
    let taken = keyed(&client, "k2").post(&path, amount("60.50")).await.expect(200);
    assert_eq!((&taken["status"], &taken["amount"]["value"]), (&json!("succeeded"), &json!("60.50")));
    keyed(&client, "k3").post(&path, json!({})).await.expect(400);
    assert_eq!(simulators.ledger("yookassa").sum(Effect::Captured, "pay_1"), 6_050);

    let id = confirmed(&client, "k4", payment(false), "approved").await;
    let canceled = keyed(&client, "k5").post(&format!("/payments/{id}/cancel"), json!({})).await.expect(200);
    assert_eq!(canceled["cancellation_details"]["reason"], "canceled_by_merchant");
    let id = confirmed(&client, "k6", payment(false), "approved").await;
    simulators.advance_clock(Duration::from_secs(7 * 86_400 + 1));
    assert_eq!(get(&client, &id).await["cancellation_details"]["reason"], "expired_on_capture");
    assert_eq!(simulators.ledger("yookassa").count(Effect::Voided, "pay_1"), 2);
}

#[tokio::test]
async fn a_buyer_who_never_confirms_lets_it_expire() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let made = keyed(&client, "k1").post("/payments", payment(true)).await.expect(200);
    let id = made["id"].as_str().expect("an id");
    keyed(&client, "k2").post(&format!("/payments/{id}/cancel"), json!({})).await.expect(400);
    simulators.advance_clock(Duration::from_secs(3_601));
    assert_eq!(get(&client, id).await["cancellation_details"]["reason"], "expired_on_confirmation");
}

#[tokio::test]
async fn a_key_is_remembered_for_a_day() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    assert_eq!(client.post("/payments", payment(true)).await.expect(400)["parameter"], "Idempotence-Key");
    simulators.faults("yookassa").hang(Duration::from_millis(10)).next(Fault::TimeoutAfterEffect);
    assert!(keyed(&client, "k1").try_post("/payments", payment(true)).await.is_none());
    simulators.faults("yookassa").next(Fault::InProgress);
    let early = keyed(&client, "k1").post("/payments", payment(true)).await.expect(202);
    assert_eq!(early["type"], "processing");
    let again = keyed(&client, "k1").post("/payments", payment(true)).await.expect(200);
    let list = client.get("/payments").await.expect(200);
    assert_eq!((list["items"].as_array().map(Vec::len), &list["items"][0]["id"]), (Some(1), &again["id"]));
    keyed(&client, "k1").post("/payments", payment(false)).await.expect(400);
    simulators.advance_clock(Duration::from_secs(86_401));
    let new = keyed(&client, "k1").post("/payments", payment(true)).await.expect(200);
    assert_ne!(new["id"], again["id"]);
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let cases = [
        ("amount", json!({ "value": 100, "currency": "RUB" }), "amount"),
        ("amount", json!({ "value": "0.00", "currency": "RUB" }), "amount"),
        ("amount", json!({ "value": "1.001", "currency": "RUB" }), "amount"),
        ("confirmation", Value::Null, "confirmation"),
        ("confirmation", json!({ "type": "redirect" }), "confirmation.return_url"),
        ("confirmation", json!({ "type": "telepathy" }), "confirmation.type"),
        ("description", json!("x".repeat(129)), "description"),
        ("receipt", json!({ "items": [] }), "receipt.customer"),
    ];
    for (field, value, parameter) in cases {
        let mut request = payment(true);
        request[field] = value;
        let refused = keyed(&client, "k1").post("/payments", request).await.expect(400);
        assert_eq!((&refused["type"], &refused["parameter"]), (&json!("error"), &json!(parameter)));
    }
    let refused = shop(&simulators, "100500:live_secret").get("/payments").await.expect(401);
    assert_eq!(refused["code"], "invalid_credentials");
    assert_eq!(client.get("/payments/none").await.expect(404)["code"], "not_found");
    simulators.faults("yookassa").next(Fault::RateLimit).next(Fault::Error5xx);
    assert_eq!(client.get("/payments").await.expect(429)["code"], "too_many_requests");
    assert_eq!(client.get("/payments").await.expect(500)["code"], "internal_server_error");
}

#[tokio::test]
async fn a_receipt_adds_up_and_is_registered() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let receipt = |quantity: &str| {
        let price = json!({ "value": "50.00", "currency": "RUB" });
        json!({
            "customer": { "email": "a@example.org" },
            "items": [{ "description": "Tea", "quantity": quantity, "amount": price, "vat_code": 1 }],
        })
    };
    let mut request = payment(true);
    request["receipt"] = receipt("3");
    let refused = keyed(&client, "k1").post("/payments", request.clone()).await.expect(400);
    assert_eq!(refused["parameter"], "receipt.items");
    request["receipt"] = receipt("2.000");
    let id = confirmed(&client, "k1", request, "approved").await;
    assert_eq!(get(&client, &id).await["receipt_registration"], "pending");
    simulators.advance_clock(Duration::from_secs(1));
    assert_eq!(get(&client, &id).await["receipt_registration"], "succeeded");
    assert_eq!(simulators.ledger("yookassa").sum(Effect::ReceiptRegistered, "pay_1"), 10_000);

    let mut later = receipt("1");
    later["type"] = json!("payment");
    later["payment_id"] = json!(id);
    let made = keyed(&client, "k2").post("/receipts", later).await.expect(200);
    assert_eq!(made["status"], "pending");
    simulators.advance_clock(Duration::from_secs(1));
    let receipts = client.get(&format!("/receipts?payment_id={id}")).await.expect(200);
    assert_eq!(receipts["items"][0]["status"], "succeeded");
}

#[tokio::test]
async fn refunds_stay_below_what_was_taken() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let id = confirmed(&client, "k1", payment(true), "approved").await;
    let refund = |value: &str| json!({ "payment_id": id, "amount": { "value": value, "currency": "RUB" } });
    let done = keyed(&client, "r1").post("/refunds", refund("40.00")).await.expect(200);
    assert_eq!(done["status"], "succeeded");
    keyed(&client, "r2").post("/refunds", refund("60.01")).await.expect(400);
    simulators.faults("yookassa").next(Fault::LateFailure);
    let pending = keyed(&client, "r3").post("/refunds", refund("60.00")).await.expect(200);
    simulators.advance_clock(Duration::from_secs(1));
    let path = format!("/refunds/{}", pending["id"].as_str().expect("an id"));
    assert_eq!(client.get(&path).await.expect(200)["status"], "canceled");
    keyed(&client, "r4").post("/refunds", refund("60.00")).await.expect(200);
    assert_eq!(get(&client, &id).await["refundable"], false);
    assert_eq!(simulators.ledger("yookassa").sum(Effect::Refunded, "pay_1"), 10_000);
    let listed = client.get(&format!("/refunds?payment_id={id}")).await.expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn notifications_are_unsigned_and_a_stranger_may_lie() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let receiver = Receiver::start().await;
    simulators.webhooks_to("yookassa", &receiver.url, "");
    simulators.faults("yookassa").next(Fault::ForgedWebhook);
    let id = confirmed(&client, "k1", payment(true), "declined").await;
    let received = receiver.wait_for(2).await;
    let mut told: Vec<Value> = received.iter().map(|one| one.json()["event"].clone()).collect();
    told.sort_by_key(Value::to_string);
    assert_eq!(told, [json!("payment.canceled"), json!("payment.succeeded")]);
    assert!(received.iter().all(|one| one.json()["object"]["id"] == id.as_str()));
    assert!(received.iter().all(|one| one.headers.keys().all(|name| !name.as_str().contains("sign"))));
    assert_eq!(get(&client, &id).await["status"], "canceled", "only a look tells the truth");
}

#[tokio::test]
async fn a_bank_refuses_late_or_never_answers() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    for (fault, status) in
        [(Fault::Decline, "canceled"), (Fault::LateFailure, "canceled"), (Fault::NeverFinishes, "pending")]
    {
        simulators.faults("yookassa").next_on("create_payment", fault);
        let id = confirmed(&client, fault.name(), payment(true), "approved").await;
        simulators.advance_clock(Duration::from_secs(1));
        assert_eq!(get(&client, &id).await["status"], status, "{fault}");
    }
    let mut saved = payment(true);
    saved["payment_token"] = json!("token");
    assert_eq!(
        keyed(&client, "t1").post("/payments", saved.clone()).await.expect(200)["status"],
        "succeeded"
    );
    simulators.faults("yookassa").next(Fault::ThreeDSecure);
    assert_eq!(keyed(&client, "t2").post("/payments", saved).await.expect(200)["status"], "pending");
}
