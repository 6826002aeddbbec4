//! A shop with one of everything that a shop can own, made through the public interface.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use simulators::{Partner, Simulators};
use testing::eventually;

use crate::client::Client;
use crate::new_shop::NewShop;
use crate::suite::Suite;

/// Stands in every text that only this shop may read.
const CANARY: &str = "Канарка";

/// What ids of a shop's belongings begin with. Everything else belongs to the organisation.
pub const OWNED: [&str; 27] = [
    "att", "cac", "cus", "dlm", "dlp", "ful", "inc", "key", "lin", "ntf", "ord", "pac", "pay", "prm", "quo",
    "rcp", "res", "ret", "rfd", "shm", "shp", "sht", "src", "crt", "rpo", "whd", "whe",
];
/// Those that are never seen outside.
const INSIDE: [&str; 2] = ["crt", "rpo"];

/// One shop and all it has.
pub struct Belongings {
    pub client: Client,
    pub key: String,
    /// The first of each kind by the prefix of its id.
    ids: BTreeMap<String, String>,
    /// The ids of everything that was seen of it.
    pub all: std::collections::BTreeSet<String>,
    pub canary: String,
    pub phone: String,
    pub warehouse_id: String,
}

impl Belongings {
    /// Opens the shop `name` and lets it live for a while.
    pub async fn of(
        suite: &Suite,
        simulators: &Simulators,
        partner: &Partner,
        name: &str,
        phone: &str,
    ) -> Self {
        let shop = proto::access::v1::Shop {
            name: name.to_owned(),
            time_zone: "Europe/Kyiv".to_owned(),
            locale: "uk-UA".to_owned(),
            currency_code: "UAH".to_owned(),
            shortage_policy: proto::access::v1::ShortagePolicy::Accept.into(),
            country_code: "UA".to_owned(),
            ..Default::default()
        };
        let scopes = rpc::known_scopes().iter().filter(|scope| **scope != "orders.price");
        let opened = NewShop {
            by: name,
            legal_entity: name,
            shop,
            sources: &[("site", proto::access::v1::Channel::Site)],
            scopes: scopes.map(|scope| (*scope).to_owned()).collect(),
        };
        let opened = opened.open(&suite.directory).await.unwrap();
        let mut shop = Self {
            client: Client::new(suite.url()),
            key: opened.key,
            ids: BTreeMap::new(),
            all: Default::default(),
            canary: format!("{CANARY}{name}"),
            phone: phone.to_owned(),
            warehouse_id: suite.warehouse_id.clone(),
        };
        shop.remember(&json!([opened.shop_id, opened.source_ids]));
        shop.settle_in(suite, simulators).await;
        shop.be_told(partner).await;
        shop.prepare_an_order().await;
        shop.sell_by_card().await;
        shop.take_back().await;
        shop.sell_what_is_not_there().await;
        let missing: Vec<_> =
            OWNED.iter().filter(|kind| !INSIDE.contains(kind) && !shop.ids.contains_key(**kind)).collect();
        assert!(missing.is_empty(), "{name} has none of {missing:?}");
        shop
    }

    /// The id of the first thing of a kind.
    pub fn id(&self, kind: &str) -> &str {
        self.ids.get(kind).unwrap_or_else(|| panic!("there is no {kind}_…"))
    }

    /// Asks with the shop's key.
    pub async fn get(&self, path: &str) -> Value {
        self.client.ask(&Method::GET, path, Some(&self.key), None).await.ok()
    }

    async fn post(&mut self, path: &str, body: Value) -> Value {
        let made = self.client.ask(&Method::POST, path, Some(&self.key), Some(&body)).await;
        let status = made.status;
        assert!(status.is_success(), "{path}: {status} {}", made.text);
        self.remember(&made.body);
        made.body
    }

