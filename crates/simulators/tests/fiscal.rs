//! Fiscal receipts after ATOL Online v4.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::{Effect, Fault, Simulators};

use crate::client::Client;
use crate::receiver::Receiver;

async fn client(simulators: &Simulators) -> Client {
    let client = Client::new(simulators.url("fiscal"));
    let token = client.post("/getToken", json!({ "login": "korob", "pass": "test_pass" })).await.expect(200);
    client.with("token", token["token"].as_str().expect("a token"))
}

fn receipt(external_id: &str) -> Value {
    json!({
        "external_id": external_id,
        "receipt": {
            "client": { "email": "a@example.org" },
            "company": { "email": "shop@example.org", "inn": "5544332219", "payment_address": "https://shop.example" },
            "items": [
                { "name": "Чай", "price": 52.05, "quantity": 2.0, "sum": 104.1, "vat": { "type": "vat20" } },
                { "name": "Сахар", "price": 33.33, "quantity": 0.3, "sum": 10, "vat": { "type": "none" } },
            ],
            "payments": [{ "type": 1, "sum": 114.1 }],
            "total": 114.1,
        },
        "service": {}, "timestamp": "22.11.2026 10:00:00",
    })
}

#[tokio::test]
async fn a_receipt_is_accepted_and_registered_once() {
    let simulators = Simulators::start().await;
    let client = client(&simulators).await;
    let accepted = client.post("/group1/sell", receipt("rcp_1")).await.expect(200);
    assert_eq!((&accepted["status"], &accepted["error"]), (&json!("wait"), &Value::Null));
    let path = format!("/group1/report/{}", accepted["uuid"].as_str().expect("a uuid"));
    assert_eq!(client.get(&path).await.expect(200)["status"], "wait");
    simulators.advance_clock(Duration::from_secs(1));
    let done = client.get(&path).await.expect(200);
    assert_eq!((&done["status"], &done["payload"]["total"]), (&json!("done"), &json!(114.1)));
    let again = client.post("/group1/sell", receipt("rcp_1")).await.expect(200);
    assert_eq!((&again["uuid"], &again["error"]["code"]), (&accepted["uuid"], &json!(33)));
    simulators.advance_clock(Duration::from_secs(1));
    // A refund of the same name, and the same name in another group, are receipts of their own.
    client.post("/group1/sell_refund", receipt("rcp_1")).await.expect(200);
    client.post("/group2/sell", receipt("rcp_1")).await.expect(200);
    simulators.advance_clock(Duration::from_secs(1));
    assert_eq!(simulators.ledger("fiscal").sum(Effect::ReceiptRegistered, "rcp_1"), 3 * 11_410);
    assert_eq!(client.get(&path.replace("group1", "group2")).await.expect(400)["error"]["code"], 34);
}

#[tokio::test]
async fn what_does_not_add_up_is_refused() {
    let simulators = Simulators::start().await;
    let client = client(&simulators).await;
    let cases = [
        ("/receipt/total", json!(114.11), "receipt.total"),
        ("/receipt/items/0/sum", json!(104.2), "receipt.items.sum"),
        ("/receipt/items/0/vat/type", json!("vat99"), "receipt.items.vat.type"),
        ("/receipt/payments", json!([]), "receipt.payments"),
        ("/receipt/client", json!({}), "receipt.client"),
        ("/receipt/company/inn", json!(""), "receipt.company"),
        ("/external_id", json!(""), "external_id"),
    ];
    for (pointer, value, path) in cases {
        let mut wrong = receipt("rcp_1");
        *wrong.pointer_mut(pointer).expect("a field") = value;
        let refused = client.post("/group1/sell", wrong).await.expect(400);
        assert_eq!(refused["error"]["text"], format!("ValidationError: {path}"));
    }
    simulators.faults("fiscal").next(Fault::Http200Error);
    let refused = client.post("/group1/sell", receipt("rcp_1")).await.expect(200);
    assert_eq!((&refused["status"], &refused["uuid"]), (&json!("fail"), &Value::Null));
}

#[tokio::test]
async fn a_register_fails_late_or_never_answers() {
    let simulators = Simulators::start().await;
    let client = client(&simulators).await;
    for (fault, status) in [(Fault::LateFailure, "fail"), (Fault::NeverFinishes, "wait")] {
        simulators.faults("fiscal").next_on("sell", fault);
        let accepted = client.post("/group1/sell", receipt(fault.name())).await.expect(200);
        simulators.advance_clock(Duration::from_secs(1));
        let path = format!("/group1/report/{}", accepted["uuid"].as_str().expect("a uuid"));
        let report = client.get(&path).await.expect(200);
        assert_eq!((&report["status"], report["error"].is_object()), (&json!(status), status == "fail"));
    }
    assert!(simulators.ledger("fiscal").entries().is_empty());
}

#[tokio::test]
async fn it_calls_back_where_the_receipt_says() {
    let simulators = Simulators::start().await;
    let client = client(&simulators).await;
    let receiver = Receiver::start().await;
    let mut request = receipt("rcp_1");
    request["service"]["callback_url"] = json!(receiver.url);
    let accepted = client.post("/group1/sell", request).await.expect(200);
    let told = receiver.wait_for(1).await[0].json();
    assert_eq!((&told["uuid"], &told["status"]), (&accepted["uuid"], &json!("done")));
}

#[tokio::test]
async fn tokens_end() {
    let simulators = Simulators::start().await;
    let client = client(&simulators).await;
    client.post("/getToken", json!({ "login": "korob", "pass": "wrong_pass" })).await.expect(401);
    client.post("/1group/sell", receipt("rcp_1")).await.expect(401);
    simulators.faults("fiscal").next(Fault::TokenExpired);
    let refused = client.post("/group1/sell", receipt("rcp_1")).await.expect(401);
    assert_eq!(refused["error"]["code"], 11);
    let client = self::client(&simulators).await;
    simulators.advance_clock(Duration::from_secs(86_401));
    client.post("/group1/sell", receipt("rcp_1")).await.expect(401);
}
