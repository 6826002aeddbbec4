//! Corrections of what is on hand: the truth wins.

use std::collections::BTreeMap;

use types::{Sku, WarehouseId};

use crate::error::{Error, Result};
use crate::model::{Condition, Kind, Movement, Stock, StockLevel};

/// What somebody found out about one SKU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correction {
    /// So many units are there.
    Counted(i64),
    /// So many more units are there than was thought, or fewer when negative.
    Delta(i64),
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

    /// What `corrections` in one warehouse and condition come to, given what is there; a count that confirms is no movement.
    pub fn movements(
        corrections: &BTreeMap<Sku, Self>,
        stock: &Stock,
        warehouse_id: WarehouseId,
        condition: Condition,
    ) -> Result<Vec<Movement>> {
        let mut movements = Vec::new();
        for (sku, correction) in corrections {
            let level = stock.level(sku, warehouse_id, condition).ok_or(Error::Overtaken)?;
            let units = correction.on_hand(level)? - level.on_hand;
            if units != 0 {
                let (sku, kind) = (sku.clone(), Kind::Adjustment);
                movements.push(Movement { sku, warehouse_id, condition, units, kind });
            }
        }
        Ok(movements)
    }
}
