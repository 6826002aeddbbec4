//! Writes the orders of the benches: two lines, cash on delivery, nine of ten buyers known.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde_json::{Value, json};

use super::assortment::{Assortment, BUYER, phone, sku};
use super::generator::Request;
use super::suite::Suite;

/// Writes orders.
pub struct OrderWriter {
    /// What there is to order.
    pub assortment: Assortment,
    shop_id: String,
    source_id: String,
    delivery_method_id: String,
    next: AtomicU64,
    run: String,
}

impl OrderWriter {
    /// Of a suite that has the assortment already.
    pub async fn of(suite: &Suite, assortment: Assortment) -> anyhow::Result<Self> {
        let method = json!({ "deliveryMethod": {
            "shopId": suite.shop.shop_id, "kind": "DELIVERY_KIND_PICKUP", "name": "Pick-up", "cashOnDelivery": true,
            "tariffs": [{ "price": { "amount": "0", "currencyCode": "UAH" } }],
        } });
        let method = suite.rest.post("/v1/delivery-methods", "bench", &method).await?.ok()?;
        Ok(Self {
            assortment,
            shop_id: suite.shop.shop_id.clone(),
            source_id: suite.shop.source_ids[0].clone(),
            delivery_method_id: method["deliveryMethodId"].as_str().unwrap_or_default().to_owned(),
            next: AtomicU64::new(0),
            run: uuid::Uuid::new_v4().simple().to_string(),
        })
    }

    /// The next order: two SKUs of the assortment.
    pub fn order(&self) -> Request {
        let (number, mixed) = self.next();
        let skus = self.assortment.skus;
        let (first, second) = (mixed % skus, (mixed / skus + 1 + mixed) % skus);
        let lines = json!([{ "sku": sku(first), "quantity": 1 }, { "sku": sku(second), "quantity": 2 }]);
        self.write(number, mixed, &lines)
    }

    /// The next order: one unit of one SKU of the assortment.
    pub fn order_of_any(&self) -> Request {
        let (number, mixed) = self.next();
        self.write(number, mixed, &json!([{ "sku": sku(mixed % self.assortment.skus), "quantity": 1 }]))
    }

    /// The next order: one unit of this SKU.
    pub fn order_of(&self, sku: &str) -> Request {
        let (number, mixed) = self.next();
        self.write(number, mixed, &json!([{ "sku": sku, "quantity": 1 }]))
    }

    fn next(&self) -> (u64, u64) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number, number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20)
    }

    fn write(&self, number: u64, mixed: u64, lines: &Value) -> Request {
        // Nine of ten buyers come again.
        let known = self.assortment.known_buyers;
        let buyer = if number % 10 == 9 { 1_000_000 + number } else { mixed % known };
        let external_id = format!("{}-{number}", self.run);
        let order = json!({
            "shopId": self.shop_id,
            "sourceId": self.source_id,
            "externalId": external_id,
            "method": "ORDER_METHOD_CART",
            "contact": { "name": BUYER, "phone": phone(buyer) },
            "lines": lines,
            "delivery": { "deliveryMethodId": self.delivery_method_id, "address": { "countryCode": "UA", "city": "Київ" } },
            "paymentMethod": "cash_on_delivery",
        });
        Request::post("/v1/orders", external_id, Bytes::from(order.to_string()))
    }
}
