//! Statuses, headers and problems of answers.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use http::Method;
use proto::orders::v1::{
    CancelOrderRequest, GetOrderRequest, Order, OrderState, PlaceOrderRequest, PlaceOrderResponse,
};
use rpc::Fault;
use tonic::{Code, Status};

use crate::shop::Shop;

const PLACE: &str = "/korob.orders.v1.OrderService/PlaceOrder";
const GET: &str = "/korob.orders.v1.OrderService/GetOrder";
const CANCEL: &str = "/korob.orders.v1.OrderService/CancelOrder";

#[tokio::test]
async fn an_order_is_placed_pending_or_there_already() {
    let cases = [
        (OrderState::New, false, 201, ""),
        (OrderState::Placing, false, 202, "1"),
        (OrderState::New, true, 200, ""),
        (OrderState::Placing, true, 202, "1"),
    ];
    for (state, existing, status, retry_after) in cases {
        let shop = Shop::open().await;
        shop.fakes.answer(PLACE, move |_: PlaceOrderRequest| {
            Ok(PlaceOrderResponse {
                order_id: "ord_1".into(),
                state: state.into(),
                existing,
                ..Default::default()
            })
        });
        let answer = shop.post("/v1/orders", "{}").await;
        assert_eq!(answer.status, status);
        assert_eq!(
            (answer.header("location"), answer.header("retry-after")),
            ("/v1/orders/ord_1", retry_after)
        );
        assert_eq!(answer.json()["state"], state.as_str_name());
    }
}

#[tokio::test]
async fn resources_carry_their_etag_and_head_carries_no_body() {
    let shop = Shop::open().await;
    shop.fakes.answer(GET, |request: GetOrderRequest| {
        Ok(Order { order_id: request.order_id, etag: "7".into(), ..Default::default() })
    });
    let get = shop.get("/v1/orders/ord_1").await;
    assert_eq!((get.status.as_u16(), get.header("etag")), (200, "\"7\""));
    assert_eq!(get.header("content-type"), "application/json");
    assert_eq!(get.header("x-content-type-options"), "nosniff");
    assert_eq!(get.header("cache-control"), "no-store");
    let head = shop.ask(Method::HEAD, "/v1/orders/ord_1").send().await;
    assert_eq!((head.status, head.text.as_str()), (get.status, ""));
    assert_eq!(head.header("content-length"), get.text.len().to_string());
}

