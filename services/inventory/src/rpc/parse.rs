//! Reads what several requests have in common.

use std::collections::BTreeMap;

use proto::inventory::v1 as pb;
use rpc::Fields;
use types::{Sku, WarehouseId};

use crate::model::{Condition, OnShortage, Split, Units};

/// Lines of a document.
pub const POSTING_LINES_MAX: usize = 1000;
/// Lines of a reservation.
pub const RESERVATION_LINES_MAX: usize = 1000;
/// Warehouses that a reservation may name.
pub const WAREHOUSES_MAX: usize = 100;
/// Characters of a document's number.
pub const REFERENCE_LENGTH_MAX: usize = 128;
/// Characters of a note.
pub const NOTE_LENGTH_MAX: usize = 1000;

/// How many units of each SKU, at least one line; lines that name the same SKU are added up.
pub fn units(fields: &mut Fields, lines: &[pb::StockQuantity], length_max: usize) -> BTreeMap<Sku, i64> {
    fields.list_length("lines", lines.len(), length_max);
    units_if_any(fields, lines, length_max)
}

/// How many units of each SKU; lines that name the same SKU are added up.
pub fn units_if_any(
    fields: &mut Fields,
    lines: &[pb::StockQuantity],
    length_max: usize,
) -> BTreeMap<Sku, i64> {
    if lines.len() > length_max {
        fields.refuse("lines", "TOO_MANY", format!("at most {length_max} entries"));
    }
    let mut units = BTreeMap::new();
    for (at, line) in lines.iter().enumerate().take(length_max) {
        let sku: Option<Sku> = fields.parse(&format!("lines[{at}].sku"), &line.sku);
        let quantity: Option<Units> = fields.convert(&format!("lines[{at}].quantity"), line.quantity);
        if let (Some(sku), Some(quantity)) = (sku, quantity) {
            let sum = units.entry(sku).or_insert(0);
            *sum = if failpoint::planted!("inventory.without_sum_over_lines") { 0 } else { *sum }
                + quantity.get();
        }
    }
    units
}

/// Each warehouse once, in the order in which stock is taken.
pub fn warehouse_ids(fields: &mut Fields, texts: &[String]) -> Vec<WarehouseId> {
    if texts.len() > WAREHOUSES_MAX {
        fields.refuse("warehouse_ids", "TOO_MANY", format!("at most {WAREHOUSES_MAX} entries"));
    }
    let mut ids = Vec::with_capacity(texts.len().min(WAREHOUSES_MAX));
    for (at, text) in texts.iter().enumerate().take(WAREHOUSES_MAX) {
        let field = format!("warehouse_ids[{at}]");
        let Some(id) = fields.parse(&field, text) else { continue };
        if ids.contains(&id) {
            fields.refuse(field, "DUPLICATE", "each warehouse once");
        }
        ids.push(id);
    }
    ids
}

/// Whether units may come from several warehouses; they may when nothing is said.
pub fn split(fields: &mut Fields, split: i32) -> Option<Split> {
    match pb::SplitPolicy::try_from(split) {
        Ok(pb::SplitPolicy::Unspecified | pb::SplitPolicy::Allowed) => Some(Split::Allowed),
        Ok(pb::SplitPolicy::OneWarehouse) => Some(Split::OneWarehouse),
        Err(_) => {
            fields.refuse("split", "UNKNOWN", "not a split policy");
            None
        }
    }
}

/// What happens when there is less than is wanted.
pub fn on_shortage(accept_shortage: bool) -> OnShortage {
    if accept_shortage { OnShortage::Accept } else { OnShortage::Refuse }
}

/// The condition of posted units; sellable when nothing is said. What is in transit only transfers post.
pub fn condition(fields: &mut Fields, field: &str, condition: i32) -> Option<Condition> {
    match pb::Condition::try_from(condition) {
        Ok(pb::Condition::Unspecified | pb::Condition::Sellable) => Some(Condition::Sellable),
        Ok(pb::Condition::Quarantine) => Some(Condition::Quarantine),
        Ok(pb::Condition::Damaged) => Some(Condition::Damaged),
        Ok(pb::Condition::InTransit) => {
            fields.refuse(field, "NOT_ALLOWED", "only transfers move units that are in transit");
            None
        }
        Err(_) => {
            fields.refuse(field, "UNKNOWN", "not a condition");
            None
        }
    }
}
