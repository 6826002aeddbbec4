//! Who gets units that became free: those that have waited longest.

use std::collections::{BTreeMap, BTreeSet};

use types::{ReservationId, Sku, WarehouseId};

use crate::error::Result;
use crate::model::{Occasion, Reservation, Split, State, Stock, Warehouses};

/// Covers the oldest open shortages of `reservations` with what is free in `stock`; answers which reservations got units.
pub fn cover_oldest(
    reservations: &mut BTreeMap<ReservationId, Reservation>,
    stock: &mut Stock,
    warehouses: &Warehouses,
    occasion: &Occasion,
) -> Result<BTreeSet<ReservationId>> {
    let mut queue = Vec::new();
    for reservation in reservations.values().filter(|reservation| reservation.state == State::Held) {
        for shortage in reservation.open_shortages().filter(|shortage| stock.is_free(&shortage.sku)) {
            queue.push((shortage.create_time, shortage.id, reservation.id, shortage.sku.clone()));
        }
    }
    queue.sort();

    let mut served = BTreeSet::new();
    for (_, _, id, sku) in queue {
        let Some(reservation) = reservations.get_mut(&id) else { continue };
        let from = reservation.may_take_from(&sku, stock, warehouses);
        if reservation.cover(&sku, i64::MAX, &from, stock, occasion)? > 0 {
            served.insert(id);
        }
    }
    Ok(served)
}

impl Reservation {
    /// Where missing units of a SKU may come from without asking anybody: warehouses that it uses already first.
    pub fn may_take_from(&self, sku: &Sku, stock: &Stock, warehouses: &Warehouses) -> Vec<WarehouseId> {
        let named = &self.terms.warehouse_ids;
        let mut from: Vec<WarehouseId> = match named.is_empty() {
            true => warehouses.open().collect(),
            false => named.iter().copied().filter(|id| warehouses.is_open(*id)).collect(),
        };
        let used = self.uses();
        match (self.terms.split, used.is_empty()) {
            (Split::Allowed, _) => from.sort_by_key(|id| !used.contains(id)),
            (Split::OneWarehouse, false) => from.retain(|id| used.contains(id)),
            (Split::OneWarehouse, true) => {
                let missing = self.missing(sku);
                let most = |id: &&WarehouseId| stock.available(sku, **id).min(missing);
                // Of equals `max_by_key` answers the last.
                let best = from.iter().rev().max_by_key(most).copied();
                from = best.into_iter().collect();
            }
        }
        from
    }

    /// The warehouses that its units are or were taken from.
    pub fn uses(&self) -> BTreeSet<WarehouseId> {
        let shipped = self.shipments.iter().map(|shipped| shipped.line.warehouse_id);
        self.lines.iter().map(|line| line.warehouse_id).chain(shipped).collect()
    }
}