    async fn settle_in(&mut self, suite: &Suite, simulators: &Simulators) {
        let (shop_id, api_key) = (self.id("shp").to_owned(), format!("account-of-{}", self.id("shp")));
        let cards = json!({ "paymentAccount": {
            "shopId": shop_id, "kind": "PROVIDER_KIND_KOROB_CARD", "name": self.canary, "enabled": true,
            "baseUrl": simulators.url("card"), "captureMode": "CAPTURE_MODE_AUTOMATIC",
            "credentials": { "api_key": api_key, "webhook_secret": "whsec_of_the_shop" },
        } });
        self.post("/v1/payment-accounts", cards).await;
        let receiver = json!({
            "url": format!("{}/v1/webhooks/payments/{}", suite.url(), self.id("pac")), "secret": "whsec_of_the_shop",
        });
        let provider = Client::new(&simulators.url("card"));
        provider.ask(&Method::PUT, "/v1/webhook", Some(&api_key), Some(&receiver)).await.ok();
        let register = json!({ "paymentAccount": {
            "shopId": shop_id, "kind": "PROVIDER_KIND_ATOL", "name": "Receipts", "enabled": true,
            "baseUrl": simulators.url("fiscal"),
            "credentials": { "login": api_key, "password": "long enough" },
            "settings": {
                "group_code": "main", "tax_number": "7701234567", "payment_place": "https://shop.example",
                "seller_mailbox": "shop@shop.example", "fallback_mailbox": "receipts@shop.example",
            },
        } });
        self.post("/v1/payment-accounts", register).await;
        let carrier = json!({ "carrierAccount": {
            "shopId": shop_id, "kind": "CARRIER_KIND_PARCEL", "name": self.canary, "enabled": true,
            "baseUrl": simulators.url("parcel"),
            "credentials": { "api_key": api_key, "webhook_secret": "whsec_of_the_shop" },
        } });
        self.post("/v1/carrier-accounts", carrier).await;
        let courier = json!({ "deliveryMethod": {
            "shopId": shop_id, "kind": "DELIVERY_KIND_COURIER", "name": self.canary, "cashOnDelivery": true,
            "tariffs": [{ "price": { "amount": "50.00", "currencyCode": "UAH" } }],
        } });
        self.post("/v1/delivery-methods", courier).await;
        let key = json!({ "name": self.canary, "shopIds": [shop_id], "scopes": ["orders.read"] });
        self.post("/v1/keys", key).await;
        let promo_code = json!({ "promoCode": {
            "code": format!("P{}", shop_id[4..].to_uppercase()), "title": self.canary, "percent": "5", "shopIds": [shop_id],
        } });
        self.post("/v1/promo-codes", promo_code).await;
    }

    /// Of what does not happen here, so that nothing of it changes by itself.
    async fn be_told(&mut self, partner: &Partner) {
        let endpoint = json!({ "webhookEndpoint": {
            "url": partner.url(), "title": self.canary, "eventTypes": ["shop.changed"],
        } });
        let made = self.post("/v1/webhook-endpoints", endpoint).await;
        partner.trust(made["secret"].as_str().unwrap());
        let ping = format!("/v1/webhook-endpoints/{}/ping", self.id("whe"));
        self.post(&ping, json!({})).await;
        let delivery = format!("/v1/webhook-deliveries/{}", self.id("whd"));
        eventually("the ping is taken", async || {
            let delivery = self.get(&delivery).await;
            (delivery["state"] == "WEBHOOK_DELIVERY_STATE_DELIVERED").then_some(())
        })
        .await;
    }

    async fn prepare_an_order(&mut self) {
        let cart = json!({
            "shopId": self.id("shp"), "sourceId": self.id("src"), "contact": self.contact(),
            "lines": [{ "sku": "MUG", "quantity": 1 }],
        });
        let path = format!("/v1/carts/{}", self.cart());
        self.client.ask(&Method::PUT, &path, Some(&self.key), Some(&cart)).await.ok();
        let quote = json!({
            "shopId": self.id("shp"), "sourceId": self.id("src"), "lines": [{ "sku": "MUG", "quantity": 1 }],
            "holdStock": true,
        });
        self.post("/v1/quotes", quote).await;
        let hold = json!({
            "cartId": self.cart(), "shopId": self.id("shp"), "lines": [{ "sku": "MUG", "quantity": "1" }],
        });
        self.post("/v1/holds", hold).await;
    }

