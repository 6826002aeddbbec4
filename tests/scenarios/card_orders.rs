//! Orders that are paid by card: reserved, captured when their goods leave, receipted line by line.

use std::time::Duration;

use proto::orders::v1 as pb;
use proto::orders::v1::order_service_client::OrderServiceClient;
use rpc::{BoundChannel, Call, Caller};
use serde_json::{Value, json};
use simulators::{Effect, Simulators};
use testing::eventually;

use crate::suite::{Mode, Suite};

/// A suite whose shop reserves on cards, and registers receipts.
struct CardDesk {
    suite: Suite,
    simulators: Simulators,
}

impl CardDesk {
    async fn open() -> Self {
        let suite =
            Suite::start_with(Mode::OneProcess, "outbound.allowed_networks = [\"127.0.0.0/8\"]").await;
        let desk = Self { suite, simulators: Simulators::start().await };
        desk.simulators.faults("fiscal").settle(Duration::from_millis(50));
        desk.add_account(json!({
            "kind": "PROVIDER_KIND_KOROB_CARD", "name": "Cards", "baseUrl": desk.simulators.url("card"),
            "captureMode": "CAPTURE_MODE_MANUAL",
            "credentials": { "api_key": "key_scenario", "webhook_secret": "whsec_scenario" },
        }))
        .await;
        desk.add_account(json!({
            "kind": "PROVIDER_KIND_ATOL", "name": "Receipts", "baseUrl": desk.simulators.url("fiscal"),
            "credentials": { "login": "shop", "password": "long enough" },
            "settings": {
                "group_code": "main", "tax_number": "7701234567", "payment_place": "https://shop.example",
                "seller_mailbox": "shop@shop.example", "fallback_mailbox": "receipts@shop.example",
            },
        }))
        .await;
        desk.suite.stock("TEA", 10).await;
        desk.suite.stock("CUP", 10).await;
        desk
    }

    async fn add_account(&self, mut account: Value) {
        account["shopId"] = json!(self.suite.shop_id);
        account["enabled"] = json!(true);
        let key = account["name"].as_str().unwrap().to_owned();
        let body = json!({ "paymentAccount": account });
        self.suite.rest.post("/v1/payment-accounts", &key, &body).await.unwrap().ok().unwrap();
    }

    /// The desk itself, which may say what things cost.
    fn orders(&self) -> OrderServiceClient<BoundChannel> {
        let call = Call::begin(Caller::operator("desk"), Duration::from_secs(30));
        OrderServiceClient::new(self.suite.directory.channel("orders").bind(&call))
    }

