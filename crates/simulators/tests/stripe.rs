//! Stripe's PaymentIntents.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::{Effect, Fault, Simulators};

use crate::client::{Client, Reply};
use crate::receiver::Receiver;

fn client(simulators: &Simulators) -> Client {
    Client::new(simulators.url("stripe")).bearer("sk_test_korob")
}

const INTENTS: &str = "/v1/payment_intents";

fn intent(more: &str) -> String {
    format!("amount=10400&currency=eur&metadata[payment_id]=pay_1{more}")
}

fn id(reply: &Value) -> String {
    reply["id"].as_str().expect("an id").to_owned()
}

/// A paid intent.
async fn paid(client: &Client) -> Value {
    client.form(INTENTS, &intent("&confirm=true&payment_method=pm_card_visa")).await.expect(200)
}

#[tokio::test]
async fn an_intent_passes_its_states() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let made = client.form(INTENTS, &intent("")).await.expect(200);
    assert_eq!(
        (&made["object"], &made["status"]),
        (&json!("payment_intent"), &json!("requires_payment_method"))
    );
    assert_eq!((&made["livemode"], &made["metadata"]), (&json!(false), &json!({ "payment_id": "pay_1" })));
    let path = format!("{INTENTS}/{}", id(&made));
    let refused = client.form(&format!("{path}/confirm"), "").await.expect(400);
    assert_eq!(refused["error"]["payment_intent"]["id"], made["id"]);
    let done = client.form(&format!("{path}/confirm"), "payment_method=pm_card_visa").await.expect(200);
    assert_eq!((&done["status"], &done["amount_received"]), (&json!("succeeded"), &json!(10_400)));
    assert_eq!(client.get(&path).await.expect(200), done);
    let refused = client.form(&format!("{path}/cancel"), "").await.expect(400);
    assert_eq!(refused["error"]["code"], "payment_intent_unexpected_state");
    assert_eq!(simulators.ledger("stripe").sum(Effect::Captured, "pay_1"), 10_400);
    let with_method = client.form(INTENTS, &intent("&payment_method=pm_card_visa")).await.expect(200);
    assert_eq!(with_method["status"], "requires_confirmation");
    let canceled = client.form(&format!("{INTENTS}/{}/cancel", id(&with_method)), "").await.expect(200);
    assert_eq!(canceled["status"], "canceled");
}

#[tokio::test]
async fn a_declined_card_is_402_and_may_be_tried_again() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let cases = [
        ("pm_card_chargeDeclined", "card_declined", json!("generic_decline")),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", json!("insufficient_funds")),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", Value::Null),
    ];
    for (method, code, decline) in cases {
        let request = intent(&format!("&confirm=true&payment_method={method}"));
        let refused = client.form(INTENTS, &request).await.expect(402);
        let error = &refused["error"];
        assert_eq!(
            (&error["type"], &error["code"], &error["decline_code"]),
            (&json!("card_error"), &json!(code), &decline)
        );
        assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
        let path = format!("{INTENTS}/{}/confirm", id(&error["payment_intent"]));
        let retried = client.form(&path, "payment_method=pm_card_visa").await.expect(200);
        assert_eq!((&retried["status"], &retried["last_payment_error"]), (&json!("succeeded"), &Value::Null));
    }
    let unknown = client.form(INTENTS, &intent("&confirm=true&payment_method=card_1")).await.expect(404);
    assert_eq!(unknown["error"]["code"], "resource_missing");
}

#[tokio::test]
async fn the_bank_is_asked_on_its_page() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    for (result, status, told) in
        [("approved", "succeeded", "succeeded"), ("declined", "requires_payment_method", "failed")]
    {
        let more = "&confirm=true&payment_method=pm_card_authenticationRequired&return_url=https://shop.example/back";
        let made = client.form(INTENTS, &intent(more)).await.expect(200);
        assert_eq!(made["status"], "requires_action");
        let page = made["next_action"]["redirect_to_url"]["url"].as_str().expect("a page");
        assert_eq!(client.get(page).await.status, 200);
        let ended: Reply = client.form(page, &format!("result={result}")).await;
        assert_eq!(ended.status, 303);
        let location = ended.header("location");
        assert!(location.starts_with("https://shop.example/back?payment_intent=pi_"), "{location}");
        assert!(location.ends_with(&format!("redirect_status={told}")), "{location}");
        let after = client.get(&format!("{INTENTS}/{}", id(&made))).await.expect(200);
        assert_eq!((&after["status"], &after["next_action"]), (&json!(status), &Value::Null));
    }
}

