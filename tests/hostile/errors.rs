//! Every class of refusal and failure: a problem with a stable reason, the headers that browsers need, and nothing of what is
//! inside. (S27)

use http::Method;
use serde_json::json;

use crate::belongings::Belongings;
use crate::client::{Answer, Client};
use crate::suite::Suite;

/// What only stands in our own logs.
const INSIDE: [&str; 20] = [
    "SELECT ",
    "INSERT ",
    "UPDATE ",
    "FROM ",
    "relation",
    "column ",
    "constraint",
    "diesel",
    "postgres",
    "tokio",
    "hyper",
    "tonic",
    "prost",
    ".rs",
    "panicked",
    "backtrace",
    "127.0.0.1",
    "localhost",
    "/root",
    "/tmp",
];
/// What a problem consists of.
const PARTS: [&str; 8] = ["type", "title", "status", "detail", "reason", "request_id", "errors", "metadata"];
const HEADERS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
];

pub async fn of_every_class(suite: &Suite, shop: &Belongings) {
    let client = Client::new(suite.url());
    let key = Some(shop.key.as_str());
    let ask = async |method: Method, path: &str, key: Option<&str>, body: Option<serde_json::Value>| {
        client.ask(&method, path, key, body.as_ref()).await
    };
    let order = format!("/v1/orders/{}", shop.id("ord"));
    let stale = json!({ "order": { "comment": "x", "etag": "stale" }, "updateMask": "comment" });
    let authorization = format!("Bearer {}", shop.key);
    let with = async |method: Method, path: &str, more: &[(&str, &str)], body: &str| {
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let named = |name: &str| more.iter().any(|(other, _)| *other == name);
        let headers = headers.into_iter().filter(|(name, _)| !named(name)).chain(more.iter().copied());
        let headers = headers.map(|(name, value)| (name, value.to_owned())).collect::<Vec<_>>();
        client.send(&method, path, headers, body.as_bytes().to_vec()).await
    };
    let cart = shop.order("MUG", "cash_on_delivery").to_string();
    let used = [("idempotency-key", "used-once")];
    assert_eq!(with(Method::POST, "/v1/orders", &used, &cart).await.status, 201);
    let long = format!("/v1/orders/{}", "x".repeat(10_000));
    let answers = [
        (400, ask(Method::POST, "/v1/orders", key, Some(json!({ "colour": "red" }))).await),
        (400, with(Method::POST, "/v1/orders", &[("idempotency-key", "a")], "{").await),
        (400, ask(Method::GET, "/v1/orders/'%22%3C%2e%2e%2fetc", key, None).await),
        (400, ask(Method::GET, &long, key, None).await),
        (400, ask(Method::GET, "/v1/orders?pageToken=%27%20OR%201%3D1", key, None).await),
        (401, ask(Method::GET, "/v1/orders", None, None).await),
        (403, ask(Method::GET, "/v1/buyer/orders", key, None).await),
        (404, ask(Method::GET, "/v1/../../etc/passwd", key, None).await),
        (404, ask(Method::GET, "/v1/orders/ord_0192f0a1b2c3d4e5f60718293a4b5c6d", key, None).await),
        (405, ask(Method::DELETE, &order, key, None).await),
        (405, ask(Method::TRACE, &order, key, None).await),
        (409, ask(Method::PATCH, &order, key, Some(stale)).await),
        (
            412,
            with(
                Method::PATCH,
                &order,
                &[("if-match", "\"stale\""), ("idempotency-key", "b")],
                "{\"order\":{\"comment\":\"x\"},\"updateMask\":\"comment\"}",
            )
            .await,
        ),
        (413, with(Method::POST, "/v1/orders", &[], &" ".repeat(2 * 1024 * 1024)).await),
        (415, with(Method::POST, "/v1/orders", &[("content-type", "text/plain")], "{}").await),
        (415, with(Method::POST, "/v1/orders", &[("content-encoding", "gzip")], "\u{1f}").await),
        (422, with(Method::POST, "/v1/orders", &used, &cart.replace("MUG", "CUP")).await),
    ];
    for (status, answer) in answers {
        assert_eq!(answer.status, status, "{}", answer.text);
        is_clean(&answer);
    }
    our_own_failure(suite, shop).await;
    a_service_without_its_database(suite, shop).await;
}

/// A table is away: only the log says so.
async fn our_own_failure(suite: &Suite, shop: &Belongings) {
    let database = suite.database("orders").await;
    database.batch_execute("ALTER TABLE returns RENAME TO returns_that_are_away").await.unwrap();
    let answer = shop.client.ask(&Method::GET, "/v1/returns", Some(&shop.key), None).await;
    database.batch_execute("ALTER TABLE returns_that_are_away RENAME TO returns").await.unwrap();
    assert_eq!(answer.verdict(), (500, "INTERNAL"), "{}", answer.text);
    assert!(answer.body.get("metadata").is_none(), "{}", answer.text);
    is_clean(&answer);
    assert!(suite.log().contains("returns"), "the operator finds it in the log");
    assert_eq!(shop.client.ask(&Method::GET, "/v1/returns", Some(&shop.key), None).await.status, 200);
}

/// A database that takes no connections is told from a mistake, and is asked again.
async fn a_service_without_its_database(suite: &Suite, shop: &Belongings) {
    let database = suite.database("delivery").await;
    let other = suite.database("orders").await;
    let name: String = database.query_one("SELECT current_database()::text", &[]).await.unwrap().get(0);
    let connections =
        format!("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'");
    other
        .batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false; {connections}"))
        .await
        .unwrap();
    let answer = shop.client.ask(&Method::GET, "/v1/shipments", Some(&shop.key), None).await;
    other.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await.unwrap();
    assert!(matches!(answer.status.as_u16(), 503 | 504), "{} {}", answer.status, answer.text);
    is_clean(&answer);
    testing::eventually("it is back", async || {
        let answer = shop.client.ask(&Method::GET, "/v1/shipments", Some(&shop.key), None).await;
        (answer.status == 200).then_some(())
    })
    .await;
}

/// A problem, the headers, and nothing of the inside.
fn is_clean(answer: &Answer) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.text);
    for (name, value) in HEADERS {
        assert_eq!(answer.header(name), value, "{name}: {}", answer.text);
    }
    assert!(answer.headers.get("server").is_none() && !answer.header("x-request-id").is_empty());
    let parts = answer.body.as_object().unwrap_or_else(|| panic!("no problem: {}", answer.text));
    for part in parts.keys() {
        assert!(PARTS.contains(&part.as_str()), "{part} is no part of a problem: {}", answer.text);
    }
    assert_eq!(answer.body["status"], answer.status.as_u16());
    let (_, reason) = answer.verdict();
    assert!(
        !reason.is_empty() && reason.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'),
        "{reason}"
    );
    let told = answer.text.replace("\"detail\":\"there is no such path; /docs shows", "");
    for inside in INSIDE {
        assert!(!told.contains(inside), "{inside:?} is told: {}", answer.text);
    }
    if matches!(answer.status.as_u16(), 429 | 503) {
        assert!(!answer.header("retry-after").is_empty(), "{}", answer.text);
    }
}
