//! Reads what a parcel holds.

use proto::delivery::v1 as pb;
use rpc::Fields;
use types::Money;

use super::address_fields::{not_negative, sum};
use crate::model::consignment::Item;

/// Most lines of a parcel: those of an order.
const ITEMS_MAX: usize = 1000;
const SKU_LENGTH_MAX: usize = 100;
const NAME_LENGTH_MAX: usize = 500;

/// The goods, all in the currency of their total.
pub fn items(fields: &mut Fields, items: &[pb::PlannedItem], total: Option<Money>) -> Option<Vec<Item>> {
    if items.len() > ITEMS_MAX {
        fields.refuse("items", "TOO_MANY", format!("at most {ITEMS_MAX} entries"));
        return None;
    }
    items.iter().enumerate().map(|(at, one)| item(fields, at, one, total)).collect()
}

fn item(fields: &mut Fields, at: usize, item: &pb::PlannedItem, total: Option<Money>) -> Option<Item> {
    let path = |field: &str| format!("items[{at}].{field}");
    let sku = fields.text(&path("sku"), &item.sku, SKU_LENGTH_MAX);
    let name = fields.required_text(&path("name"), &item.name, NAME_LENGTH_MAX);
    fields.check(item.quantity > 0, &path("quantity"), "OUT_OF_RANGE", "must be at least 1");
    let unit_price = sum(fields, &path("unit_price"), item.unit_price.as_ref());
    let one_currency =
        unit_price.zip(total).is_none_or(|(price, total)| price.currency() == total.currency());
    let problem = "must be the currency of the goods";
    fields.check(one_currency, &path("unit_price.currency_code"), "CURRENCY_MISMATCH", problem);
    let weight_grams = not_negative(fields, &path("weight_grams"), item.weight_grams);
    Some(Item { sku, name, quantity: item.quantity, unit_price: unit_price?, weight_grams })
}
