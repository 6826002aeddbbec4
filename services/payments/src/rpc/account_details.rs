//! Reads what an account is made of, for those who add one and those who change one.

use std::collections::BTreeMap;

use outbound::Reach;
use proto::payments::v1 as pb;
use rpc::Fields;
use types::Currency;

use crate::model::account::Kind;

pub const NAME_LENGTH_MAX: usize = 200;
pub const URL_LENGTH_MAX: usize = 500;
const VALUE_LENGTH_MAX: usize = 1000;
const CURRENCIES_MAX: usize = 50;

/// The kind.
pub fn kind(fields: &mut Fields, field: &str, kind: i32) -> Option<Kind> {
    match pb::ProviderKind::try_from(kind) {
        Ok(pb::ProviderKind::KorobCard) => Some(Kind::KorobCard),
        Ok(pb::ProviderKind::Yookassa) => Some(Kind::Yookassa),
        Ok(pb::ProviderKind::Stripe) => Some(Kind::Stripe),
        Ok(pb::ProviderKind::Atol) => Some(Kind::Atol),
        Ok(pb::ProviderKind::Unspecified) => {
            fields.refuse(field, "REQUIRED", "is required");
            None
        }
        Err(_) => {
            fields.refuse(field, "UNKNOWN_VALUE", "is not a kind of provider");
            None
        }
    }
}

/// Whether the money is taken at once; unspecified only reserves.
pub fn automatic(fields: &mut Fields, field: &str, mode: i32) -> bool {
    match pb::CaptureMode::try_from(mode) {
        Ok(pb::CaptureMode::Automatic) => true,
        Ok(pb::CaptureMode::Manual | pb::CaptureMode::Unspecified) => false,
        Err(_) => {
            fields.refuse(field, "UNKNOWN_VALUE", "is not a capture mode");
            false
        }
    }
}

/// The address, without secrets in it and within `reach`.
pub fn base_url(fields: &mut Fields, field: &str, url: &str, reach: &Reach) -> String {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    let plain = !host.is_empty() && url.is_ascii() && !url.contains(['@', '?', '#', ' ']);
    if !plain {
        fields.refuse(field, "MALFORMED", "an http or https URL without user, query and fragment");
    } else if let Err(forbidden) = reach.check_url(url) {
        fields.refuse(field, "ADDRESS_NOT_ALLOWED", forbidden.to_string());
    }
    fields.required_text(field, url, URL_LENGTH_MAX)
}

/// The currencies; none means all.
pub fn currencies(fields: &mut Fields, field: &str, codes: &[String]) -> Vec<Currency> {
    if codes.len() > CURRENCIES_MAX {
        fields.list_length(field, codes.len(), CURRENCIES_MAX);
        return Vec::new();
    }
    let parsed =
        codes.iter().enumerate().filter_map(|(at, code)| fields.parse(&format!("{field}[{at}]"), code));
    parsed.collect()
}

/// Named values, each of `known`; what is wrong is told without the values.
pub fn named(
    fields: &mut Fields,
    field: &str,
    values: &BTreeMap<String, String>,
    known: &[&str],
) -> BTreeMap<String, String> {
    for (name, value) in values.iter().take(rpc::VIOLATIONS_MAX) {
        if !known.contains(&name.as_str()) {
            fields.refuse(field, "UNKNOWN_NAME", format!("one of {}", known.join(", ")));
        }
        let fine = value.chars().count() <= VALUE_LENGTH_MAX && !value.chars().any(char::is_control);
        fields.check(fine, field, "MALFORMED", "at most 1000 characters, without control characters");
    }
    values.clone()
}

/// Whether all of `needed` are there and not blank.
pub fn complete(fields: &mut Fields, field: &str, values: &BTreeMap<String, String>, needed: &[&str]) {
    let missing = |name: &&&str| values.get(**name).is_none_or(|value| value.trim().is_empty());
    let missing: Vec<&str> = needed.iter().filter(missing).copied().collect();
    if !missing.is_empty() {
        fields.refuse(field, "REQUIRED", format!("needs {}", missing.join(", ")));
    }
}
