//! A day of orders from four sources, with what goes wrong on such a day: retries, echoes, cancellations.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use chrono::SecondsFormat;
use http::StatusCode;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use types::Clock;

use crate::arguments::Demo;
use crate::demo::shop::{Shop, list, text};
use crate::load::{self, Figures, Until};
use crate::rest::{Answer, Client};

/// Every so many orders the client does not hear the answer and sends the order again under the same key.
const RETRY_EVERY: u64 = 20;
/// Every so many orders the source tells of the order twice, under another key.
const ECHO_EVERY: u64 = 25;
const CANCEL_EVERY: usize = 17;
const DELIVER_EVERY: usize = 5;
const CUSTOMERS: u64 = 400;
const BOOKING_PATIENCE: Duration = Duration::from_secs(20);
const BOOKING_PAUSE: Duration = Duration::from_millis(20);

const NAMES: [&str; 8] = [
    "Олена Коваленко",
    "Андрій Шевченко",
    "Марія Бондар",
    "Ірина Ткаченко",
    "Сергей Петров",
    "Анна Смирнова",
    "John Carter",
    "Jürgen Weiß",
];

/// What the clients saw.
pub struct Day {
    pub placements: Figures,
    /// Orders that were acknowledged as placed, by id.
    pub placed: BTreeMap<String, Placed>,
    /// Refusals by reason.
    pub rejected: BTreeMap<String, usize>,
    /// Same key or same external id, sent again: each must lead to the order that was there.
    pub repeats: usize,
    /// Repeats that led elsewhere.
    pub doubled: usize,
    pub cancelled: usize,
    pub delivered: usize,
}

/// An acknowledged order.
pub struct Placed {
    pub number: String,
    pub payment_id: String,
}

#[derive(Default)]
struct Heard {
    placed: BTreeMap<String, Placed>,
    rejected: BTreeMap<String, usize>,
    repeats: usize,
    doubled: usize,
}

