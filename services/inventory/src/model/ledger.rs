//! The append-only ledger: where every unit of every level comes from.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use types::{ShopId, Sku, StockDocumentId, WarehouseId};

use crate::error::{Error, Result};
use crate::model::{Condition, Delta};

/// Why a ledger row was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Goods came.
    Receipt,
    /// A number was corrected.
    Adjustment,
    /// Units were held.
    Reserve,
    /// Held units were given back.
    Release,
    /// Held units left.
    Shipment,
    /// A document took held units away.
    Shortage,
    /// Goods were found to be gone or worthless.
    WriteOff,
    /// A buyer's goods came back.
    Return,
    /// Goods left for another warehouse, arrived there, or went back.
    Transfer,
    /// Goods became sellable, or ceased to be.
    ConditionChange,
    /// Another document was wrong.
    Reversal,
}

/// What all rows of one change have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Why.
    pub kind: Kind,
    /// The document or owner behind it.
    pub reference: String,
    /// Why, in somebody's words.
    pub note: String,
    /// Who.
    pub actor: String,
    /// The shop it was done for; `None` when it concerns the whole organisation.
    pub shop_id: Option<ShopId>,
    /// The document it belongs to; rows that move what is on hand have one.
    pub document_id: Option<StockDocumentId>,
}

/// A row to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// What.
    pub sku: Sku,
    /// Where.
    pub warehouse_id: WarehouseId,
    /// In which condition.
    pub condition: Condition,
    /// How many.
    pub delta: Delta,
    /// Why.
    pub cause: Arc<Cause>,
}

/// A row that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Its number; later rows have higher ones.
    pub sequence: i64,
    /// What it says.
    pub posting: Posting,
    /// When it was written.
    pub post_time: DateTime<Utc>,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Receipt,
        Self::Adjustment,
        Self::Reserve,
        Self::Release,
        Self::Shipment,
        Self::Shortage,
        Self::WriteOff,
        Self::Return,
        Self::Transfer,
        Self::ConditionChange,
        Self::Reversal,
    ];

    /// The text in the database.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Adjustment => "adjustment",
            Self::Reserve => "reserve",
            Self::Release => "release",
            Self::Shipment => "shipment",
            Self::Shortage => "shortage",
            Self::WriteOff => "write_off",
            Self::Return => "return",
            Self::Transfer => "transfer",
            Self::ConditionChange => "condition_change",
            Self::Reversal => "reversal",
        }
    }

    /// The kind of a stored text.
    pub fn stored(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|one| one.text() == text)
            .ok_or_else(|| Error::corrupt("a posting kind", text))
    }
}
