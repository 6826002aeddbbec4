//! Parcels while the carrier is down: orders are assembled all the same, and every parcel gets one waybill in the end.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use simulators::{Effect, Simulators};

use crate::demo::day::{Day, Placed, take_money};
use crate::demo::outside::Outside;
use crate::demo::shop::{Shop, list, text};

const BOOKING_PATIENCE: Duration = Duration::from_secs(60);
const BOOKING_PAUSE: Duration = Duration::from_millis(200);
/// Handed over, delivered.
const JOURNEY: [&str; 2] = ["200", "600"];

/// What became of them.
#[derive(Debug, Default)]
pub struct Parcels {
    /// Asked for while the carrier was down.
    pub waited: usize,
    /// Orders that arrived, by id.
    pub delivered: Vec<String>,
}

/// What the carrier's own book says.
#[derive(Debug, Default)]
pub struct ParcelProof {
    pub waybills: usize,
    /// Parcels with more than one waybill.
    pub doubled: usize,
}

/// Assembles `orders` while the carrier is down, waits until it is back and every parcel is booked, and delivers them.
pub async fn send(
    shops: &[Shop],
    outside: &Outside,
    orders: &[(&String, &Placed)],
) -> anyhow::Result<Parcels> {
    outside.carrier_knows_receivers(shops.len()).await?;
    outside.carrier_goes_down();
    for (order_id, placed) in orders {
        let rest = &shops[placed.shop].rest;
        for state in ["ORDER_STATE_APPROVAL", "ORDER_STATE_ASSEMBLING"] {
            let path = format!("/v1/orders/{order_id}/state");
            rest.post(&path, &format!("{path}-{state}"), &json!({ "state": state })).await?.ok()?;
        }
    }
    let mut parcels = Parcels::default();
    for (order_id, placed) in orders {
        let shipment = wait_for(&shops[placed.shop], order_id, |_| true).await?;
        parcels.waited += usize::from(shipment["state"] == "SHIPMENT_STATE_BOOKING");
    }
    outside.carrier_comes_back();

    for (order_id, placed) in orders {
        let shop = &shops[placed.shop];
        let booked =
            wait_for(shop, order_id, |shipment| shipment["state"] == "SHIPMENT_STATE_BOOKED").await?;
        let number = text(&booked, "trackingNumber")?;
        for code in JOURNEY {
            outside.simulators.advance_to(&number, code);
        }
        wait_for(shop, order_id, |shipment| shipment["status"] == "TRACKING_STATUS_DELIVERED").await?;
        take_money(shop, placed).await?;
        parcels.delivered.push((*order_id).clone());
    }
    Ok(parcels)
}

/// The order's parcel, once it is as `is_ready` wants it.
async fn wait_for(shop: &Shop, order_id: &str, is_ready: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let mut last = Value::Null;
    let ready = async {
        loop {
            let shipments = shop.rest.get(&format!("/v1/shipments?orderId={order_id}")).await?.ok()?;
            if let [shipment, ..] = list(&shipments, "shipments") {
                if is_ready(shipment) {
                    return anyhow::Ok(shipment.clone());
                }
                last = shipment.clone();
            }
            tokio::time::sleep(BOOKING_PAUSE).await;
        }
    };
    match tokio::time::timeout(BOOKING_PATIENCE, ready).await {
        Ok(shipment) => shipment,
        Err(_) => anyhow::bail!("the parcel of {order_id} is not ready: {last}"),
    }
}

/// Compares the parcels we asked for with the carrier's waybills.
pub fn compare(day: &Day, simulators: &Simulators) -> ParcelProof {
    let mut waybills: BTreeMap<String, usize> = BTreeMap::new();
    for entry in simulators.ledger("parcel").entries() {
        if entry.effect == Effect::WaybillCreated {
            *waybills.entry(entry.reference.clone()).or_default() += 1;
        }
    }
    let doubled = waybills.values().filter(|count| **count > 1).count();
    let missing = day.parcels.delivered.len().saturating_sub(waybills.len());
    ParcelProof { waybills: waybills.len(), doubled: doubled + missing }
}
