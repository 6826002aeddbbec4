//! Looks at the books afterwards: is every acknowledged order there once, is stock what it must be, does money balance, and
//! does everybody outside say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use crate::demo::cards::{self, CardProof};
use crate::demo::day::Day;
use crate::demo::outside::Outside;
use crate::demo::parcels::{self, ParcelProof};
use crate::demo::partner::PartnerProof;
use crate::demo::shop::{Goods, Shop, list, whole};

/// Events travel; the books are looked at again until they agree, for at most this long.
const SETTLE_PATIENCE: Duration = Duration::from_secs(30);
const SETTLE_PAUSE: Duration = Duration::from_millis(250);

/// What the books say.
#[derive(Debug, Default)]
pub struct Proof {
    pub orders_by_state: BTreeMap<String, usize>,
    pub orders_by_channel: BTreeMap<String, usize>,
    /// Acknowledged orders that are not there.
    pub lost: usize,
    /// Orders that are there without having been acknowledged, or twice.
    pub doubled: usize,
    pub units_received: i64,
    pub units_on_hand: i64,
    pub units_reserved: i64,
    /// Units of orders that left.
    pub units_shipped: i64,
    /// Units that live orders hold according to the orders.
    pub units_promised: i64,
    /// Stock levels with more reserved than there is.
    pub oversold: usize,
    /// Units received that are neither there nor shipped.
    pub units_missing: i64,
    /// Minor units.
    pub ordered: i64,
    pub received: i64,
    pub debits: i64,
    pub credits: i64,
    /// Orders of another shop that a key was shown.
    pub foreign_seen: usize,
    pub cards: CardProof,
    pub parcels: ParcelProof,
    pub partner: PartnerProof,
}

impl Proof {
    /// Nothing lost, doubled, oversold, missing, charged twice, shown to strangers or kept from the partner, and the ledger balances.
    pub fn is_flawless(&self) -> bool {
        let stock =
            self.oversold == 0 && self.units_missing == 0 && self.units_reserved == self.units_promised;
        let outside = self.cards.charged_twice == 0
            && self.cards.unknown == 0
            && self.parcels.doubled == 0
            && self.partner.missing == 0
            && self.partner.disordered == 0;
        let orders = self.lost == 0 && self.doubled == 0 && self.foreign_seen == 0;
        orders && stock && outside && self.debits == self.credits
    }
}

/// Reads everything over REST.
pub async fn collect(shops: &[Shop], goods: &Goods, day: &Day, outside: &Outside) -> anyhow::Result<Proof> {
    let cards = cards::compare(shops, &outside.simulators).await?;
    let parcels = parcels::compare(day, &outside.simulators);
    let foreign_seen = foreign_seen(shops, day).await?;
    let started = std::time::Instant::now();
    loop {
        let mut proof = read(shops, goods, day).await?;
        let count = |state: &str| proof.orders_by_state.get(state).copied().unwrap_or(0);
        // A delivered order that lacks units waits for them in delivery.
        let delivered = count("ORDER_STATE_COMPLETE") + count("ORDER_STATE_DELIVERY");
        let settled = proof.is_flawless() && delivered == day.delivered.len();
        if settled || started.elapsed() > SETTLE_PATIENCE {
            (proof.cards, proof.parcels, proof.foreign_seen) = (cards, parcels, foreign_seen);
            return Ok(proof);
        }
        tokio::time::sleep(SETTLE_PAUSE).await;
    }
}

/// Asks with each shop's key for an order of every other.
async fn foreign_seen(shops: &[Shop], day: &Day) -> anyhow::Result<usize> {
    let mut seen = 0;
    for (at, shop) in shops.iter().enumerate() {
        if let Some((order_id, _)) = day.placed.iter().find(|(_, placed)| placed.shop != at) {
            let answer = shop.rest.get(&format!("/v1/orders/{order_id}")).await?;
            seen += usize::from(answer.status != StatusCode::NOT_FOUND);
        }
    }
    Ok(seen)
}

