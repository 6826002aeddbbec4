//! A call is repeated rarely, briefly and only when that may help.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use http::Method;
use proto::orders::v1::{GetOrderRequest, Order, PlaceOrderRequest, PlaceOrderResponse};
use rpc::Fault;
use tonic::{Code, Status};

use crate::shop::Shop;

const PLACE: &str = "/korob.orders.v1.OrderService/PlaceOrder";
const GET: &str = "/korob.orders.v1.OrderService/GetOrder";
const REQUESTS: usize = 400;

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_not_made_worse() {
    let shop = open().await;
    shop.fakes.answer::<GetOrderRequest, Order>(GET, |_| Err(Status::unavailable("down")));
    ask_often(&shop).await;
    let attempts = shop.fakes.asked(GET).len();
    assert!(attempts > REQUESTS, "{attempts}: some are repeated");
    assert!(attempts <= REQUESTS * 11 / 10, "{attempts} attempts at {REQUESTS} requests");
    let mut by_order = BTreeMap::<_, usize>::new();
    for asked in shop.fakes.asked(GET) {
        *by_order.entry(asked.messages).or_default() += 1;
    }
    assert_eq!(by_order.len(), REQUESTS);
    assert!(by_order.values().all(|attempts| *attempts <= 3), "{by_order:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_fails_half_the_time_is_not_made_worse() {
    let shop = open().await;
    let asked = AtomicU32::new(0);
    shop.fakes.answer::<GetOrderRequest, Order>(GET, move |_| {
        let fails = asked.fetch_add(1, Relaxed).is_multiple_of(2);
        if fails { Err(Status::unavailable("restarting")) } else { Ok(Order::default()) }
    });
    let served = ask_often(&shop).await;
    let attempts = shop.fakes.asked(GET).len();
    assert!(attempts <= REQUESTS * 11 / 10, "{attempts} attempts at {REQUESTS} requests");
    assert!(served > REQUESTS / 2, "{served} of {REQUESTS}: repeats help some");
}

#[tokio::test]
async fn one_request_is_tried_three_times_at_most() {
    let shop = generous().await;
    shop.fakes.answer::<PlaceOrderRequest, PlaceOrderResponse>(PLACE, |_| Err(Status::unavailable("down")));
    shop.post("/v1/orders", "{}").await.expect_problem(503, "UNAVAILABLE");
    assert_eq!(shop.fakes.asked(PLACE).len(), 3);
    let keys = shop.fakes.asked(PLACE).into_iter().map(|asked| asked.messages);
    assert_eq!(keys.collect::<BTreeSet<_>>().len(), 1, "with the same key each time");
}

#[tokio::test]
async fn a_change_without_a_key_is_tried_once() {
    let shop = generous().await;
    shop.fakes.answer::<PlaceOrderRequest, PlaceOrderResponse>(PLACE, |_| Err(Status::unavailable("down")));
    let placing = shop.ask(Method::POST, "/v1/orders").header("content-type", "application/json").body("{}");
    placing.send().await.expect_problem(503, "UNAVAILABLE");
    assert_eq!(shop.fakes.asked(PLACE).len(), 1);
}

#[tokio::test]
async fn only_what_may_help_is_repeated() {
    let busy = || Fault::new(Code::ResourceExhausted, "BUSY", "busy");
    let cases: [(&str, Status, usize); 8] = [
        ("it could not be reached", Status::unavailable("down"), 3),
        ("it had too much to do", busy().into(), 3),
        ("it has too much to do for long", busy().retry_after(Duration::from_secs(1)).into(), 1),
        ("it comes soon", busy().retry_after(Duration::from_millis(20)).into(), 3),
        ("it took too long", Status::deadline_exceeded("late"), 1),
        ("it failed", Status::internal("a bug"), 1),
        ("it refused", Status::failed_precondition("no"), 1),
        ("others change the same", Status::aborted("contention"), 1),
    ];
    for (why, status, attempts) in cases {
        let shop = generous().await;
        shop.fakes.answer::<PlaceOrderRequest, PlaceOrderResponse>(PLACE, move |_| Err(status.clone()));
        shop.post("/v1/orders", "{}").await;
        assert_eq!(shop.fakes.asked(PLACE).len(), attempts, "{why}");
    }
}

#[tokio::test]
async fn nothing_is_repeated_past_the_deadline() {
    let shop = generous().await;
    let before = shop.fakes.asked(GET).len();
    shop.fakes.answer::<GetOrderRequest, Order>(GET, |_| Err(Status::unavailable("down")));
    // The shortest pause is longer than what is left.
    let asking = shop.ask(Method::GET, "/v1/orders/o").header("request-timeout", "0.015");
    asking.send().await;
    assert!(shop.fakes.asked(GET).len() <= before + 1);
}

/// A shop whose key may ask as often as it likes.
async fn open() -> Shop {
    let shop = Shop::open().await;
    shop.add_key("fast", &["orders.read"], 1_000_000);
    shop
}

/// A shop in which every call earns a repeat, and some did.
async fn generous() -> Shop {
    let shop = Shop::open_with(|settings| settings.limits.repeats_percent_max = 100).await;
    shop.fakes.answer::<GetOrderRequest, Order>(GET, |_| Ok(Order::default()));
    for _ in 0..4 {
        assert_eq!(shop.get("/v1/orders/o").await.status, 200);
    }
    shop
}

/// Asks for many orders, sixteen at once, and counts what was answered.
async fn ask_often(shop: &Shop) -> usize {
    let asked = stream::iter(0..REQUESTS).map(|nth| async move {
        let asking = shop.ask_anonymously(Method::GET, &format!("/v1/orders/{nth}"));
        let answer = asking.header("authorization", "Bearer fast").send().await;
        usize::from(answer.status == 200)
    });
    asked.buffer_unordered(16).fold(0, async |sum, one| sum + one).await
}
