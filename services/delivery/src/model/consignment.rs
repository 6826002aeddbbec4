//! What a carrier is told of a parcel: the stored plan, with what a person corrected. Nothing is typed again.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use types::{Currency, Money, ShipmentId};

use crate::model::address::{Address, Recipient};
use crate::model::delivery_plan::DeliveryPlan;
use crate::model::piece_size::PieceSize;
use crate::model::shipment::Shipment;

/// Goods in a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub sku: String,
    pub name: String,
    pub quantity: i32,
    pub unit_price: Money,
    /// Of one unit.
    pub weight_grams: i32,
    /// Of one unit, when it is known.
    pub piece_size: Option<PieceSize>,
}

/// Goods as the database keeps them.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoredItem {
    sku: String,
    name: String,
    quantity: i32,
    unit_price: i64,
    currency: String,
    weight_grams: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    piece_size: Option<PieceSize>,
}

/// What a person corrected for one parcel; `None` keeps the plan's. Personal: never printed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    pub address: Option<Address>,
    pub recipient_name: Option<String>,
    pub recipient_phone: Option<String>,
    pub weight_grams: Option<i32>,
}

/// A parcel as carriers are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consignment {
    /// Our own reference: the same for every attempt.
    pub reference: ShipmentId,
    pub order_number: String,
    pub service: String,
    pub recipient: Recipient,
    pub address: Address,
    pub weight_grams: i32,
    pub declared_value: Money,
    /// What the carrier takes from the buyer.
    pub cash: Option<Money>,
    pub items: Vec<Item>,
    /// When it is given to the carrier.
    pub send_time: DateTime<Utc>,
}

impl Correction {
    /// This one with a later one on top.
    pub fn then(self, later: Self) -> Self {
        Self {
            address: later.address.or(self.address),
            recipient_name: later.recipient_name.or(self.recipient_name),
            recipient_phone: later.recipient_phone.or(self.recipient_phone),
            weight_grams: later.weight_grams.or(self.weight_grams),
        }
    }
}

impl std::fmt::Debug for Correction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Correction(…)")
    }
}

impl Consignment {
    /// The parcel of a plan.
    pub fn of(plan: &DeliveryPlan, parcel: &Shipment, now: DateTime<Utc>) -> Self {
        let wish = &plan.wish;
        let correction = parcel.correction.clone().unwrap_or_default();
        let recipient = Recipient {
            name: correction.recipient_name.unwrap_or_else(|| wish.recipient.name.clone()),
            phone: correction.recipient_phone.unwrap_or_else(|| wish.recipient.phone.clone()),
        };
        Self {
            reference: parcel.id,
            order_number: wish.order_number.clone(),
            service: plan.service.clone(),
            recipient,
            address: correction.address.or_else(|| wish.address.clone()).unwrap_or_default(),
            weight_grams: correction.weight_grams.unwrap_or(wish.weight_grams),
            declared_value: wish.goods_total,
            cash: plan.cash(),
            items: wish.items.clone(),
            send_time: now,
        }
    }

    /// How people call it: the order's number, or our reference.
    pub fn title(&self) -> String {
        if self.order_number.is_empty() { self.reference.to_string() } else { self.order_number.clone() }
    }

    /// Whether it goes to a branch or a locker.
    pub fn to_pickup_point(&self) -> bool {
        !self.address.pickup_point_code.trim().is_empty()
    }
}

impl From<&Item> for StoredItem {
    fn from(item: &Item) -> Self {
        Self {
            sku: item.sku.clone(),
            name: item.name.clone(),
            quantity: item.quantity,
            unit_price: item.unit_price.minor(),
            currency: item.unit_price.currency().code().to_owned(),
            weight_grams: item.weight_grams,
            piece_size: item.piece_size,
        }
    }
}

impl TryFrom<StoredItem> for Item {
    type Error = types::MoneyError;

    fn try_from(stored: StoredItem) -> Result<Self, Self::Error> {
        let currency: Currency = stored.currency.parse()?;
        Ok(Self {
            sku: stored.sku,
            name: stored.name,
            quantity: stored.quantity,
            unit_price: Money::new(currency, stored.unit_price),
            weight_grams: stored.weight_grams,
            piece_size: stored.piece_size,
        })
    }
}