async fn read(shops: &[Shop], goods: &Goods, day: &Day) -> anyhow::Result<Proof> {
    let mut proof = Proof { doubled: day.doubled, ..Proof::default() };
    let mut seen = BTreeSet::new();
    for shop in shops {
        read_orders(shop, day, &mut proof, &mut seen).await?;
        read_ledger(shop, &mut proof).await?;
    }
    proof.lost = day.placed.keys().filter(|order_id| !seen.contains(*order_id)).count();
    read_stock(&shops[0], goods, day, &mut proof).await?;
    Ok(proof)
}

async fn read_orders(
    shop: &Shop,
    day: &Day,
    proof: &mut Proof,
    seen: &mut BTreeSet<String>,
) -> anyhow::Result<()> {
    for order in pages(shop, "/v1/orders?", "orders").await? {
        let state = order["state"].as_str().unwrap_or_default().to_owned();
        let order_id = order["orderId"].as_str().unwrap_or_default().to_owned();
        let is_placed = state != "ORDER_STATE_REJECTED";
        if !seen.insert(order_id.clone()) || (is_placed && !day.placed.contains_key(&order_id)) {
            proof.doubled += 1;
        }
        if is_placed {
            let channel = order["channel"].as_str().unwrap_or_default().to_owned();
            *proof.orders_by_channel.entry(channel).or_default() += 1;
        }
        if is_placed && state != "ORDER_STATE_CANCELLED" {
            proof.ordered += minor(&order["total"]);
            let whole = shop.rest.get(&format!("/v1/orders/{order_id}")).await?.ok()?;
            for line in list(&whole, "lines") {
                let count = |field: &str| line[field].as_i64().unwrap_or(0) * units_each(line);
                proof.units_shipped += count("shipped");
                proof.units_promised += count("reserved");
            }
        }
        *proof.orders_by_state.entry(state).or_default() += 1;
    }
    Ok(())
}

/// How many units of stock one unit of a line is: of a kit, all its components.
fn units_each(line: &Value) -> i64 {
    match list(line, "components") {
        [] => 1,
        components => components.iter().filter_map(|component| component["quantity"].as_i64()).sum(),
    }
}

async fn read_stock(shop: &Shop, goods: &Goods, day: &Day, proof: &mut Proof) -> anyhow::Result<()> {
    for level in pages(shop, "/v1/stock?", "levels").await? {
        let (on_hand, reserved) = (whole(&level["onHand"]), whole(&level["reserved"]));
        proof.units_on_hand += on_hand;
        proof.units_reserved += reserved;
        if reserved > on_hand || reserved < 0 {
            proof.oversold += 1;
        }
    }
    let came_back = day.returns.sellable + day.returns.quarantined;
    proof.units_received = goods.units_received + day.shortage.received;
    proof.units_missing = proof.units_received + came_back - proof.units_on_hand - proof.units_shipped;
    Ok(())
}

async fn read_ledger(shop: &Shop, proof: &mut Proof) -> anyhow::Result<()> {
    for entry in pages(shop, "/v1/ledger?", "entries").await? {
        proof.debits += minor(&entry["debit"]);
        proof.credits += minor(&entry["credit"]);
    }
    for payment in pages(shop, "/v1/payments?", "payments").await? {
        proof.received += minor(&payment["captured"]) - minor(&payment["refunded"]);
    }
    Ok(())
}

/// All rows of a list.
pub async fn pages(shop: &Shop, path: &str, field: &str) -> anyhow::Result<Vec<Value>> {
    let (mut rows, mut token) = (Vec::new(), String::new());
    loop {
        let page = shop.rest.get(&format!("{path}pageSize=200&pageToken={token}")).await?.ok()?;
        rows.extend_from_slice(list(&page, field));
        token = page["nextPageToken"].as_str().unwrap_or_default().to_owned();
        if token.is_empty() {
            return Ok(rows);
        }
    }
}

/// The demonstration's currency has two digits.
pub fn minor(money: &Value) -> i64 {
    let amount = money["amount"].as_str().unwrap_or("0");
    amount.replace('.', "").parse().unwrap_or(0)
}