    /// A placed order of two discounted lines and their delivery, reserved on the buyer's card.
    async fn reserved(&self, key: &str) -> pb::Order {
        let percent = |share: &str| pb::NewDiscount {
            value: Some(pb::new_discount::Value::Percent(share.to_owned())),
            reason: "loyal".to_owned(),
            ..Default::default()
        };
        let line = |sku: &str, quantity| pb::NewLine { sku: sku.to_owned(), quantity, ..Default::default() };
        let request = pb::PlaceOrderRequest {
            shop_id: self.suite.shop_id.clone(),
            source_id: self.suite.source_id.clone(),
            method: pb::OrderMethod::Call.into(),
            contact: Some(pb::Contact {
                name: "Olena".to_owned(),
                phone: "+380671000001".to_owned(),
                ..Default::default()
            }),
            lines: vec![pb::NewLine { discount: Some(percent("12.5")), ..line("TEA", 1) }, line("CUP", 3)],
            discounts: vec![percent("7")],
            delivery: Some(pb::NewDelivery {
                delivery_method_id: self.suite.delivery_method_id.clone(),
                address: Some(proto::r#type::v1::Address {
                    country_code: "UA".to_owned(),
                    city: "Київ".to_owned(),
                    line: "Хрещатик, 1".to_owned(),
                    ..Default::default()
                }),
                ..Default::default()
            }),
            payment_method: "card".to_owned(),
            idempotency_key: key.to_owned(),
            ..Default::default()
        };
        let order_id = self.orders().place_order(request).await.unwrap().into_inner().order_id;
        let order = self.order(&order_id).await;
        let card = json!({ "paymentToken": "tok_ok", "returnUrl": "https://shop.example/paid" });
        let path = format!("/v1/payments/{}/confirm", order.payment_id);
        let payment = self.suite.rest.post(&path, key, &card).await.unwrap().ok().unwrap();
        assert_eq!(payment["state"], "PAYMENT_STATE_AUTHORIZED", "{payment}");
        order
    }

    async fn order(&self, order_id: &str) -> pb::Order {
        let request = pb::GetOrderRequest { order_id: order_id.to_owned() };
        self.orders().get_order(request).await.unwrap().into_inner()
    }

    async fn payment(&self, payment_id: &str) -> Value {
        self.suite.rest.get(&format!("/v1/payments/{payment_id}")).await.unwrap().ok().unwrap()
    }

    /// The carrier takes the parcel of an order.
    async fn hand_over(&self, order_id: &str) {
        let path = format!("/v1/orders/{order_id}/state");
        let state = json!({ "state": "ORDER_STATE_ASSEMBLING" });
        self.suite.rest.post(&path, order_id, &state).await.unwrap().ok().unwrap();
        let shipment_id = eventually("the parcel is booked", async || {
            let path = format!("/v1/shipments?orderId={order_id}");
            let shipments = self.suite.rest.get(&path).await.unwrap().ok().unwrap();
            shipments["shipments"][0]["shipmentId"].as_str().map(str::to_owned)
        })
        .await;
        let now = types::Clock::system().now().to_rfc3339();
        let event = json!({ "event": { "status": "TRACKING_STATUS_PICKED_UP", "occurTime": now } });
        let path = format!("/v1/shipments/{shipment_id}/tracking");
        self.suite.rest.post(&path, order_id, &event).await.unwrap().ok().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_is_captured_and_its_receipt_says_what_was_sold() {
    let desk = CardDesk::open().await;
    let order = desk.reserved("first").await;
    assert_eq!(desk.simulators.ledger("card").total_count(Effect::Captured), 0);

    desk.hand_over(&order.order_id).await;

    let paid = eventually("it is captured", async || {
        let payment = desk.payment(&order.payment_id).await;
        (payment["state"] == "PAYMENT_STATE_SUCCEEDED").then_some(payment)
    })
    .await;
    let total = order.total.clone().unwrap();
    assert_eq!(paid["captured"]["amount"], json!(total.amount));
    assert_eq!(desk.simulators.ledger("card").total_count(Effect::Captured), 1);

    let path = format!("/v1/receipts?paymentId={}", order.payment_id);
    let receipt = eventually("the receipt is registered", async || {
        let receipts = desk.suite.rest.get(&path).await.unwrap().ok().unwrap();
        let receipt = receipts["receipts"][0].clone();
        (receipt["state"] == "RECEIPT_STATE_DONE").then_some(receipt)
    })
    .await;
    assert_eq!(
        (&receipt["kind"], &receipt["amount"]["amount"]),
        (&json!("RECEIPT_KIND_SALE"), &json!(total.amount))
    );
    let goods =
        order.lines.iter().map(|line| (line.name.clone(), line.ordered, line.total.clone().unwrap().amount));
    let delivery = ("Courier".to_owned(), 1, order.delivery_total.clone().unwrap().amount);
    let expected: Vec<_> = goods.chain([delivery]).collect();
    let said = receipt["lines"].as_array().unwrap().iter().map(|line| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&line["name"]), line["quantity"].as_i64().unwrap() as i32, text(&line["amount"]["amount"]))
    });
    assert_eq!(said.collect::<Vec<_>>(), expected, "the goods as they were sold, and their delivery");
    let registered = desk.simulators.ledger("fiscal");
    let sum = registered.sum(Effect::ReceiptRegistered, receipt["receiptId"].as_str().unwrap());
    assert_eq!(sum, minor(&total.amount), "what the registrar has is what was paid");

    desk.suite.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_dearer_than_what_is_reserved_waits_for_the_capture() {
    let desk = CardDesk::open().await;
    let order = desk.reserved("first").await;
    let dearer = |key: &str| {
        let mut edited = order.clone();
        edited.lines[1].ordered += 1;
        edited.etag = String::new();
        let mut request = pb::UpdateOrderRequest {
            order: Some(edited),
            idempotency_key: key.to_owned(),
            ..Default::default()
        };
        request.update_mask.get_or_insert_default().paths.push("lines".to_owned());
        request
    };

    let refused = desk.orders().update_order(dearer("one")).await.unwrap_err();
    assert_eq!(rpc::reason(&refused).as_deref(), Some("ABOVE_AUTHORIZED"), "{refused}");
    assert!(refused.message().contains("capture it first"), "staff read what to do: {}", refused.message());
    assert_eq!(desk.order(&order.order_id).await.total, order.total, "nothing changed");

    let path = format!("/v1/payments/{}/capture", order.payment_id);
    desk.suite.rest.post(&path, "capture", &json!({})).await.unwrap().ok().unwrap();
    eventually("orders knows that it is paid", async || {
        (desk.order(&order.order_id).await.paid == order.total).then_some(())
    })
    .await;
    let edited = desk.orders().update_order(dearer("two")).await.unwrap().into_inner();
    assert_eq!(edited.payment_ids.len(), 2, "the rest is a payment of its own");
    let rest = desk.payment(&edited.payment_ids[1]).await;
    assert_eq!(rest["amount"]["amount"], json!(edited.balance.unwrap().amount));

    desk.suite.stop().await;
}

/// Of a decimal with two digits after the point.
fn minor(amount: &str) -> i64 {
    amount.replace('.', "").parse().unwrap()
}