#[tokio::test]
async fn a_reserved_sum_is_captured_in_part_or_let_go() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let manual = intent("&confirm=true&payment_method=pm_card_visa&capture_method=manual");
    let made = client.form(INTENTS, &manual).await.expect(200);
    assert_eq!((&made["status"], &made["amount_capturable"]), (&json!("requires_capture"), &json!(10_400)));
    let path = format!("{INTENTS}/{}/capture", id(&made));
    let refused = client.form(&path, "amount_to_capture=10401").await.expect(400);
    assert_eq!(refused["error"]["code"], "amount_too_large");
    let taken = client.form(&path, "amount_to_capture=5000").await.expect(200);
    assert_eq!((&taken["status"], &taken["amount_received"]), (&json!("succeeded"), &json!(5_000)));
    client.form(&path, "").await.expect(400);

    let made = client.form(INTENTS, &manual).await.expect(200);
    let path = format!("{INTENTS}/{}/cancel", id(&made));
    client.form(&path, "cancellation_reason=boredom").await.expect(400);
    let canceled = client.form(&path, "cancellation_reason=requested_by_customer").await.expect(200);
    assert_eq!(canceled["cancellation_reason"], "requested_by_customer");
    let left = client.form(INTENTS, &manual).await.expect(200);
    simulators.advance_clock(Duration::from_secs(7 * 86_400 + 1));
    let after = client.get(&format!("{INTENTS}/{}", id(&left))).await.expect(200);
    assert_eq!(after["cancellation_reason"], "automatic");
    assert_eq!(simulators.ledger("stripe").count(Effect::Voided, "pay_1"), 2);
}

#[tokio::test]
async fn a_key_is_replayed_and_refuses_other_parameters() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let request = intent("&confirm=true&payment_method=pm_card_visa");
    let first = client.key("k1").form(INTENTS, &request).await;
    assert_eq!(first.header("idempotent-replayed"), "");
    let again = client.key("k1").form(INTENTS, &request).await;
    assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", &first.body));
    let other = client.key("k1").form(INTENTS, &intent("")).await.expect(400);
    assert_eq!(other["error"]["type"], "idempotency_error");
    simulators.faults("stripe").next(Fault::InProgress);
    let running = client.key("k1").form(INTENTS, &request).await.expect(409);
    assert_eq!(running["error"]["code"], "idempotency_key_in_use");
    assert_eq!(simulators.ledger("stripe").count(Effect::Captured, "pay_1"), 1);

    // A declined card used the key up; a wrong parameter did not.
    let declined = intent("&confirm=true&payment_method=pm_card_chargeDeclined");
    for _ in 0..2 {
        client.key("k2").form(INTENTS, &declined).await.expect(402);
    }
    client.key("k3").form(INTENTS, "amount=1&currency=eur").await.expect(400);
    client.key("k3").form(INTENTS, &request).await.expect(200);
    let list = client.get(&format!("{INTENTS}?limit=2")).await.expect(200);
    assert_eq!((list["data"].as_array().map(Vec::len), &list["has_more"]), (Some(2), &json!(true)));
    let last = id(&list["data"][1]);
    let next = client.get(&format!("{INTENTS}?limit=2&starting_after={last}")).await.expect(200);
    assert_eq!((next["data"].as_array().map(Vec::len), &next["has_more"]), (Some(1), &json!(false)));
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let cases = [
        ("currency=eur", "parameter_missing", "amount"),
        ("amount=100", "parameter_missing", "currency"),
        ("amount=10.5&currency=eur", "parameter_invalid_integer", "amount"),
        ("amount=49&currency=eur", "amount_too_small", "amount"),
        ("amount=100000000&currency=eur", "amount_too_large", "amount"),
        ("amount=100&currency=eur&sum=1", "parameter_unknown", "sum"),
        ("amount=100&currency=eur&return_url=https://a", "parameter_invalid", "return_url"),
    ];
    for (form, code, param) in cases {
        let refused = client.form(INTENTS, form).await.expect(400);
        assert_eq!((&refused["error"]["code"], &refused["error"]["param"]), (&json!(code), &json!(param)));
    }
    client.post(INTENTS, json!({ "amount": 100, "currency": "eur" })).await.expect(400);
    client.bearer("pk_test_x").get(INTENTS).await.expect(401);
    let foreign = id(&paid(&client).await);
    client.bearer("sk_test_other").get(&format!("{INTENTS}/{foreign}")).await.expect(404);
}