    async fn sell_by_card(&mut self) {
        self.post("/v1/orders", self.order("MUG", "card")).await;
        let (order_id, payment_id) = (self.id("ord").to_owned(), self.id("pay").to_owned());
        let card = json!({ "paymentToken": "tok_ok", "returnUrl": "https://shop.example/paid" });
        self.post(&format!("/v1/payments/{payment_id}/confirm"), card).await;
        let seen = eventually("the provider's word is kept, and the receipt is registered", async || {
            let told = self.get("/v1/payment-notifications").await;
            let receipts = self.get(&format!("/v1/receipts?paymentId={payment_id}")).await;
            let done = receipts["receipts"][0]["state"] == "RECEIPT_STATE_DONE";
            let applied = told["notifications"][0]["state"] == "NOTIFICATION_STATE_APPLIED";
            (done && applied).then_some(json!([told, receipts]))
        });
        let seen = seen.await;
        self.remember(&seen);
        let refund = json!({ "amount": { "amount": "1.00", "currencyCode": "UAH" }, "reason": "late" });
        self.post(&format!("/v1/payments/{payment_id}/refund"), refund).await;
        // Whatever goes on by itself is waited for: afterwards nothing of the shop may change but by others.
        eventually("the refund has its receipt, too", async || {
            let receipts = self.get(&format!("/v1/receipts?paymentId={payment_id}")).await;
            let receipts = receipts["receipts"].as_array().unwrap();
            let done = receipts.iter().all(|receipt| receipt["state"] == "RECEIPT_STATE_DONE");
            let told = self.get("/v1/payment-notifications").await;
            let told = told["notifications"].as_array().unwrap();
            let applied = told.iter().all(|one| one["state"] != "NOTIFICATION_STATE_PENDING");
            (receipts.len() == 2 && done && applied && told.len() >= 2).then_some(())
        })
        .await;

        let state = format!("/v1/orders/{order_id}/state");
        for next in ["ORDER_STATE_APPROVAL", "ORDER_STATE_ASSEMBLING"] {
            self.post(&state, json!({ "state": next })).await;
        }
        let path = format!("/v1/shipments?orderId={order_id}");
        let parcel = eventually("the parcel is booked", async || {
            let shipments = self.get(&path).await;
            (shipments["shipments"][0]["state"] == "SHIPMENT_STATE_BOOKED").then_some(shipments)
        });
        let parcel = parcel.await;
        self.remember(&parcel);
        let shipment_id = self.id("shm").to_owned();
        for (status, reason) in [
            ("TRACKING_STATUS_PICKED_UP", ""),
            ("TRACKING_STATUS_DELIVERY_FAILED", "consignee_not_home"),
            ("TRACKING_STATUS_DELIVERED", ""),
        ] {
            let event = json!({ "event": {
                "status": status, "occurTime": types::Clock::system().now().to_rfc3339(), "incidentReason": reason,
            } });
            self.post(&format!("/v1/shipments/{shipment_id}/tracking"), event).await;
        }
        let incidents = self.get("/v1/delivery-incidents?includeClosed=true").await;
        self.remember(&incidents);
        let order = eventually("the order is complete", async || {
            let order = self.get(&format!("/v1/orders/{order_id}")).await;
            (order["state"] == "ORDER_STATE_COMPLETE").then_some(order)
        });
        let order = order.await;
        self.remember(&order);
    }

    async fn take_back(&mut self) {
        let wanted = json!({ "orderId": self.id("ord"), "comment": self.canary, "lines": [{
            "lineId": self.id("lin"), "quantity": 1, "reason": "does_not_fit",
        }] });
        self.post("/v1/returns", wanted).await;
    }

    async fn sell_what_is_not_there(&mut self) {
        let placed = self.post("/v1/orders", self.order("RARE", "cash_on_delivery")).await;
        let order_id = placed["orderId"].as_str().unwrap();
        let state = format!("/v1/orders/{order_id}/fulfilments");
        self.post(&state, json!({})).await;
        let shortages = self.get("/v1/shortages").await;
        self.remember(&shortages);
    }

    /// The cart's id in the shop.
    pub fn cart(&self) -> String {
        format!("cart-of-{}", self.id("shp"))
    }

    pub fn contact(&self) -> Value {
        json!({ "name": self.canary, "phone": self.phone, "email": format!("{}@shop.example", self.id("shp")) })
    }

    pub fn address(&self) -> Value {
        json!({ "countryCode": "UA", "city": "Київ", "line": format!("{}, 1", self.canary) })
    }

    /// An order of one unit.
    pub fn order(&self, sku: &str, payment_method: &str) -> Value {
        json!({
            "shopId": self.id("shp"), "sourceId": self.id("src"), "method": "ORDER_METHOD_CART",
            "contact": self.contact(), "comment": self.canary, "lines": [{ "sku": sku, "quantity": 1 }],
            "delivery": { "deliveryMethodId": self.id("dlm"), "address": self.address() },
            "paymentMethod": payment_method,
        })
    }

    /// Notes every id of something that the shop owns.
    fn remember(&mut self, answer: &Value) {
        for id in ids_in(&answer.to_string()) {
            let kind = &id[..3];
            if OWNED.contains(&kind) {
                self.ids.entry(kind.to_owned()).or_insert_with(|| id.clone());
                self.all.insert(id);
            }
        }
    }
}

/// What looks like an id: three letters, `_`, and 32 hexadecimal digits.
pub fn ids_in(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let is_id = |window: &&[u8]| {
        window[..3].iter().all(u8::is_ascii_lowercase)
            && window[3] == b'_'
            && window[4..].iter().all(u8::is_ascii_hexdigit)
    };
    bytes.windows(36).filter(is_id).map(|id| String::from_utf8(id.to_vec()).unwrap()).collect()
}
