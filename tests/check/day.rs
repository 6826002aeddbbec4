//! A small day of a suite: orders that wait, arrive, are cancelled, refused, paid by card, changed and sent with a carrier.

use std::io::Write;
use std::path::PathBuf;

use http::Request;
use serde_json::{Value, json};
use simulators::Simulators;
use testing::eventually;

use crate::suite::{Mode, Suite};

const WAITING: u64 = 8;

/// A suite after its day.
pub struct Day {
    pub suite: Suite,
    pub simulators: Simulators,
    /// What its client was told.
    pub history: PathBuf,
}

impl Day {
    /// Lives it.
    pub async fn live() -> Self {
        let suite =
            Suite::start_with(Mode::OneProcess, "outbound.allowed_networks = [\"127.0.0.0/8\"]").await;
        let history = suite.configuration().with_file_name("history.jsonl");
        let mut day = Self { suite, simulators: Simulators::start().await, history };
        day.suite.stock("TEA", 100).await;
        day.open_accounts().await;

        for number in 0..WAITING {
            day.place(&format!("waits-{number}"), json!({})).await;
        }
        day.be_refused().await;
        let cancelled = day.place("cancelled", json!({})).await;
        let reason = json!({ "reason": "buyer_changed_mind" });
        day.post(&format!("/v1/orders/{}/cancel", id(&cancelled)), "cancel", &reason).await;
        day.arrive().await;
        day.pay_by_card().await;
        day.change_and_change_back().await;
        day.send_with_carrier().await;
        day
    }

    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Value {
        self.suite.rest.post(path, key, body).await.unwrap().ok().unwrap()
    }

    async fn open_accounts(&mut self) {
        let account = json!({ "paymentAccount": {
            "shopId": self.suite.shop_id, "kind": "PROVIDER_KIND_KOROB_CARD", "name": "Cards", "enabled": true,
            "baseUrl": self.simulators.url("card"), "captureMode": "CAPTURE_MODE_AUTOMATIC",
            "credentials": { "api_key": "key_of_tests", "webhook_secret": "whsec_of_tests" },
        } });
        self.post("/v1/payment-accounts", "cards", &account).await;
        let account = json!({ "carrierAccount": {
            "shopId": self.suite.shop_id, "kind": "CARRIER_KIND_PARCEL", "name": "Parcels", "enabled": true,
            "baseUrl": self.simulators.url("parcel"),
            "credentials": { "api_key": "key_of_tests", "webhook_secret": "whsec_of_tests" },
        } });
        let made = self.post("/v1/carrier-accounts", "parcels", &account).await;
        let method = json!({ "deliveryMethod": {
            "shopId": self.suite.shop_id, "kind": "DELIVERY_KIND_PARCEL", "name": "Parcel", "cashOnDelivery": true,
            "carrierAccountId": made["carrierAccountId"], "carrierService": "standard",
            "tariffs": [{ "price": { "amount": "120", "currencyCode": "UAH" } }],
        } });
        let made = self.post("/v1/delivery-methods", "parcel", &method).await;
        self.note(&json!({ "op": "info", "kind": "open_accounts" }));
        std::fs::write(self.parcel_method_file(), made["deliveryMethodId"].as_str().unwrap()).unwrap();
    }

    pub fn parcel_method_file(&self) -> PathBuf {
        self.history.with_file_name("parcel-method")
    }

    /// Places an order with `more` and writes down what was heard.
    pub async fn place(&self, key: &str, more: Value) -> Value {
        let mut order = self.suite.order("TEA", 7);
        order["externalId"] = json!(key);
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.note(&json!({ "op": "invoke", "kind": "place_order", "key": key, "external_id": key }));
        let placed = self.post("/v1/orders", key, &order).await;
        let order = self.suite.rest.get(&format!("/v1/orders/{}", id(&placed))).await.unwrap().ok().unwrap();
        self.note(&json!({
            "op": "ok", "kind": "place_order", "key": key, "external_id": key, "order_id": id(&placed),
            "total": order["total"]["amount"], "time_ns": 1,
        }));
        order
    }

    async fn be_refused(&self) {
        let mut order = self.suite.order("TEA", 8);
        order["lines"][0]["quantity"] = json!(1_000);
        let refused = self.suite.rest.post("/v1/orders", "too-many", &order).await.unwrap();
        assert_eq!(refused.status, 409, "{}", refused.body);
        self.note(&json!({ "op": "fail", "kind": "place_order", "key": "too-many" }));
    }

