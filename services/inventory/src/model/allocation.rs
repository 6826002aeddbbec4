//! Which units are taken from which warehouse.

use std::collections::BTreeMap;

use types::{Sku, WarehouseId};

use crate::model::{Line, Shortage, Stock};

/// Where wanted units come from, and which there are not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allocation {
    /// By SKU, then in the order of the warehouses.
    pub lines: Vec<Line>,
    /// By SKU.
    pub shortages: Vec<Shortage>,
}

impl Allocation {
    /// Takes all units from the first warehouse that has them all, and only when there is none from several.
    pub fn of(units: &BTreeMap<Sku, i64>, stock: &Stock, warehouses: &[WarehouseId]) -> Self {
        let has_all = |warehouse: &&WarehouseId| {
            units.iter().all(|(sku, wanted)| stock.available(sku, **warehouse) >= *wanted)
        };
        match warehouses.iter().find(has_all) {
            Some(warehouse) => Self::split(units, stock, std::slice::from_ref(warehouse)),
            None => Self::split(units, stock, warehouses),
        }
    }

    /// Takes each SKU from the warehouses in their order.
    fn split(units: &BTreeMap<Sku, i64>, stock: &Stock, warehouses: &[WarehouseId]) -> Self {
        let mut allocation = Self::default();
        for (sku, &wanted) in units {
            let mut missing = wanted;
            for &warehouse_id in warehouses {
                let quantity = missing.min(stock.available(sku, warehouse_id));
                if quantity > 0 {
                    allocation.lines.push(Line { sku: sku.clone(), warehouse_id, quantity });
                    missing -= quantity;
                }
            }
            if missing > 0 {
                allocation.shortages.push(Shortage { sku: sku.clone(), wanted, available: wanted - missing });
            }
        }
        allocation
    }
}
