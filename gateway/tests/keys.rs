//! Who may call, how often, and what.

use std::time::Duration;

use http::Method;
use proto::orders::v1::{GetOrderRequest, Order};

use crate::shop::{SECRET, Shop};

const GET: &str = "/korob.orders.v1.OrderService/GetOrder";

async fn open() -> Shop {
    let shop = Shop::open().await;
    shop.fakes.answer(GET, |_: GetOrderRequest| Ok(Order::default()));
    shop
}

#[tokio::test]
async fn a_key_is_needed() {
    let shop = open().await;
    let ask =
        |value: &str| shop.ask_anonymously(Method::GET, "/v1/orders/o").header("authorization", value).send();
    let none = shop.ask_anonymously(Method::GET, "/v1/orders/o").send().await;
    none.expect_problem(401, "KEY_REQUIRED");
    assert_eq!(none.header("www-authenticate"), "Bearer realm=\"korob\"");
    ask("Basic dTpw").await.expect_problem(401, "KEY_REQUIRED");
    ask("Bearer ").await.expect_problem(401, "KEY_REQUIRED");
    ask("Bearer wrong").await.expect_problem(401, "KEY_INVALID");
    let twice = shop.ask(Method::GET, "/v1/orders/o").header("authorization", "Bearer wrong").send().await;
    twice.expect_problem(401, "KEY_REQUIRED");
    assert_eq!(ask(&format!("Bearer {SECRET}")).await.status, 200);
}

#[tokio::test]
async fn a_scope_is_needed() {
    let shop = open().await;
    shop.add_key("reader", &["catalog.read"], 100);
    let asking = shop.ask_anonymously(Method::GET, "/v1/orders/o").header("authorization", "Bearer reader");
    let problem = asking.send().await.expect_problem(403, "SCOPE_MISSING");
    assert_eq!(problem["metadata"]["scope"], "orders.read");
    assert!(shop.fakes.asked(GET).is_empty());
}

#[tokio::test]
async fn requests_that_come_at_once_share_one_question() {
    let shop = open().await;
    let answers = futures_util::future::join_all((0..50).map(|_| shop.get("/v1/orders/o"))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(shop.key_questions(), 1);
}

#[tokio::test]
async fn verdicts_are_trusted_for_a_while_only() {
    let shop = Shop::open_with(|settings| settings.limits.key_trust_ms_max = 300).await;
    shop.fakes.answer(GET, |_: GetOrderRequest| Ok(Order::default()));
    for _ in 0..5 {
        assert_eq!(shop.get("/v1/orders/o").await.status, 200);
    }
    assert_eq!(shop.key_questions(), 1);
    shop.revoke_keys();
    tokio::time::sleep(Duration::from_millis(350)).await;
    shop.get("/v1/orders/o").await.expect_problem(401, "KEY_INVALID");
    shop.get("/v1/orders/o").await.expect_problem(401, "KEY_INVALID");
    assert_eq!(shop.key_questions(), 2);
}

#[tokio::test]
async fn guessing_ends_and_working_keys_go_on() {
    let shop = open().await;
    assert_eq!(shop.get("/v1/orders/o").await.status, 200);
    let guess = |secret: String| {
        shop.ask_anonymously(Method::GET, "/v1/orders/o")
            .header("authorization", &format!("Bearer {secret}"))
            .send()
    };
    for at in 0..20 {
        guess(format!("guess-{at}")).await.expect_problem(401, "KEY_INVALID");
    }
    let locked = guess("guess-20".into()).await;
    locked.expect_problem(429, "TOO_MANY_WRONG_KEYS");
    assert!(locked.header("retry-after").parse::<u64>().unwrap() <= 60);
    assert_eq!(shop.key_questions(), 21);
    assert_eq!(shop.get("/v1/orders/o").await.status, 200);
}

#[tokio::test]
async fn behind_a_trusted_proxy_every_client_counts_for_itself() {
    let shop =
        Shop::open_with(|settings| settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let guess = |at: u32, chain: &str| {
        shop.ask_anonymously(Method::GET, "/v1/orders/o")
            .header("authorization", &format!("Bearer guess-{at}"))
            .header("x-forwarded-for", chain)
            .send()
    };
    for at in 0..20 {
        // What a client claims before the proxy's own entry counts for nothing.
        guess(at, &format!("10.0.0.{at}, 203.0.113.7, 127.0.0.9")).await.expect_problem(401, "KEY_INVALID");
    }
    guess(20, "203.0.113.7").await.expect_problem(429, "TOO_MANY_WRONG_KEYS");
    guess(21, "203.0.113.8").await.expect_problem(401, "KEY_INVALID");
}

#[tokio::test]
async fn a_key_keeps_to_its_rate() {
    let shop = open().await;
    shop.add_key("slow", &["orders.read"], 2);
    let ask =
        || shop.ask_anonymously(Method::GET, "/v1/orders/o").header("authorization", "Bearer slow").send();
    for _ in 0..4 {
        assert_eq!(ask().await.status, 200);
    }
    let refused = ask().await;
    refused.expect_problem(429, "RATE_LIMITED");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(shop.get("/v1/orders/o").await.status, 200);
}

#[tokio::test]
async fn without_the_access_service_nobody_is_let_in() {
    let shop = open().await;
    shop.fakes.answer::<proto::access::v1::AuthenticateKeyRequest, proto::access::v1::ApiKey>(
        "/korob.access.v1.AccessService/AuthenticateKey",
        |_| Err(tonic::Status::unavailable("down")),
    );
    let answer = shop.get("/v1/orders/o").await;
    answer.expect_problem(503, "UNAVAILABLE");
    assert_eq!(answer.header("retry-after"), "1");
}
