//! A day of orders from five sources of two shops, with what goes wrong on such a day: retries, echoes, cancellations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use chrono::SecondsFormat;
use http::StatusCode;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use types::Clock;

use crate::arguments::Demo;
use crate::demo::cards::Cards;
use crate::demo::parcels::Parcels;
use crate::demo::returns::Returns;
use crate::demo::shop::{Goods, KIT, Shop, list, text};
use crate::demo::shortage::Shortage;
use crate::load::{self, Figures, Until};
use crate::rest::{Answer, Client};

/// Every so many orders the client does not hear the answer and sends the order again under the same key.
const RETRY_EVERY: u64 = 20;
/// Every so many orders the source tells of the order twice, under another key.
const ECHO_EVERY: u64 = 25;
const CANCEL_EVERY: usize = 17;
const DELIVER_EVERY: usize = 5;
const KIT_EVERY: u64 = 40;
const CUSTOMERS: u64 = 400;
/// Where the carrier outside stands among a shop's ways to deliver.
const PARCEL: usize = 2;
const PAYMENT_METHODS: [&str; 4] = ["cash_on_delivery", "card", "bank_transfer", "card"];
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
    /// By id.
    pub cancelled: BTreeSet<String>,
    /// By id; by the shop's courier, at its counter, or by the carrier.
    pub delivered: Vec<String>,
    pub cards: Cards,
    pub parcels: Parcels,
    pub shortage: Shortage,
    pub returns: Returns,
}

/// An acknowledged order.
pub struct Placed {
    pub number: String,
    pub payment_id: String,
    /// Which of the shops.
    pub shop: usize,
    pub by_card: bool,
    /// By the carrier outside.
    pub by_parcel: bool,
}

#[derive(Default)]
struct Heard {
    placed: BTreeMap<String, Placed>,
    rejected: BTreeMap<String, usize>,
    repeats: usize,
    doubled: usize,
}

/// Places the orders, then cancels some.
pub async fn replay(shops: &[Shop], goods: &Goods, demo: &Demo) -> anyhow::Result<Day> {
    let bar = ProgressBar::new(demo.orders as u64);
    let style = "{bar:30} {pos}/{len} orders, {per_sec}";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    let heard = Arc::new(Mutex::new(Heard::default()));
    let writer = Arc::new(Writer::of(shops, goods));
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
        cancelled: BTreeSet::new(),
        delivered: Vec::new(),
        cards: Cards::default(),
        parcels: Parcels::default(),
        shortage: Shortage::default(),
        returns: Returns::default(),
    };
    cancel_some(shops, &mut day).await?;
    Ok(day)
}

async fn place(writer: &Writer, number: u64, heard: &Mutex<Heard>) -> anyhow::Result<()> {
    let (till, order) = writer.order(number);
    let key = format!("order-{number}");
    let first = till.rest.post("/v1/orders", &key, &order).await?;
    let order_id = note(heard, &first, till, &order)?;
    if number.is_multiple_of(RETRY_EVERY) {
        let again = till.rest.post("/v1/orders", &key, &order).await?;
        note_repeat(heard, &order_id, &again);
    }
    if number % ECHO_EVERY == 1 {
        let echo = till.rest.post("/v1/orders", &format!("echo-{number}"), &order).await?;
        note_repeat(heard, &order_id, &echo);
    }
    Ok(())
}

