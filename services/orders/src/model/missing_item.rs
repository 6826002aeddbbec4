//! Units that an order lacks.

use serde::{Deserialize, Serialize};

/// Units of one SKU that are wanted and not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingItem {
    /// The SKU.
    pub sku: String,
    /// How many the order wants.
    pub wanted: i64,
    /// How many there are.
    pub available: i64,
}

impl MissingItem {
    /// Reads the fact of a refusal: the SKU, and `wanted/available`.
    pub fn parse(sku: &str, fact: &str) -> Option<Self> {
        let (wanted, available) = fact.split_once('/')?;
        Some(Self { sku: sku.to_owned(), wanted: wanted.parse().ok()?, available: available.parse().ok()? })
    }

    /// The fact of a refusal, as [`MissingItem::parse`] reads it.
    pub fn fact(&self) -> String {
        format!("{}/{}", self.wanted, self.available)
    }
}
