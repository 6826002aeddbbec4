//! The path of an order on an ordinary day.

use http::StatusCode;
use serde_json::json;

use crate::suite::{Mode, Suite};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_placed_followed_delivered_and_paid_in_one_process() {
    ordinary_day(Mode::OneProcess).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_placed_followed_delivered_and_paid_in_processes() {
    ordinary_day(Mode::Processes).await;
}

async fn ordinary_day(mode: Mode) {
    let suite = Suite::start(mode).await;
    live_through(&suite).await;
    suite.stop().await;
}

/// An order that is placed, delivered and paid, and one that is cancelled, with what others learn of both.
pub async fn live_through(suite: &Suite) {
    suite.stock("MUG", 5).await;

    let placed = suite.rest.post("/v1/orders", "first", &suite.order("MUG", 1)).await.unwrap();
    assert_eq!(placed.status, StatusCode::CREATED, "{}", placed.body);
    assert_eq!(placed.body["total"]["amount"], "150.00", "{}", placed.body);
    let order_id = placed.body["orderId"].as_str().unwrap().to_owned();
    let repeated = suite.rest.post("/v1/orders", "first", &suite.order("MUG", 1)).await.unwrap();
    assert_eq!(repeated.body["orderId"], placed.body["orderId"]);
    let other_body = suite.rest.post("/v1/orders", "first", &suite.order("MUG", 2)).await.unwrap();
    assert_eq!(
        (other_body.status, other_body.reason()),
        (StatusCode::UNPROCESSABLE_ENTITY, "IDEMPOTENCY_KEY_REUSED")
    );

    let (path, key) = (format!("/v1/orders/{order_id}/state"), |state: &str| format!("{order_id}-{state}"));
    for state in ["ORDER_STATE_APPROVAL", "ORDER_STATE_ASSEMBLING"] {
        suite.rest.post(&path, &key(state), &json!({ "state": state })).await.unwrap().ok().unwrap();
    }
    let shipment_id = testing::eventually("the parcel is booked", async || {
        let shipments =
            suite.rest.get(&format!("/v1/shipments?orderId={order_id}")).await.unwrap().ok().unwrap();
        shipments["shipments"][0]["shipmentId"].as_str().map(str::to_owned)
    })
    .await;
    for status in ["TRACKING_STATUS_PICKED_UP", "TRACKING_STATUS_DELIVERED"] {
        let now = types::Clock::system().now().to_rfc3339();
        let event = json!({ "event": { "status": status, "occurTime": now } });
        let path = format!("/v1/shipments/{shipment_id}/tracking");
        suite.rest.post(&path, &key(status), &event).await.unwrap().ok().unwrap();
    }
    let payment_id = placed.body["paymentId"].as_str().unwrap();
    let money = json!({ "amount": { "amount": "150.00", "currencyCode": "UAH" }, "reference": "KB-1" });
    suite
        .rest
        .post(&format!("/v1/payments/{payment_id}/record"), "paid", &money)
        .await
        .unwrap()
        .ok()
        .unwrap();

    let order = testing::eventually("the order is complete and paid", async || {
        let order = suite.rest.get(&format!("/v1/orders/{order_id}")).await.unwrap().ok().unwrap();
        let done =
            order["state"] == "ORDER_STATE_COMPLETE" && order["paymentStatus"] == "PAYMENT_STATUS_PAID";
        done.then_some(order)
    })
    .await;
    assert_eq!(order["lines"][0]["delivered"], 1, "{order}");
    testing::eventually("the unit has left the warehouse", async || {
        let stock = suite.rest.get("/v1/stock/MUG").await.unwrap().ok().unwrap();
        (stock["levels"][0]["onHand"] == "4" && stock["levels"][0]["reserved"] == "0").then_some(())
    })
    .await;
    let customer_id = order["customerId"].as_str().unwrap();
    testing::eventually("the purchase is counted on the buyer's card", async || {
        let card = suite.rest.get(&format!("/v1/customers/{customer_id}")).await.unwrap().ok().unwrap();
        (card["orderCount"] == 1 && card["orderTotals"][0]["amount"] == "150.00").then_some(())
    })
    .await;
    let history = suite.rest.get(&format!("/v1/orders/{order_id}/history")).await.unwrap().ok().unwrap();
    assert!(history["entries"].as_array().unwrap().len() >= 5, "{history}");

    cancelled(suite).await;
}

async fn cancelled(suite: &Suite) {
    let placed = suite.rest.post("/v1/orders", "second", &suite.order("MUG", 2)).await.unwrap().ok().unwrap();
    let order_id = placed["orderId"].as_str().unwrap();
    let path = format!("/v1/orders/{order_id}/cancel");
    let cancelled = suite
        .rest
        .post(&path, "cancel", &json!({ "reason": "buyer_changed_mind" }))
        .await
        .unwrap()
        .ok()
        .unwrap();
    assert_eq!(cancelled["state"], "ORDER_STATE_CANCELLED", "{cancelled}");
    let stock = suite.rest.get("/v1/stock/MUG").await.unwrap().ok().unwrap();
    assert_eq!(stock["levels"][0]["reserved"], "0", "{stock}");
    let payment_id = placed["paymentId"].as_str().unwrap();
    let payment = suite.rest.get(&format!("/v1/payments/{payment_id}")).await.unwrap().ok().unwrap();
    assert_eq!(payment["state"], "PAYMENT_STATE_CANCELED", "{payment}");
}