#[tokio::test]
async fn refunds_stay_below_what_was_taken() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let made = id(&paid(&client).await);
    let refund = |amount: &str| format!("payment_intent={made}{amount}");
    let done = client.key("r1").form("/v1/refunds", &refund("&amount=400")).await.expect(200);
    assert_eq!((&done["status"], &done["amount"]), (&json!("succeeded"), &json!(400)));
    let refused = client.form("/v1/refunds", &refund("&amount=10001")).await.expect(400);
    assert_eq!(refused["error"]["code"], "amount_too_large");
    simulators.faults("stripe").next(Fault::LateFailure);
    let pending = client.form("/v1/refunds", &refund("&amount=10000")).await.expect(200);
    assert_eq!(pending["status"], "pending");
    simulators.advance_clock(Duration::from_secs(1));
    let failed = client.get(&format!("/v1/refunds/{}", id(&pending))).await.expect(200);
    assert_eq!(failed["status"], "failed");
    assert_eq!(client.form("/v1/refunds", &refund("")).await.expect(200)["amount"], 10_000);
    let refused = client.form("/v1/refunds", &refund("")).await.expect(400);
    assert_eq!(refused["error"]["code"], "charge_already_refunded");
    let listed = client.get(&format!("/v1/refunds?payment_intent={made}&limit=2")).await.expect(200);
    assert_eq!(listed["has_more"], true);
    assert_eq!(simulators.ledger("stripe").sum(Effect::Refunded, "pay_1"), 10_400);
}

#[tokio::test]
async fn search_lags_behind() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let made = paid(&client).await;
    let search = format!("{INTENTS}/search?query=metadata%5B'payment_id'%5D%3A'pay_1'");
    assert_eq!(client.get(&search).await.expect(200)["data"], json!([]));
    simulators.advance_clock(Duration::from_secs(61));
    assert_eq!(client.get(&search).await.expect(200)["data"], json!([made]));
}

#[tokio::test]
async fn events_are_signed_filtered_and_kept() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    let receiver = Receiver::start().await;
    let form = format!(
        "url={}&enabled_events[]=payment_intent.succeeded&enabled_events[]=charge.refunded",
        receiver.url
    );
    let endpoint = client.form("/v1/webhook_endpoints", &form).await.expect(200);
    let secret = endpoint["secret"].as_str().expect("a secret");
    let made = paid(&client).await;
    client.form("/v1/refunds", &format!("payment_intent={}", id(&made))).await.expect(200);
    let received = receiver.wait_for(2).await;
    for one in &received {
        let header = one.header("stripe-signature");
        let (time, signature) = header.split_once(',').expect("two parts");
        let head = format!("{}.", time.strip_prefix("t=").expect("a time"));
        let expected = crate::webhooks::hmac(secret, head.as_bytes(), &one.body);
        assert_eq!(signature, format!("v1={expected}"));
        let event = one.json();
        assert_eq!(client.get(&format!("/v1/events/{}", id(&event))).await.expect(200), event);
    }
    let all = client.get("/v1/events?type=payment_intent.created").await.expect(200);
    assert_eq!(all["data"].as_array().map(Vec::len), Some(1));
    client.delete(&format!("/v1/webhook_endpoints/{}", id(&endpoint))).await.expect(200);
    paid(&client).await;
    assert_eq!(receiver.settled().await.len(), 2);
}

#[tokio::test]
async fn a_bank_may_refuse_late_or_never_answer() {
    let simulators = Simulators::start().await;
    let client = client(&simulators);
    for (fault, after) in
        [(Fault::LateFailure, "requires_payment_method"), (Fault::NeverFinishes, "processing")]
    {
        simulators.faults("stripe").next_on("create_payment_intent", fault);
        let made = paid(&client).await;
        assert_eq!(made["status"], "processing");
        simulators.advance_clock(Duration::from_secs(1));
        let path = format!("{INTENTS}/{}", id(&made));
        assert_eq!(client.get(&path).await.expect(200)["status"], after);
    }
    simulators.faults("stripe").next(Fault::Decline).next(Fault::ThreeDSecure);
    let request = intent("&confirm=true&payment_method=pm_card_visa");
    client.form(INTENTS, &request).await.expect(402);
    assert_eq!(client.form(INTENTS, &request).await.expect(200)["status"], "requires_action");
    assert!(simulators.ledger("stripe").entries().is_empty());
}
