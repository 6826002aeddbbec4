//! Reads what several requests have in common.

use std::collections::BTreeMap;

use proto::inventory::v1 as pb;
use rpc::Fields;
use types::Sku;

use crate::model::{Condition, Units};

/// Lines of a receipt or of a correction.
pub const POSTING_LINES_MAX: usize = 1000;
/// Lines of a reservation.
pub const RESERVATION_LINES_MAX: usize = 1000;
/// Characters of a document's number.
pub const REFERENCE_LENGTH_MAX: usize = 128;
/// Characters of a note.
pub const NOTE_LENGTH_MAX: usize = 1000;

/// How many units of each SKU; lines that name the same SKU are added up.
pub fn units(fields: &mut Fields, lines: &[pb::StockQuantity], length_max: usize) -> BTreeMap<Sku, i64> {
    fields.list_length("lines", lines.len(), length_max);
    let mut units = BTreeMap::new();
    for (at, line) in lines.iter().enumerate().take(length_max) {
        let sku: Option<Sku> = fields.parse(&format!("lines[{at}].sku"), &line.sku);
        let quantity: Option<Units> = fields.convert(&format!("lines[{at}].quantity"), line.quantity);
        if let (Some(sku), Some(quantity)) = (sku, quantity) {
            *units.entry(sku).or_insert(0) += quantity.get();
        }
    }
    units
}

/// The condition of posted units; sellable when nothing is said.
pub fn condition(fields: &mut Fields, condition: i32) -> Option<Condition> {
    match pb::Condition::try_from(condition) {
        Ok(pb::Condition::Unspecified | pb::Condition::Sellable) => Some(Condition::Sellable),
        Ok(pb::Condition::Quarantine) => Some(Condition::Quarantine),
        Ok(pb::Condition::Damaged) => Some(Condition::Damaged),
        Err(_) => {
            fields.refuse("condition", "UNKNOWN", "not a condition");
            None
        }
    }
}
