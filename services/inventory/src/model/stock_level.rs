//! How many units of a SKU lie in a warehouse, and how many of them are spoken for.

use chrono::{DateTime, Utc};
use types::{Sku, WarehouseId};

use crate::error::{Error, Result};

/// Whether units may be sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// They may.
    Sellable,
    /// Not yet: they are being looked at.
    Quarantine,
    /// No more.
    Damaged,
    /// Not before they have arrived: they are on their way from another warehouse.
    InTransit,
}

/// The sum of all postings to one SKU in one warehouse in one condition: `0 <= reserved <= on_hand`, always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockLevel {
    /// What.
    pub sku: Sku,
    /// Where.
    pub warehouse_id: WarehouseId,
    /// Whether it may be sold.
    pub condition: Condition,
    /// Units that are there.
    pub on_hand: i64,
    /// Units of those that are held for somebody.
    pub reserved: i64,
    /// Grows with every posting.
    pub version: i64,
    /// When the last posting was made.
    pub update_time: DateTime<Utc>,
}

/// A change of both numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delta {
    /// Units that came, or went when negative.
    pub on_hand: i64,
    /// Units that were held, or given back when negative.
    pub reserved: i64,
}

impl Condition {
    /// Every condition.
    pub const ALL: [Self; 4] = [Self::Sellable, Self::Quarantine, Self::Damaged, Self::InTransit];

    /// The text in the database.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Sellable => "sellable",
            Self::Quarantine => "quarantine",
            Self::Damaged => "damaged",
            Self::InTransit => "in_transit",
        }
    }

    /// The condition of a stored text.
    pub fn stored(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|one| one.text() == text)
            .ok_or_else(|| Error::corrupt("a condition", text))
    }
}

impl StockLevel {
    /// The most units of one level.
    pub const ON_HAND_MAX: i64 = 1_000_000_000_000_000;

    /// Units that can still be promised.
    pub fn available(&self) -> i64 {
        match self.condition {
            Condition::Sellable => self.on_hand - self.reserved,
            Condition::Quarantine | Condition::Damaged | Condition::InTransit => 0,
        }
    }

    /// Units that are on their way.
    pub fn in_transit(&self) -> i64 {
        if self.condition == Condition::InTransit { self.on_hand } else { 0 }
    }

    /// Applies a posting, or refuses what would leave less than nothing or less than is held.
    pub fn change(&mut self, delta: Delta) -> Result<()> {
        let on_hand = self.on_hand.saturating_add(delta.on_hand);
        let reserved = self.reserved.saturating_add(delta.reserved);
        if on_hand < 0 {
            return Err(Error::StockBelowZero {
                sku: self.sku.clone(),
                on_hand: self.on_hand,
                delta: delta.on_hand,
            });
        }
        if on_hand > Self::ON_HAND_MAX {
            return Err(Error::StockTooLarge { sku: self.sku.clone() });
        }
        if reserved < 0 || reserved > on_hand {
            return Err(Error::corrupt("a posting to", &self.sku));
        }
        self.on_hand = on_hand;
        self.reserved = reserved;
        self.version += 1;
        Ok(())
    }
}

impl Delta {
    /// Units that came, or went when negative.
    pub const fn on_hand(units: i64) -> Self {
        Self { on_hand: units, reserved: 0 }
    }

    /// Units that were held, or given back when negative.
    pub const fn reserved(units: i64) -> Self {
        Self { on_hand: 0, reserved: units }
    }

    /// Held units that left the house.
    pub const fn shipped(units: i64) -> Self {
        Self { on_hand: -units, reserved: -units }
    }
}
