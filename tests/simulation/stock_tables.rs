//! What inventory has stored.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use chrono::DateTime;
use korob_inventory::model::{
    Condition, Posting, Reservation, ShortageChange, StockLevel, Warehouse, Warehouses,
};
use korob_orders::model::missing_item::MissingItem;
use korob_orders::model::placement::Held;
use types::{Money, OrderId, ReservationId, Sku, WarehouseId};
use uuid::Uuid;

use crate::chance::Chance;
use crate::world::{World, currency};

/// What is sold; of the last one the catalog knows nothing.
pub const SKUS: [&str; 4] = ["MUG", "TEA", "POT", "GHOST"];
const WAREHOUSES: [u128; 2] = [11, 12];

/// The database of inventory.
pub struct StockTables {
    pub levels: Vec<StockLevel>,
    pub reservations: BTreeMap<ReservationId, Reservation>,
    pub warehouses: Warehouses,
    pub ledger: Vec<Posting>,
    pub log: Vec<StockEvent>,
}

/// What is told of a shortage, with the whole reservation.
pub struct StockEvent {
    pub shortage: ShortageChange,
    pub order_id: Option<OrderId>,
    pub held: Held,
}

impl StockTables {
    /// Little of everything: buyers get in each other's way.
    pub fn filled(chance: &Chance) -> Self {
        let warehouse = |number: &u128| Warehouse {
            id: WarehouseId::from_uuid(Uuid::from_u128(*number)),
            name: String::new(),
            archived: false,
            create_time: DateTime::UNIX_EPOCH,
        };
        let warehouses: Vec<Warehouse> = WAREHOUSES.iter().map(warehouse).collect();
        let places = SKUS[..3].iter().flat_map(|sku| warehouses.iter().map(move |place| (*sku, place.id)));
        let level = |(sku, warehouse_id)| StockLevel {
            sku: self::sku(sku),
            warehouse_id,
            condition: Condition::Sellable,
            on_hand: chance.between(0, 12),
            reserved: 0,
            version: 0,
            update_time: DateTime::UNIX_EPOCH,
        };
        Self {
            levels: places.map(level).collect(),
            reservations: BTreeMap::new(),
            warehouses: Warehouses::of(&warehouses),
            ledger: Vec::new(),
            log: Vec::new(),
        }
    }
}

/// What a reservation holds, as orders reads it from the contract.
pub fn held(reservation: &Reservation) -> Held {
    let mut held = Held { version: reservation.version, ..Held::default() };
    for line in &reservation.lines {
        *held.units.entry(line.sku.to_string()).or_default() += line.quantity;
    }
    let missing = |sku: &Sku| {
        let there = reservation.held(sku);
        MissingItem { sku: sku.to_string(), wanted: there + reservation.missing(sku), available: there }
    };
    held.shortages = reservation.open_shortages().map(|shortage| missing(&shortage.sku)).collect();
    held
}

pub fn sku(text: &str) -> Sku {
    text.parse().expect("a SKU")
}

/// The catalog's price now.
pub fn price_of(world: &World, sku: &Sku) -> Option<Money> {
    let known = SKUS[..3].iter().zip(1..).find(|(name, _)| **name == sku.as_str());
    let risen = world.price_list.load(Ordering::Relaxed);
    known.map(|(_, number)| Money::new(currency(), 10_000 * number + risen))
}
