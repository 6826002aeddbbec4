//! Stock documents: what every change of what is on hand belongs to.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rpc::Shops;
use types::{ShopId, Sku, StockDocumentId, TransferId, WarehouseId};

use crate::error::{Error, Result};
use crate::model::{Cause, Condition, Kind};

/// What a document tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// Goods came.
    Receipt,
    /// A number was corrected.
    Adjustment,
    /// An order's goods left.
    Shipment,
    /// Goods are gone or worthless.
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

/// Why goods are written off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOffReason {
    /// They broke.
    Damaged,
    /// Their time is over.
    Expired,
    /// Nobody finds them.
    Lost,
    /// Somebody took them.
    Stolen,
    /// They were made badly.
    Defective,
    /// The organisation used them itself.
    OwnUse,
    /// They did not arrive with their transfer.
    LostInTransit,
    /// They came back from a buyer unfit for sale.
    ReturnedUnfit,
    /// Anything else; the note says what.
    Other,
}

/// A document. It never changes; a wrong one is reversed by another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub id: StockDocumentId,
    /// What it tells.
    pub kind: DocumentKind,
    /// Rising over the whole organisation; 0 until it is stored.
    pub number: i64,
    /// Why goods were written off; only where some were.
    pub reason: Option<WriteOffReason>,
    /// What it was posted for.
    pub reference: String,
    /// Why, in somebody's words.
    pub note: String,
    /// Who posted it.
    pub author: String,
    /// The shop it concerns; `None` for the whole organisation.
    pub shop_id: Option<ShopId>,
    /// The transfer it is a step of.
    pub transfer_id: Option<TransferId>,
    /// The document that it undoes.
    pub reverses: Option<StockDocumentId>,
    /// When it was posted.
    pub post_time: DateTime<Utc>,
}

/// Units of one SKU that a document moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// What.
    pub sku: Sku,
    /// Where.
    pub warehouse_id: WarehouseId,
    /// In which condition.
    pub condition: Condition,
    /// Units that come, or go when negative.
    pub units: i64,
    /// Why, for the ledger.
    pub kind: Kind,
}

impl Document {
    /// A new document of `author`.
    pub fn new(kind: DocumentKind, author: String, now: DateTime<Utc>) -> Self {
        Self {
            id: StockDocumentId::new(),
            kind,
            number: 0,
            reason: None,
            reference: String::new(),
            note: String::new(),
            author,
            shop_id: None,
            transfer_id: None,
            reverses: None,
            post_time: now,
        }
    }

    /// What its ledger rows say.
    pub fn cause(&self, kind: Kind) -> Arc<Cause> {
        Arc::new(Cause {
            kind,
            reference: self.reference.clone(),
            note: self.note.clone(),
            actor: self.author.clone(),
            shop_id: self.shop_id,
            document_id: Some(self.id),
        })
    }

    /// The document that undoes this one. What an order or a transfer tells is undone by a return or by the transfer.
    pub fn reversal(&self, note: String, author: String, now: DateTime<Utc>) -> Result<Self> {
        let id = self.id;
        let by_itself = match self.kind {
            DocumentKind::Receipt
            | DocumentKind::Adjustment
            | DocumentKind::WriteOff
            | DocumentKind::ConditionChange => self.transfer_id.is_none(),
            DocumentKind::Shipment
            | DocumentKind::Return
            | DocumentKind::Transfer
            | DocumentKind::Reversal => false,
        };
        if !by_itself {
            return Err(Error::NotReversible { id, kind: self.kind });
        }
        let reference = self.reference.clone();
        let new = Self::new(DocumentKind::Reversal, author, now);
        Ok(Self { note, reference, shop_id: self.shop_id, reverses: Some(id), ..new })
    }

    /// Whether somebody who sees `shops` sees it.
    pub fn is_visible_to(&self, shops: &Shops) -> bool {
        self.shop_id.is_none_or(|shop_id| shops.allow(shop_id))
    }
}

impl Movement {
    /// The movement that undoes this one.
    pub fn opposite(self) -> Self {
        Self { units: -self.units, kind: Kind::Reversal, ..self }
    }
}

impl DocumentKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Receipt,
        Self::Adjustment,
        Self::Shipment,
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
            Self::Shipment => "shipment",
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
            .ok_or_else(|| Error::corrupt("a document kind", text))
    }
}

impl WriteOffReason {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Damaged,
        Self::Expired,
        Self::Lost,
        Self::Stolen,
        Self::Defective,
        Self::OwnUse,
        Self::LostInTransit,
        Self::ReturnedUnfit,
        Self::Other,
    ];

    /// The text in the database.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Expired => "expired",
            Self::Lost => "lost",
            Self::Stolen => "stolen",
            Self::Defective => "defective",
            Self::OwnUse => "own_use",
            Self::LostInTransit => "lost_in_transit",
            Self::ReturnedUnfit => "returned_unfit",
            Self::Other => "other",
        }
    }

    /// The reason of a stored text.
    pub fn stored(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|one| one.text() == text).ok_or_else(|| Error::corrupt("a reason", text))
    }
}
