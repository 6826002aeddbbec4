//! Reads addresses, weights and sums that several verbs take.

use proto::r#type::v1 as pb_type;
use rpc::Fields;
use types::Money;

use crate::model::address::Address;

const LINE_LENGTH_MAX: usize = 300;
const COMMENT_LENGTH_MAX: usize = 1000;

/// An address; absent or all empty is none.
pub fn address(fields: &mut Fields, address: Option<&pb_type::Address>) -> Option<Address> {
    let address = address?;
    let mut line = |field: &str, text: &str| fields.text(field, text, LINE_LENGTH_MAX);
    let read = Address {
        region: line("address.region", &address.region),
        city: line("address.city", &address.city),
        postal_code: line("address.postal_code", &address.postal_code),
        line: line("address.line", &address.line),
        pickup_point_code: line("address.pickup_point_code", &address.pickup_point_code),
        comment: fields.text("address.comment", &address.comment, COMMENT_LENGTH_MAX),
        country_code: country_code(fields, "address.country_code", &address.country_code),
    };
    (read != Address::default()).then_some(read)
}

/// Two letters or nothing.
pub fn country_code(fields: &mut Fields, field: &str, code: &str) -> String {
    let plausible =
        code.is_empty() || (code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_alphabetic()));
    fields.check(plausible, field, "MALFORMED", "two letters of ISO 3166-1, such as UA");
    code.to_ascii_uppercase()
}

/// A number that is not negative.
pub fn not_negative(fields: &mut Fields, field: &str, number: i32) -> i32 {
    fields.check(number >= 0, field, "OUT_OF_RANGE", "must not be negative");
    number
}

/// A sum that is not negative.
pub fn sum(fields: &mut Fields, field: &str, money: Option<&pb_type::Money>) -> Option<Money> {
    let sum = fields.money(field, money)?;
    fields.check(!sum.is_negative(), &format!("{field}.amount"), "OUT_OF_RANGE", "must not be negative");
    Some(sum)
}