/// Places the orders, then cancels some and delivers some.
pub async fn replay(shop: &Shop, demo: &Demo) -> anyhow::Result<Day> {
    let bar = ProgressBar::new(demo.orders as u64);
    let style = "{bar:30} {pos}/{len} orders, {per_sec}";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    let heard = Arc::new(Mutex::new(Heard::default()));
    let writer = Arc::new(Writer::of(shop));
    let placements = {
        let (heard, writer, bar) = (heard.clone(), writer.clone(), bar.clone());
        load::run(demo.clients, Until::Count(demo.orders as u64), move |number| {
            let (heard, writer, bar) = (heard.clone(), writer.clone(), bar.clone());
            async move {
                place(&writer, number, &heard).await?;
                bar.inc(1);
                Ok(())
            }
        })
        .await?
    };
    bar.finish_and_clear();
    let heard = std::mem::take(&mut *heard.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
    let mut day = Day {
        placements,
        placed: heard.placed,
        rejected: heard.rejected,
        repeats: heard.repeats,
        doubled: heard.doubled,
        cancelled: 0,
        delivered: 0,
    };
    cancel_some(shop, &mut day).await?;
    deliver_some(shop, &mut day).await?;
    Ok(day)
}

async fn place(writer: &Writer, number: u64, heard: &Mutex<Heard>) -> anyhow::Result<()> {
    let order = writer.order(number);
    let key = format!("order-{number}");
    let first = writer.rest.post("/v1/orders", &key, &order).await?;
    let order_id = note(heard, &first)?;
    if number.is_multiple_of(RETRY_EVERY) {
        let again = writer.rest.post("/v1/orders", &key, &order).await?;
        note_repeat(heard, &order_id, &again);
    }
    if number % ECHO_EVERY == 1 {
        let echo = writer.rest.post("/v1/orders", &format!("echo-{number}"), &order).await?;
        note_repeat(heard, &order_id, &echo);
    }
    Ok(())
}

/// Remembers an answer; the id of the order it speaks of.
fn note(heard: &Mutex<Heard>, answer: &Answer) -> anyhow::Result<String> {
    let mut heard = heard.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    match answer.status {
        StatusCode::CREATED | StatusCode::OK | StatusCode::ACCEPTED => {
            let order_id = text(&answer.body, "orderId")?;
            let number = text(&answer.body, "number")?;
            let payment_id = answer.body["paymentId"].as_str().unwrap_or_default().to_owned();
            heard.placed.insert(order_id.clone(), Placed { number, payment_id });
            Ok(order_id)
        }
        StatusCode::CONFLICT => {
            *heard.rejected.entry(answer.reason().to_owned()).or_default() += 1;
            Ok(answer.body["metadata"]["order_id"].as_str().unwrap_or_default().to_owned())
        }
        status => anyhow::bail!("an order was answered {status}: {}", answer.body),
    }
}

fn note_repeat(heard: &Mutex<Heard>, order_id: &str, answer: &Answer) {
    let mut heard = heard.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let again = answer.body["orderId"].as_str().or(answer.body["metadata"]["order_id"].as_str());
    heard.repeats += 1;
    if again != Some(order_id) {
        heard.doubled += 1;
    }
}

async fn cancel_some(shop: &Shop, day: &mut Day) -> anyhow::Result<()> {
    for (order_id, _) in day.placed.iter().skip(1).step_by(CANCEL_EVERY) {
        let reason = json!({ "reason": "buyer_changed_mind" });
        shop.rest
            .post(&format!("/v1/orders/{order_id}/cancel"), &format!("cancel-{order_id}"), &reason)
            .await?
            .ok()?;
        day.cancelled += 1;
    }
    Ok(())
}

/// Approve, assemble, hand to the courier, deliver, take the money.
async fn deliver_some(shop: &Shop, day: &mut Day) -> anyhow::Result<()> {
    let live =
        day.placed.iter().enumerate().filter(|(at, _)| at % CANCEL_EVERY != 1 && at % DELIVER_EVERY == 0);
    for (_, (order_id, placed)) in live {
        deliver(shop, order_id, placed).await.with_context(|| format!("deliver {}", placed.number))?;
        day.delivered += 1;
    }
    Ok(())
}

async fn deliver(shop: &Shop, order_id: &str, placed: &Placed) -> anyhow::Result<()> {
    let post = async |path: String, body: Value| {
        let key = format!(
            "{path}-{}",
            body["state"].as_str().or(body["event"]["status"].as_str()).unwrap_or_default()
        );
        shop.rest.post(&path, &key, &body).await?.ok()
    };
    for state in ["ORDER_STATE_APPROVAL", "ORDER_STATE_ASSEMBLING"] {
        post(format!("/v1/orders/{order_id}/state"), json!({ "state": state })).await?;
    }
    let shipment_id = booked_shipment(shop, order_id).await?;
    for status in ["TRACKING_STATUS_PICKED_UP", "TRACKING_STATUS_DELIVERED"] {
        post(format!("/v1/shipments/{shipment_id}/tracking"), tracked(status)).await?;
    }
    let payment = shop.rest.get(&format!("/v1/payments/{}", placed.payment_id)).await?.ok()?;
    let money = json!({ "amount": payment["amount"], "reference": placed.number });
    post(format!("/v1/payments/{}/record", placed.payment_id), money).await?;
    Ok(())
}

fn tracked(status: &str) -> Value {
    let now = Clock::system().now().to_rfc3339_opts(SecondsFormat::Millis, true);
    json!({ "event": { "status": status, "occurTime": now } })
}

/// Entering assembling books the parcel; it is there a moment later.
async fn booked_shipment(shop: &Shop, order_id: &str) -> anyhow::Result<String> {
    let booked = async {
        loop {
            let shipments = shop.rest.get(&format!("/v1/shipments?orderId={order_id}")).await?.ok()?;
            if let [shipment, ..] = list(&shipments, "shipments") {
                return text(shipment, "shipmentId");
            }
            tokio::time::sleep(BOOKING_PAUSE).await;
        }
    };
    tokio::time::timeout(BOOKING_PATIENCE, booked).await.context("the parcel was not booked in time")?
}

/// Writes orders: the same number always gives the same order.
struct Writer {
    rest: Client,
    shop_id: String,
    sources: Vec<(String, &'static str, &'static str)>,
    delivery_methods: Vec<String>,
    skus: Vec<String>,
}

impl Writer {
    fn of(shop: &Shop) -> Self {
        Self {
            rest: shop.rest.clone(),
            shop_id: shop.shop_id.clone(),
            sources: shop
                .sources
                .iter()
                .map(|source| (source.source_id.clone(), source.name, source.method))
                .collect(),
            delivery_methods: shop.delivery_methods.clone(),
            skus: shop.skus.clone(),
        }
    }

    fn order(&self, number: u64) -> Value {
        let (source_id, name, method) = &self.sources[pick(number, 1, self.sources.len())];
        let buyer = pick(number, 2, CUSTOMERS as usize) as u64;
        let lines: Vec<Value> = (0..=pick(number, 3, 3))
            .map(|line| {
                let sku = &self.skus[pick(number, 10 + line as u64, self.skus.len())];
                json!({ "sku": sku, "quantity": 1 + pick(number, 20 + line as u64, 2) })
            })
            .collect();
        let city = if buyer.is_multiple_of(3) { "Львів" } else { "Київ" };
        json!({
            "shopId": self.shop_id,
            "sourceId": source_id,
            "externalId": format!("{name}-{number}"),
            "method": method,
            "contact": { "name": NAMES[pick(buyer, 4, NAMES.len())], "phone": phone(buyer, number) },
            "lines": lines,
            "delivery": {
                "deliveryMethodId": self.delivery_methods[pick(number, 5, self.delivery_methods.len())],
                "address": { "countryCode": "UA", "city": city, "line": format!("вул. Хрещатик, {}", 1 + buyer % 40) },
            },
            "paymentMethod": if number.is_multiple_of(4) { "bank_transfer" } else { "cash_on_delivery" },
        })
    }
}

/// One of three spellings of the buyer's number.
fn phone(buyer: u64, order: u64) -> String {
    let digits = format!("67{:07}", 1_000_000 + buyer);
    match order % 3 {
        0 => format!("+380{digits}"),
        1 => format!("0{digits}"),
        _ => format!("38 (0{}) {}-{}-{}", &digits[..2], &digits[2..5], &digits[5..7], &digits[7..]),
    }
}

/// An even but fixed choice of 0 to `count` − 1.
fn pick(number: u64, salt: u64, count: usize) -> usize {
    let mut mixed =
        (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ salt.wrapping_mul(0xD1B5_4A32_D192_ED03);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ (mixed >> 31)) % count.max(1) as u64) as usize
}