    /// The shop's own courier brings one, and takes its money.
    async fn arrive(&self) {
        let order = self.place("arrives", json!({})).await;
        let shipment = self.assemble(&order).await;
        for status in ["TRACKING_STATUS_PICKED_UP", "TRACKING_STATUS_DELIVERED"] {
            let now = types::Clock::system().now().to_rfc3339();
            let event = json!({ "event": { "status": status, "occurTime": now } });
            self.post(&format!("/v1/shipments/{shipment}/tracking"), status, &event).await;
        }
        let path = format!("/v1/payments/{}", order["paymentId"].as_str().unwrap());
        let money = json!({ "amount": order["total"], "reference": "cash" });
        self.post(&format!("{path}/record"), "record", &money).await;
    }

    async fn pay_by_card(&self) {
        for (key, refunded) in [("card", false), ("card-refunded", true)] {
            let order = self.place_and_pay(key, json!({ "paymentMethod": "card" })).await;
            let path = format!("/v1/payments/{}", order["paymentId"].as_str().unwrap());
            if refunded {
                let part =
                    json!({ "amount": { "amount": "10.00", "currencyCode": "UAH" }, "reason": "late" });
                self.post(&format!("{path}/refund"), "refund", &part).await;
                eventually("the buyer has it", async || {
                    let payment = self.suite.rest.get(&path).await.unwrap().ok().unwrap();
                    (payment["refunds"][0]["state"] == "REFUND_STATE_SUCCEEDED").then_some(())
                })
                .await;
            }
        }
    }

    pub async fn place_and_pay(&self, key: &str, more: Value) -> Value {
        let order = self.place(key, more).await;
        let path = format!("/v1/payments/{}", order["paymentId"].as_str().unwrap());
        let card = json!({ "paymentToken": "tok_ok", "returnUrl": "https://shop.example/paid" });
        let paid = self.post(&format!("{path}/confirm"), key, &card).await;
        assert_eq!(paid["state"], "PAYMENT_STATE_SUCCEEDED", "{paid}");
        order
    }

    /// One more is wanted of what is paid, and then it is not: what was to be paid for it is given up.
    async fn change_and_change_back(&self) {
        let fetched = json!({ "paymentMethod": "card", "delivery": null });
        let path = format!("/v1/orders/{}", id(&self.place_and_pay("changed", fetched).await));
        let mut order = eventually("it is paid", async || {
            let order = self.suite.rest.get(&path).await.unwrap().ok().unwrap();
            (order["paid"] == order["total"]).then_some(order)
        })
        .await;
        for units in [2, 1] {
            order["lines"][0]["ordered"] = json!(units);
            let change = json!({ "order": { "lines": order["lines"] }, "updateMask": "lines" });
            let request = Request::patch(&path)
                .header("content-type", "application/json")
                .header("idempotency-key", format!("units-{units}"));
            let answer = self.suite.rest.send_raw(request, change.to_string().into_bytes()).await.unwrap();
            order = answer.ok().unwrap();
            assert_eq!(order["paymentIds"].as_array().map(Vec::len), Some(2), "{order}");
        }
        let payment = format!("/v1/payments/{}", order["paymentIds"][1].as_str().unwrap());
        let payment = self.suite.rest.get(&payment).await.unwrap().ok().unwrap();
        assert_eq!(payment["state"], "PAYMENT_STATE_CANCELED", "{payment}");
    }

    async fn send_with_carrier(&self) {
        let method = std::fs::read_to_string(self.parcel_method_file()).unwrap();
        let mut delivery = self.suite.order("TEA", 7)["delivery"].clone();
        delivery["deliveryMethodId"] = json!(method);
        let order = self.place("parcel", json!({ "delivery": delivery })).await;
        self.assemble(&order).await;
    }

    /// Lets an order be assembled; answers its parcel, once it is booked.
    pub async fn assemble(&self, order: &Value) -> String {
        let order_id = id(order);
        let state = json!({ "state": "ORDER_STATE_ASSEMBLING" });
        self.post(&format!("/v1/orders/{order_id}/state"), order_id, &state).await;
        eventually("the parcel is booked", async || {
            let path = format!("/v1/shipments?orderId={order_id}");
            let found = self.suite.rest.get(&path).await.unwrap().ok().unwrap();
            let booked = found["shipments"][0]["state"] == "SHIPMENT_STATE_BOOKED";
            booked.then(|| found["shipments"][0]["shipmentId"].as_str().unwrap().to_owned())
        })
        .await
    }

    /// Adds a line to the history.
    pub fn note(&self, line: &Value) {
        let mut file = std::fs::File::options().create(true).append(true).open(&self.history).unwrap();
        writeln!(file, "{line}").unwrap();
    }
}

pub fn id(order: &Value) -> &str {
    order["orderId"].as_str().unwrap()
}
