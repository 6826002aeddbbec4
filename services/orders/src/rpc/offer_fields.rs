//! Reads what takes something off, and recognises the content of a quote.

use proto::orders::v1 as pb;
use proto::r#type::v1::Address;
use rpc::Fields;
use types::QuoteId;

use crate::model::discount::{Discount, Discounts, Reduction};
use crate::model::promo_code::{CODE_LENGTH_MAX, CODE_LENGTH_MIN, key_of};

/// Discounts on the goods as a whole.
const DISCOUNTS_MAX: usize = 10;
const REASON_LENGTH_MAX: usize = 100;

/// The discounts of lines and of the goods as a whole.
pub(super) fn discounts(
    fields: &mut Fields,
    lines: &[pb::NewLine],
    of_goods: &[pb::NewDiscount],
    may_price: bool,
) -> Discounts {
    fields.check(of_goods.len() <= DISCOUNTS_MAX, "discounts", "TOO_MANY", "at most 10 entries");
    let mut discounts = Discounts::default();
    for (at, line) in (0..).zip(lines) {
        let Some(given) = &line.discount else { continue };
        if let Some(discount) = discount(fields, &format!("lines[{at}].discount"), given, may_price) {
            discounts.of_lines.push((at, discount));
        }
    }
    for (at, given) in of_goods.iter().take(DISCOUNTS_MAX).enumerate() {
        discounts.of_goods.extend(discount(fields, &format!("discounts[{at}]"), given, may_price));
    }
    discounts
}

fn discount(fields: &mut Fields, path: &str, given: &pb::NewDiscount, may_price: bool) -> Option<Discount> {
    fields.check(may_price, path, "PRICE_NOT_ALLOWED", "the scope orders.price is needed to set it");
    let reason = fields.required_text(&format!("{path}.reason"), given.reason.trim(), REASON_LENGTH_MAX);
    let of_code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    let is_code = given.code.len() <= CODE_LENGTH_MAX && given.code.bytes().all(of_code);
    fields.check(is_code, &format!("{path}.code"), "MALFORMED", "up to 40 of A-Z, 0-9, - and _");
    let reduction = match given.value.as_ref() {
        Some(pb::new_discount::Value::Percent(text)) => {
            fields.parse(&format!("{path}.percent"), text).map(Reduction::Percent)
        }
        Some(pb::new_discount::Value::Amount(money)) => {
            let money = fields.money(&format!("{path}.amount"), Some(money));
            let positive = money.is_none_or(|money| money.minor() > 0);
            fields.check(positive, &format!("{path}.amount"), "OUT_OF_RANGE", "must be more than nothing");
            money.map(Reduction::Amount)
        }
        None => {
            fields.refuse(path, "REQUIRED", "percent or amount");
            None
        }
    };
    Some(Discount { reduction: reduction?, reason, code: given.code.clone() })
}

/// A code as somebody types it; empty for none.
pub(super) fn typed_code(fields: &mut Fields, field: &str, text: &str) -> String {
    let text = text.trim();
    let letters = text.chars().all(|letter| letter.is_alphanumeric() || letter == '-' || letter == '_');
    let length = text.chars().count();
    let fits = text.is_empty() || (CODE_LENGTH_MIN..=CODE_LENGTH_MAX).contains(&length);
    fields.check(letters && fits, field, "MALFORMED", "3 to 40 letters, digits, - and _");
    text.to_owned()
}

/// What a quote recognises its prices, discounts and code by; the same whether they were given with the quote or the order.
pub(super) fn extras(lines: &[pb::NewLine], discounts: &[pb::NewDiscount], promo_code: &str) -> Vec<u8> {
    let line = |line: &pb::NewLine| pb::NewLine { sku: String::new(), quantity: 0, ..line.clone() };
    store::fingerprint(&pb::PlaceOrderRequest {
        lines: lines.iter().map(line).collect(),
        discounts: discounts.to_vec(),
        promo_code: key_of(promo_code),
        ..Default::default()
    })
}

/// Whether anything of it is given.
pub(super) fn has_extras(lines: &[pb::NewLine], discounts: &[pb::NewDiscount], promo_code: &str) -> bool {
    let priced = |line: &pb::NewLine| line.unit_price.is_some() || line.discount.is_some();
    lines.iter().any(priced) || !discounts.is_empty() || !promo_code.trim().is_empty()
}

/// What a quote recognises its destination by: what a price depends on, salted with the quote, so that nothing of the
/// address is kept. Street and comment may come later.
pub(super) fn destination(quote_id: QuoteId, address: Option<&Address>) -> Vec<u8> {
    let nowhere = Address::default();
    let address = address.unwrap_or(&nowhere);
    let part = |text: &str| text.trim().to_lowercase();
    store::fingerprint(&Address {
        country_code: part(&address.country_code),
        region: part(&address.region),
        city: part(&address.city),
        postal_code: part(&address.postal_code),
        pickup_point_code: part(&address.pickup_point_code),
        line: String::new(),
        comment: quote_id.to_string(),
    })
}
