//! What broken and hostile clients send is answered with a clear 4xx, and never with a 5xx.

use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::suite::{Mode, Suite};

#[tokio::test(flavor = "multi_thread")]
async fn bad_orders_are_refused_with_reason_and_field() {
    let suite = Suite::start(Mode::OneProcess).await;
    suite.stock("MUG", 5).await;
    let good = suite.order("MUG", 1).to_string();
    let with = |field: &str, value: Value| {
        let mut order: Value = suite.order("MUG", 1);
        *order.pointer_mut(field).unwrap() = value;
        order.to_string()
    };
    let quantity = "/lines/0/quantity";
    let two_mebibytes = json!({ "comment": "x".repeat(2 * 1024 * 1024) }).to_string();
    for (name, body, status) in [
        ("bad JSON", "{\"shopId\":".to_owned(), 400),
        ("trailing text", format!("{good} x"), 400),
        ("an array", "[]".to_owned(), 400),
        ("nothing", String::new(), 400),
        ("a wrong type", with(quantity, json!("many")), 400),
        ("a fraction", with(quantity, json!(1.5)), 400),
        ("a negative quantity", with(quantity, json!(-1)), 400),
        ("zero", with(quantity, json!(0)), 400),
        ("a huge quantity", with(quantity, json!(i64::MAX)), 400),
        ("a number without end", with(quantity, Value::Null).replace("null", "1e400"), 400),
        ("an unknown field", good.replacen("{", "{\"colour\":\"red\",", 1), 400),
        ("a duplicate key", good.replacen("{", "{\"shopId\":\"x\",", 1), 400),
        ("a key in both spellings", good.replacen("{", "{\"shop_id\":\"x\",", 1), 400),
        ("NUL in a name", with("/contact/name", json!("a\u{0}b")), 400),
        ("a lone surrogate", with("/contact/name", json!("@")).replace('@', "\\ud800"), 400),
        ("an unknown SKU format", with("/lines/0/sku", json!("x".repeat(65))), 400),
        ("no lines", with("/lines", json!([])), 400),
        ("a malformed id", with("/delivery/deliveryMethodId", json!("dlm_1")), 400),
        ("an unknown enum value", with("/method", json!("ORDER_METHOD_PIGEON")), 400),
        ("deep nesting", "[".repeat(100_000), 400),
        ("2 MiB", two_mebibytes, 413),
    ] {
        let (answered, problem) = post(&suite, &body).await;
        assert_eq!(answered, status, "{name}: {problem}");
        let reason = problem["reason"].as_str().unwrap_or_default();
        let screaming =
            !reason.is_empty() && reason.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_');
        assert!(screaming, "{name}: {problem}");
    }
    for (name, body, field) in [
        ("a negative quantity", with(quantity, json!(-1)), "quantity"),
        ("an unknown field", good.replacen("{", "{\"colour\":\"red\",", 1), "colour"),
        ("an unknown currency", good.replacen("{", "{\"currencyCode\":\"XYZ\",", 1), "currency"),
        ("NUL in a name", with("/contact/name", json!("a\u{0}b")), "name"),
    ] {
        let (status, problem) = post(&suite, &body).await;
        assert_eq!(status, 400, "{name}: {problem}");
        assert!(
            problem["errors"].to_string().to_lowercase().contains(field),
            "{name} names its field: {problem}"
        );
    }
    assert_eq!(
        suite.number("orders", "SELECT count(*) FROM orders").await,
        0,
        "nothing of it became an order"
    );
    suite.stop().await;
}

async fn post(suite: &Suite, body: &str) -> (u16, Value) {
    let request = Request::builder()
        .method(Method::POST)
        .uri("/v1/orders")
        .header("content-type", "application/json")
        .header("idempotency-key", uuid::Uuid::new_v4().to_string());
    let answer = suite.rest.send_raw(request, body.as_bytes().to_vec()).await.unwrap();
    assert!(answer.status != StatusCode::INTERNAL_SERVER_ERROR, "{}", answer.body);
    (answer.status.as_u16(), answer.body)
}