/// Remembers an answer; the id of the order it speaks of.
fn note(heard: &Mutex<Heard>, answer: &Answer, till: &Till, order: &Value) -> anyhow::Result<String> {
    let mut heard = heard.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    match answer.status {
        StatusCode::CREATED | StatusCode::OK | StatusCode::ACCEPTED => {
            let order_id = text(&answer.body, "orderId")?;
            let number = text(&answer.body, "number")?;
            let payment_id = answer.body["paymentId"].as_str().unwrap_or_default().to_owned();
            let placed = Placed {
                number,
                payment_id,
                shop: till.shop,
                by_card: order["paymentMethod"] == "card",
                by_parcel: order["delivery"]["deliveryMethodId"] == till.delivery_methods[PARCEL],
            };
            heard.placed.insert(order_id.clone(), placed);
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

async fn cancel_some(shops: &[Shop], day: &mut Day) -> anyhow::Result<()> {
    for (order_id, placed) in day.placed.iter().skip(1).step_by(CANCEL_EVERY) {
        let reason = json!({ "reason": "buyer_changed_mind" });
        let path = format!("/v1/orders/{order_id}/cancel");
        shops[placed.shop].rest.post(&path, &format!("cancel-{order_id}"), &reason).await?.ok()?;
        day.cancelled.insert(order_id.clone());
    }
    Ok(())
}

impl Day {
    /// The orders that leave today: by the carrier, or by the shop's own people.
    pub fn leaving(&self, by_parcel: bool) -> Vec<(&String, &Placed)> {
        let leaving = self.placed.iter().step_by(DELIVER_EVERY);
        let leaving = leaving.filter(|(order_id, _)| !self.cancelled.contains(*order_id));
        leaving.filter(|(_, placed)| placed.by_parcel == by_parcel).collect()
    }
}

/// Approve, assemble, hand to the courier, deliver, take the money.
pub async fn deliver_by_courier(shops: &[Shop], day: &Day) -> anyhow::Result<Vec<String>> {
    let mut delivered = Vec::new();
    for (order_id, placed) in day.leaving(false) {
        deliver(&shops[placed.shop], order_id, placed)
            .await
            .with_context(|| format!("deliver {}", placed.number))?;
        delivered.push(order_id.clone());
    }
    Ok(delivered)
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
    take_money(shop, placed).await
}

/// What the courier brought or the bank wrote; cards have paid already, or never will.
pub async fn take_money(shop: &Shop, placed: &Placed) -> anyhow::Result<()> {
    if placed.by_card || placed.payment_id.is_empty() {
        return Ok(());
    }
    let path = format!("/v1/payments/{}", placed.payment_id);
    let payment = shop.rest.get(&path).await?.ok()?;
    let money = json!({ "amount": payment["amount"], "reference": placed.number });
    shop.rest.post(&format!("{path}/record"), &format!("{path}/record"), &money).await?.ok()?;
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
    tills: Vec<Till>,
    skus: Vec<String>,
}

/// Where orders are made: a source of a shop.
struct Till {
    /// Which of the shops.
    shop: usize,
    rest: Client,
    shop_id: String,
    source_id: String,
    name: &'static str,
    method: &'static str,
    delivery_methods: [String; 3],
}

impl Writer {
    fn of(shops: &[Shop], goods: &Goods) -> Self {
        let tills = shops.iter().enumerate().flat_map(|(at, shop)| {
            shop.sources.iter().map(move |source| Till {
                shop: at,
                rest: shop.rest.clone(),
                shop_id: shop.shop_id.clone(),
                source_id: source.source_id.clone(),
                name: source.name,
                method: source.method,
                delivery_methods: shop.delivery_methods.clone(),
            })
        });
        Self { tills: tills.collect(), skus: goods.skus.clone() }
    }

    fn order(&self, number: u64) -> (&Till, Value) {
        let till = &self.tills[pick(number, 1, self.tills.len())];
        let buyer = pick(number, 2, CUSTOMERS as usize) as u64;
        let mut lines: Vec<Value> = (0..=pick(number, 3, 3))
            .map(|line| {
                let sku = &self.skus[pick(number, 10 + line as u64, self.skus.len())];
                json!({ "sku": sku, "quantity": 1 + pick(number, 20 + line as u64, 2) })
            })
            .collect();
        if number.is_multiple_of(KIT_EVERY) {
            lines.push(json!({ "sku": KIT, "quantity": 1 }));
        }
        let city = if buyer.is_multiple_of(3) { "Львів" } else { "Київ" };
        let order = json!({
            "shopId": till.shop_id,
            "sourceId": till.source_id,
            "externalId": format!("{}-{number}", till.name),
            "method": till.method,
            "contact": { "name": NAMES[pick(buyer, 4, NAMES.len())], "phone": phone(buyer, number) },
            "lines": lines,
            "delivery": {
                "deliveryMethodId": till.delivery_methods[pick(number, 5, till.delivery_methods.len())],
                "address": {
                    "countryCode": "UA", "city": city, "postalCode": "01001", "line": format!("вул. Хрещатик, {}", 1 + buyer % 40),
                },
            },
            "paymentMethod": PAYMENT_METHODS[pick(number, 6, PAYMENT_METHODS.len())],
        });
        (till, order)
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
pub fn pick(number: u64, salt: u64, count: usize) -> usize {
    let mut mixed =
        (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ salt.wrapping_mul(0xD1B5_4A32_D192_ED03);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ (mixed >> 31)) % count.max(1) as u64) as usize
}
