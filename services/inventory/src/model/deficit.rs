//! What a document takes away that was promised to somebody: the newest reservations lose it.

use std::collections::BTreeMap;
use std::sync::Arc;

use types::{ReservationId, Sku, WarehouseId};

use crate::error::{Error, Result};
use crate::model::{Condition, Kind, Movement, Occasion, Reservation, State, Stock, StockLevel};

/// Sellable units per warehouse and SKU that are reserved and will not be there, and SKUs of which more will be free.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effect {
    deficits: BTreeMap<WarehouseId, BTreeMap<Sku, i64>>,
    freed: Vec<Sku>,
}

impl Effect {
    /// What `movements` together do to what is there; less than nothing is refused.
    pub fn of(movements: &[Movement], stock: &Stock) -> Result<Self> {
        let mut sums: BTreeMap<(&Sku, WarehouseId, Condition), i64> = BTreeMap::new();
        for movement in movements {
            let place = (&movement.sku, movement.warehouse_id, movement.condition);
            *sums.entry(place).or_insert(0) += movement.units;
        }
        let mut effect = Self::default();
        for ((sku, warehouse_id, condition), delta) in sums {
            let level = stock.level(sku, warehouse_id, condition).ok_or(Error::Overtaken)?;
            let on_hand = level.on_hand.saturating_add(delta);
            if on_hand < 0 {
                return Err(Error::StockBelowZero { sku: sku.clone(), on_hand: level.on_hand, delta });
            }
            if on_hand > StockLevel::ON_HAND_MAX {
                return Err(Error::StockTooLarge { sku: sku.clone() });
            }
            if on_hand < level.reserved {
                let of_warehouse = effect.deficits.entry(warehouse_id).or_default();
                of_warehouse.insert(sku.clone(), level.reserved - on_hand);
                // What is lost here may be found elsewhere.
                effect.freed.push(sku.clone());
            } else if delta > 0 && condition == Condition::Sellable {
                effect.freed.push(sku.clone());
            }
        }
        effect.freed.dedup();
        Ok(effect)
    }

    /// Where reserved units are lost.
    pub fn lost_from(&self) -> impl Iterator<Item = (&Sku, WarehouseId)> {
        self.deficits.iter().flat_map(|(id, skus)| skus.keys().map(move |sku| (sku, *id)))
    }

    /// SKUs of which somebody who waits may get units.
    pub fn freed(&self) -> &[Sku] {
        &self.freed
    }

    /// Takes what is lost from the newest of `reservations`; answers who lost units, newest first.
    pub fn take_away(
        mut self,
        reservations: &mut BTreeMap<ReservationId, Reservation>,
        stock: &mut Stock,
        note: &str,
        occasion: &Occasion,
    ) -> Result<Vec<ReservationId>> {
        let mut newest_first: Vec<_> =
            reservations.values_mut().filter(|reservation| reservation.state == State::Held).collect();
        newest_first.sort_by_key(|reservation| std::cmp::Reverse((reservation.create_time, reservation.id)));
        let mut short = Vec::new();
        for reservation in newest_first {
            let mut lost = Vec::new();
            for (warehouse_id, deficits) in &mut self.deficits {
                lost.extend(reservation.lose(*warehouse_id, deficits, occasion));
            }
            let (Some(holder), false) = (&reservation.holder, lost.is_empty()) else { continue };
            let cause = Arc::new(holder.cause(Kind::Shortage, note, occasion.actor.clone()));
            for line in lost {
                stock.hold(&line, -line.quantity, &cause)?;
            }
            short.push(reservation.id);
        }
        Ok(short)
    }
}