#[tokio::test]
async fn creating_says_where() {
    let shop = Shop::open().await;
    shop.add_key("other", &["access.write"], 10);
    shop.fakes.answer(
        "/korob.access.v1.AccessService/CreateShop",
        |_: proto::access::v1::CreateShopRequest| {
            Ok(proto::access::v1::Shop { shop_id: "shp_9".into(), ..Default::default() })
        },
    );
    let asking = shop.ask_anonymously(Method::POST, "/v1/shops").header("authorization", "bearer other");
    let answer = asking.json(r#"{"shop": {}}"#).send().await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (201, "/v1/shops/shp_9"));
}

#[tokio::test]
async fn refusals_keep_reason_fields_and_facts() {
    let shop = Shop::open().await;
    shop.fakes.answer::<_, Order>(CANCEL, |request: CancelOrderRequest| {
        Err(match request.reason.as_str() {
            "field" => Fault::invalid(&rpc::Invalid::field(
                "lines[2].unit_price.currency_code",
                "MALFORMED",
                "no such currency",
            ))
            .into(),
            "state" => Fault::new(Code::FailedPrecondition, "ORDER_SHIPPED", "it has left")
                .with("order_id", "ord_1")
                .into(),
            "reused" => {
                Fault::new(Code::FailedPrecondition, "IDEMPOTENCY_KEY_REUSED", "another request").into()
            }
            "in_use" => Fault::new(Code::Aborted, "IDEMPOTENCY_KEY_IN_USE", "still running").into(),
            "holds" => Fault::new(Code::ResourceExhausted, "TOO_MANY_HOLDS", "too many").into(),
            "busy" => Fault::new(Code::ResourceExhausted, "BUSY", "busy")
                .retry_after(Duration::from_millis(2500))
                .into(),
            "plain" => Status::not_found("there is no such order"),
            "down" => Status::unavailable("the service could not be reached"),
            "late" => Status::deadline_exceeded("too late"),
            _ => Status::internal("SELECT * FROM orders at /srv/db failed: password=hunter2"),
        })
    });
    let cancel = async |reason: &str| {
        shop.post("/v1/orders/ord_1/cancel", format!(r#"{{"reason": "{reason}"}}"#)).await
    };

    let problem = cancel("field").await.expect_problem(400, "MALFORMED");
    assert_eq!(problem["errors"][0]["field"], "lines[2].unitPrice.currencyCode");
    assert_eq!(problem["errors"][0]["message"], "no such currency");
    assert_eq!(problem["detail"], "lines[2].unitPrice.currencyCode: no such currency");
    let problem = cancel("state").await.expect_problem(409, "ORDER_SHIPPED");
    assert_eq!(problem["metadata"]["order_id"], "ord_1");
    cancel("reused").await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    let in_use = cancel("in_use").await;
    in_use.expect_problem(409, "IDEMPOTENCY_KEY_IN_USE");
    assert_eq!(in_use.header("retry-after"), "1");
    let busy = cancel("busy").await;
    busy.expect_problem(503, "BUSY");
    cancel("holds").await.expect_problem(429, "TOO_MANY_HOLDS");
    assert_eq!(busy.header("retry-after"), "3");
    cancel("plain").await.expect_problem(404, "NOT_FOUND");
    assert_eq!(cancel("down").await.header("retry-after"), "1");
    cancel("down").await.expect_problem(503, "UNAVAILABLE");
    cancel("late").await.expect_problem(504, "DEADLINE_EXCEEDED");
    let internal = cancel("bug").await;
    internal.expect_problem(500, "INTERNAL");
    assert!(!internal.text.contains("SELECT") && !internal.text.contains("hunter2"), "{}", internal.text);
}

#[tokio::test]
async fn a_service_that_could_not_be_reached_is_asked_again_within_a_budget() {
    let shop = Shop::open_with(|settings| settings.limits.repeats_percent_max = 100).await;
    let failures = AtomicU32::new(1);
    shop.fakes.answer(GET, move |_: GetOrderRequest| {
        let fails = failures.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
        if fails { Err(Status::unavailable("restarting")) } else { Ok(Order::default()) }
    });
    assert_eq!(shop.get("/v1/orders/o").await.status, 200);
    assert_eq!(shop.fakes.asked(GET).len(), 2);

    shop.fakes.answer::<GetOrderRequest, Order>(GET, |_| Err(Status::unavailable("down")));
    shop.get("/v1/orders/o").await.expect_problem(503, "UNAVAILABLE");
    assert_eq!(shop.fakes.asked(GET).len(), 2 + 2, "one call earned one repeat");
}

#[tokio::test]
async fn unknown_paths_and_other_methods() {
    let shop = Shop::open().await;
    shop.get("/v1/ordres").await.expect_problem(404, "UNKNOWN_PATH");
    shop.get("/").await.expect_problem(404, "UNKNOWN_PATH");
    let delete = shop.ask(Method::DELETE, "/v1/orders/ord_1").send().await;
    delete.expect_problem(405, "METHOD_NOT_ALLOWED");
    assert_eq!(delete.header("allow"), "GET, HEAD, OPTIONS, PATCH");
    let trace = shop.ask(Method::TRACE, "/v1/orders").send().await;
    trace.expect_problem(405, "METHOD_NOT_ALLOWED");
    assert_eq!(trace.header("allow"), "GET, HEAD, OPTIONS, POST");
    let options = shop.ask_anonymously(Method::OPTIONS, "/v1/orders").send().await;
    assert_eq!((options.status.as_u16(), options.header("allow")), (204, "GET, HEAD, OPTIONS, POST"));
    // Methods inside the suite have no path at all.
    shop.ask(Method::POST, "/korob.orders.v1.OrderService/PlaceOrder")
        .send()
        .await
        .expect_problem(404, "UNKNOWN_PATH");
}

#[tokio::test]
async fn only_listed_origins_may_call_from_a_page() {
    let shop = Shop::open_with(|settings| settings.cors_origins = vec!["https://shop.example".into()]).await;
    let ask = |origin: &str| {
        shop.ask_anonymously(Method::OPTIONS, "/v1/orders")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .send()
    };
    assert_eq!(
        ask("https://shop.example").await.header("access-control-allow-origin"),
        "https://shop.example"
    );
    assert_eq!(ask("https://evil.example").await.header("access-control-allow-origin"), "");
}
