//! One way to write times, money, ids and enums.

use prost_reflect::Kind;

use crate::nothing_wrong;
use crate::suite::{enums, fields, holds};

const TIMESTAMP: &str = "google.protobuf.Timestamp";
const MONEY: &str = "korob.type.v1.Money";
/// A field that ends with one of these is a sum of money.
const MONEY_WORDS: [&str; 13] = [
    "amount", "price", "total", "totals", "paid", "refunded", "captured", "debit", "credit", "cost", "fee",
    "tax", "discount",
];
/// Fields that end like money and are none, each with its reason.
const NOT_MONEY: [(&str, &str); 1] = [("korob.type.v1.Money.amount", "is what money is made of")];

#[test]
fn times_are_timestamps_named_time() {
    let mut problems = Vec::new();
    for field in fields() {
        let (is_time, named_time) = (holds(&field, TIMESTAMP), field.name().ends_with("_time"));
        match (is_time, named_time) {
            (true, false) => problems.push(format!("{}: name it …_time", field.full_name())),
            (false, true) => problems.push(format!("{}: make it a {TIMESTAMP}", field.full_name())),
            _ => {}
        }
    }
    nothing_wrong(problems);
}

#[test]
fn money_is_money() {
    let mut problems = Vec::new();
    for field in fields() {
        let last_word = field.name().rsplit('_').next().unwrap_or_default().to_owned();
        let excused = NOT_MONEY.iter().any(|(name, _)| *name == field.full_name());
        // A message under such a name, like a Price, is looked into by its own fields.
        let scalar = !matches!(field.kind(), Kind::Message(_));
        if MONEY_WORDS.contains(&last_word.as_str()) && scalar && !excused {
            problems.push(format!("{}: make it a {MONEY}, or name it for what it is", field.full_name()));
        }
    }
    nothing_wrong(problems);
}

#[test]
fn nothing_is_a_floating_point_number() {
    let floats = fields().filter(|field| matches!(field.kind(), Kind::Double | Kind::Float));
    nothing_wrong(
        floats
            .map(|field| format!("{}: use Money, whole units or a decimal string", field.full_name()))
            .collect(),
    );
}

#[test]
fn ids_are_text() {
    let mut problems = Vec::new();
    for field in fields() {
        let is_id = field.name().ends_with("_id") || field.name().ends_with("_ids");
        // ExternalId is a message: an id together with whose it is.
        let text = matches!(field.kind(), Kind::String | Kind::Message(_));
        if is_id && !text {
            problems.push(format!("{}: ids are opaque text", field.full_name()));
        }
        if is_id && field.is_list() != field.name().ends_with("_ids") {
            problems.push(format!("{}: one is …_id, many are …_ids", field.full_name()));
        }
    }
    nothing_wrong(problems);
}

#[test]
fn enums_begin_with_unspecified() {
    let mut problems = Vec::new();
    for found in enums() {
        let prefix = upper_snake_case(found.name());
        let zero = found.get_value(0).map(|value| value.name().to_owned()).unwrap_or_default();
        if zero != format!("{prefix}_UNSPECIFIED") {
            problems.push(format!("{}: the value 0 is {prefix}_UNSPECIFIED", found.full_name()));
        }
        for value in found.values().filter(|value| !value.name().starts_with(&format!("{prefix}_"))) {
            problems.push(format!("{}.{}: begins with {prefix}_", found.full_name(), value.name()));
        }
    }
    nothing_wrong(problems);
}

fn upper_snake_case(name: &str) -> String {
    let mut out = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}
