//! Reads the definition of a characteristic.

use std::collections::{BTreeMap, HashSet};

use ::rpc::{Fields, Invalid};
use proto::catalog::v1 as pb;

use crate::model::{CharacteristicDetails, Choice, ValueKind};

const CODE_LENGTH_MAX: usize = 64;
const NAME_LENGTH_MAX: usize = 200;
const UNIT_LENGTH_MAX: usize = 32;
const CHOICES_MAX: usize = 1000;
const LANGUAGES: [&str; 3] = ["ru", "uk", "en"];

/// Everything a caller may set on a definition.
pub(crate) fn characteristic_definition(one: &pb::Characteristic) -> Result<CharacteristicDetails, Invalid> {
    let mut fields = Fields::new();
    let code = code(&mut fields, "characteristic.code", &one.code);
    let names = names(&mut fields, "characteristic.names", &one.names);
    let kind = kind(&mut fields, one.r#type);
    let unit = fields.text("characteristic.unit", one.unit.trim(), UNIT_LENGTH_MAX);
    let measured = unit.is_empty() || kind.is_none_or(|kind| kind == ValueKind::Number);
    fields.check(measured, "characteristic.unit", "NOT_A_NUMBER", "only a number has a unit");
    if one.choices.len() > CHOICES_MAX {
        fields.refuse("characteristic.choices", "TOO_MANY", format!("at most {CHOICES_MAX} entries"));
    }
    let choices = choices(&mut fields, &one.choices);
    match (kind, choices.is_empty()) {
        (Some(ValueKind::Choice), true) => {
            fields.refuse("characteristic.choices", "REQUIRED", "what may be chosen?");
        }
        (Some(ValueKind::Number | ValueKind::Text | ValueKind::Boolean), false) => {
            fields.refuse("characteristic.choices", "NOT_A_CHOICE", "only a choice has choices");
        }
        _ => {}
    }
    let (filterable, variant_axis, archived) = (one.filterable, one.variant_axis, one.archived);
    fields.finish_with(kind.map(|kind| CharacteristicDetails {
        code,
        names,
        kind,
        unit,
        choices,
        filterable,
        variant_axis,
        archived,
    }))
}

fn code(fields: &mut Fields, field: &str, code: &str) -> String {
    let first = code.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let plain = code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let problem = "lower-case letters, digits and _, beginning with a letter; at most 64";
    fields.check(first && plain && code.len() <= CODE_LENGTH_MAX, field, "MALFORMED", problem);
    code.to_owned()
}

fn names(fields: &mut Fields, field: &str, names: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    fields.check(!names.is_empty(), field, "REQUIRED", "a name in at least one language");
    let mut read = BTreeMap::new();
    for (language, name) in names {
        let field = format!("{field}.{language}");
        fields.check(LANGUAGES.contains(&language.as_str()), &field, "UNKNOWN_VALUE", "ru, uk or en");
        read.insert(language.clone(), fields.required_text(&field, name.trim(), NAME_LENGTH_MAX));
    }
    read
}

fn kind(fields: &mut Fields, kind: i32) -> Option<ValueKind> {
    match pb::CharacteristicType::try_from(kind) {
        Ok(pb::CharacteristicType::Number) => Some(ValueKind::Number),
        Ok(pb::CharacteristicType::String) => Some(ValueKind::Text),
        Ok(pb::CharacteristicType::Boolean) => Some(ValueKind::Boolean),
        Ok(pb::CharacteristicType::Choice) => Some(ValueKind::Choice),
        Ok(pb::CharacteristicType::Unspecified) | Err(_) => {
            fields.refuse("characteristic.type", "UNKNOWN_VALUE", "number, string, boolean or choice");
            None
        }
    }
}

fn choices(fields: &mut Fields, choices: &[pb::CharacteristicChoice]) -> Vec<Choice> {
    let mut seen = HashSet::new();
    let mut read = Vec::new();
    for (at, choice) in choices.iter().take(CHOICES_MAX).enumerate() {
        let field = |name: &str| format!("characteristic.choices[{at}].{name}");
        // A choice may be a number, as sizes are.
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let valid = (1..=CODE_LENGTH_MAX).contains(&choice.code.len()) && choice.code.bytes().all(plain);
        fields.check(valid, &field("code"), "MALFORMED", "1 to 64 lower-case letters, digits and _");
        fields.check(seen.insert(&choice.code), &field("code"), "DUPLICATE", "the choice is listed twice");
        read.push(Choice { code: choice.code.clone(), names: names(fields, &field("names"), &choice.names) });
    }
    read
}
