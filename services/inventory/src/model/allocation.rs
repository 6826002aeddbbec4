//! Which units are taken from which warehouse.

use std::collections::BTreeMap;
use std::fmt;

use types::{Sku, WarehouseId};

use crate::error::{Error, Result};
use crate::model::Line;

/// Whether one reservation may take units from several warehouses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// When no single one has everything.
    Allowed,
    /// Never.
    OneWarehouse,
}

/// Units of one SKU that are wanted and are not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// What.
    pub sku: Sku,
    /// How many are wanted in all.
    pub wanted: i64,
    /// How many of them there are.
    pub available: i64,
}

/// Where wanted units come from, and which there are not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allocation {
    /// By SKU, then in the order of the warehouses.
    pub lines: Vec<Line>,
    /// By SKU.
    pub lacks: Vec<Lack>,
}

impl Allocation {
    /// Takes all units from the first warehouse that has them all; when there is none, from several if that is allowed,
    /// otherwise from the one that has most of them. `available` tells how many units a warehouse can give.
    pub fn of(
        units: &BTreeMap<Sku, i64>,
        available: &impl Fn(&Sku, WarehouseId) -> i64,
        warehouses: &[WarehouseId],
        split: Split,
    ) -> Self {
        if let Some(whole) = Self::whole(units, available, warehouses) {
            return whole;
        }
        match split {
            Split::Allowed => Self::from_all(units, available, warehouses),
            Split::OneWarehouse => Self::from_best(units, available, warehouses),
        }
    }

    /// All units from the first warehouse that has them all.
    pub fn whole(
        units: &BTreeMap<Sku, i64>,
        available: &impl Fn(&Sku, WarehouseId) -> i64,
        warehouses: &[WarehouseId],
    ) -> Option<Self> {
        let has_all = |warehouse: &&WarehouseId| {
            units.iter().all(|(sku, wanted)| available(sku, **warehouse) >= *wanted)
        };
        let warehouse = warehouses.iter().find(has_all)?;
        Some(Self::from_all(units, available, std::slice::from_ref(warehouse)))
    }

    /// From the warehouse that has most of the units; the first of equals.
    pub fn from_best(
        units: &BTreeMap<Sku, i64>,
        available: &impl Fn(&Sku, WarehouseId) -> i64,
        warehouses: &[WarehouseId],
    ) -> Self {
        let has = |warehouse: &&WarehouseId| -> i64 {
            units.iter().map(|(sku, wanted)| available(sku, **warehouse).min(*wanted)).sum()
        };
        // Of equals `max_by_key` answers the last.
        let best = warehouses.iter().rev().max_by_key(has);
        Self::from_all(units, available, best.map(std::slice::from_ref).unwrap_or_default())
    }

    /// Each SKU from the warehouses in their order.
    fn from_all(
        units: &BTreeMap<Sku, i64>,
        available: &impl Fn(&Sku, WarehouseId) -> i64,
        warehouses: &[WarehouseId],
    ) -> Self {
        let mut allocation = Self::default();
        for (sku, &wanted) in units {
            let mut missing = wanted;
            for &warehouse_id in warehouses {
                let quantity = missing.min(available(sku, warehouse_id));
                if quantity > 0 {
                    allocation.lines.push(Line { sku: sku.clone(), warehouse_id, quantity });
                    missing -= quantity;
                }
            }
            if missing > 0 {
                allocation.lacks.push(Lack { sku: sku.clone(), wanted, available: wanted - missing });
            }
        }
        allocation
    }
}

impl Split {
    /// Every policy.
    pub const ALL: [Self; 2] = [Self::Allowed, Self::OneWarehouse];

    /// The text in the database.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::OneWarehouse => "one_warehouse",
        }
    }

    /// The policy of a stored text.
    pub fn stored(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|one| one.text() == text)
            .ok_or_else(|| Error::corrupt("a split policy", text))
    }
}

impl Lack {
    /// Units that are not there.
    pub fn missing(&self) -> i64 {
        self.wanted - self.available
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} available, {} wanted", self.sku, self.available, self.wanted)
    }
}
