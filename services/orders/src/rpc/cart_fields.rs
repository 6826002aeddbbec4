//! Reads what names a cart.

use rpc::{Call, Fields};
use types::ShopId;

/// As long as inventory takes it for a hold.
const CART_ID_LENGTH_MAX: usize = 128;

/// The cart's id in the shop.
pub(super) fn cart_id(fields: &mut Fields, text: &str) -> String {
    if text.is_empty() {
        fields.refuse("cart_id", "REQUIRED", "is required");
    }
    cart_id_optional(fields, text)
}

/// The same, or nothing.
pub(super) fn cart_id_optional(fields: &mut Fields, text: &str) -> String {
    let well_formed = text.len() <= CART_ID_LENGTH_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
    fields.check(well_formed, "cart_id", "MALFORMED", "up to 128 visible ASCII characters");
    text.to_owned()
}

/// The named shop, or the only one the caller has.
pub(super) fn shop_id(fields: &mut Fields, call: &Call, text: &str) -> Option<ShopId> {
    match (text, call.caller.shops.single()) {
        ("", Some(only)) => Some(only),
        (text, _) => fields.parse("shop_id", text),
    }
}
