//! Corrections of what is on hand: the truth wins, and whose units are gone learns it at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use types::{Sku, WarehouseId};

use crate::error::{Error, Result};
use crate::model::{Cause, Delta, Kind, Reservation, Stock, StockLevel};

/// What somebody found out about one SKU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correction {
    /// So many units are there.
    Counted(i64),
    /// So many more units are there than was thought, or fewer when negative.
    Delta(i64),
}

/// New quantities of SKUs in one warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrections {
    warehouse_id: WarehouseId,
    on_hand: BTreeMap<Sku, i64>,
    deficits: BTreeMap<Sku, i64>,
}

impl Correction {
    /// What is on hand afterwards.
    fn on_hand(self, level: &StockLevel) -> Result<i64> {
        match self {
            Self::Counted(units) => Ok(units),
            Self::Delta(delta) => match level.on_hand.saturating_add(delta) {
                on_hand @ 0.. => Ok(on_hand),
                _ => Err(Error::StockBelowZero { sku: level.sku.clone(), on_hand: level.on_hand, delta }),
            },
        }
    }
}

impl Corrections {
    /// What `corrections` come to, given what is there.
    pub fn of(
        corrections: &BTreeMap<Sku, Correction>,
        stock: &Stock,
        warehouse_id: WarehouseId,
    ) -> Result<Self> {
        let mut all = Self { warehouse_id, on_hand: BTreeMap::new(), deficits: BTreeMap::new() };
        for (sku, correction) in corrections {
            let level = stock.level(sku, warehouse_id).ok_or(Error::Overtaken)?;
            let on_hand = correction.on_hand(level)?;
            if on_hand < level.reserved {
                all.deficits.insert(sku.clone(), level.reserved - on_hand);
            }
            all.on_hand.insert(sku.clone(), on_hand);
        }
        Ok(all)
    }

    /// SKUs of which more is reserved than there will be.
    pub fn short_skus(&self) -> Vec<&str> {
        self.deficits.keys().map(Sku::as_str).collect()
    }

    /// Posts the corrections. What no longer covers `reservations`, newest first, is taken from them; answers those that
    /// lost units.
    pub fn post(
        mut self,
        stock: &mut Stock,
        reservations: Vec<Reservation>,
        cause: &Cause,
    ) -> Result<Vec<Reservation>> {
        let mut short = Vec::new();
        for mut reservation in reservations {
            let lost = reservation.lose(self.warehouse_id, &mut self.deficits);
            let (Some(holder), false) = (&reservation.holder, lost.is_empty()) else { continue };
            let cause = Arc::new(holder.cause(Kind::Shortage, &cause.note, cause.actor.clone()));
            for line in lost {
                stock.post(&line.sku, line.warehouse_id, Delta::reserved(-line.quantity), &cause)?;
            }
            short.push(reservation);
        }
        let cause = Arc::new(cause.clone());
        for (sku, on_hand) in &self.on_hand {
            let before = stock.level(sku, self.warehouse_id).map_or(0, |level| level.on_hand);
            if *on_hand != before {
                stock.post(sku, self.warehouse_id, Delta::on_hand(on_hand - before), &cause)?;
            }
        }
        Ok(short)
    }
}
