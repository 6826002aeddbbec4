//! Examples of bodies, made of their schemas: every value is one that could be sent.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{referred, text};

/// Deeper than this nobody reads.
const DEPTH_MAX: usize = 3;

/// Values by the last words of a field's name.
const BY_NAME: [(&str, &str); 34] = [
    ("amount", "100.00"),
    ("address", "Khreshchatyk 1"),
    ("baseUrl", "https://provider.example"),
    ("birthday", "1990-05-17"),
    ("barcode", "4820000000017"),
    ("channel", "site"),
    ("city", "Kyiv"),
    ("color", "#3366cc"),
    ("comment", "Please call first"),
    ("countryCode", "UA"),
    ("currencyCode", "UAH"),
    ("email", "olena@example.com"),
    ("etag", "1"),
    ("key", "a-key"),
    ("line", "Khreshchatyk 1"),
    ("locale", "uk-UA"),
    ("name", "A name"),
    ("nextPageToken", ""),
    ("note", "A note"),
    ("number", "A-1001"),
    ("numberPrefix", "A-"),
    ("pageToken", ""),
    ("pageUrl", "https://shop.example/order"),
    ("phone", "+380671234567"),
    ("phones", "+380671234567"),
    ("postalCode", "01001"),
    ("reason", "changed_mind"),
    ("reference", "KB-17"),
    ("returnUrl", "https://shop.example/thanks"),
    ("sku", "MUG"),
    ("skus", "MUG"),
    ("timeZone", "Europe/Kyiv"),
    ("url", "https://shop.example/mug"),
    ("vendor", "A maker"),
];

/// Prefixes of ids by the field that holds one.
const PREFIXES: [(&str, &str); 24] = [
    ("carrierAccountId", "cac"),
    ("categoryId", "cat"),
    ("customerId", "cus"),
    ("deliveryMethodId", "dlm"),
    ("deliveryPlanId", "dlp"),
    ("fulfilmentId", "ful"),
    ("keyId", "key"),
    ("legalEntityId", "ent"),
    ("lineId", "lin"),
    ("orderId", "ord"),
    ("organizationId", "org"),
    ("paymentAccountId", "pac"),
    ("paymentId", "pay"),
    ("priceListId", "prl"),
    ("productId", "prd"),
    ("providerAccountId", "pac"),
    ("refundId", "rfd"),
    ("reservationId", "res"),
    ("shipmentId", "shm"),
    ("shopId", "shp"),
    ("shortageId", "sht"),
    ("sourceId", "src"),
    ("variantId", "var"),
    ("warehouseId", "whs"),
];

/// A body with this schema.
pub(super) fn of(document: &Value, schema: &Value) -> Value {
    object(document, schema, 0)
}

/// A value of a parameter, as it stands in an address.
pub(super) fn of_parameter(document: &Value, name: &str, schema: &Value) -> String {
    match value(document, name, schema, 0) {
        Some(Value::String(text)) => text,
        Some(Value::Array(items)) => items.first().and_then(Value::as_str).unwrap_or_default().to_owned(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// A value of a text field with this name.
pub(super) fn text_for(name: &str) -> String {
    let singular = name.strip_suffix('s').filter(|name| name.ends_with("Id")).unwrap_or(name);
    if let Some((_, prefix)) = PREFIXES.into_iter().find(|(field, _)| *field == singular) {
        return format!("{prefix}_0192f0a1b2c3d4e5f60718293a4b5c6d");
    }
    let known = BY_NAME.into_iter().find(|(field, _)| *field == name || ends_in(name, field));
    known.map_or_else(|| "text".to_owned(), |(_, value)| value.to_owned())
}

/// Whether the last words of `name` are `words`: `returnUrl` ends in `url`.
fn ends_in(name: &str, words: &str) -> bool {
    let mut letters = words.chars();
    let capital = letters.next().map(|first| first.to_ascii_uppercase());
    name.strip_suffix(letters.as_str()).is_some_and(|before| before.chars().next_back() == capital)
}

fn object(document: &Value, schema: &Value, depth: usize) -> Value {
    let mut fields = Map::new();
    let mut chosen = BTreeSet::new();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        // Requests may carry what they have read; the suite sets it.
        if name == "createTime" && schema["additionalProperties"] == false {
            continue;
        }
        let group = text(field, "x-one-of");
        if !group.is_empty() && !chosen.insert(group) {
            continue;
        }
        if let Some(value) = value(document, name, field, depth) {
            fields.insert(name.clone(), value);
        }
    }
    Value::Object(fields)
}

fn value(document: &Value, name: &str, field: &Value, depth: usize) -> Option<Value> {
    if let Some(reference) = referred(field) {
        let schema = &document["components"]["schemas"][reference];
        return match schema["enum"].as_array() {
            // The first one says nothing.
            Some(values) => values.get(1).or(values.first()).cloned(),
            None if depth + 1 >= DEPTH_MAX => None,
            None => Some(object(document, schema, depth + 1)),
        };
    }
    match (text(field, "type"), text(field, "format")) {
        ("array", _) => value(document, name, &field["items"], depth).map(|item| json!([item])),
        ("object", _) => {
            let inner = value(document, "text", &field["additionalProperties"], depth)?;
            Some(json!({"key": inner}))
        }
        ("string", "date-time") => Some(json!("2026-11-22T09:00:00Z")),
        (_, "int64" | "uint64") => Some(json!("2")),
        ("string", _) if field["contentEncoding"].is_string() => Some(json!("AAEC")),
        ("string", _) if name == "updateMask" => Some(json!("name")),
        ("string", _) if field["pattern"].as_str().is_some_and(|pattern| pattern.ends_with("s$")) => {
            Some(json!("60s"))
        }
        ("string", _) => Some(json!(text_for(name))),
        ("integer", _) => Some(json!(if name == "pageSize" { 20 } else { 2 })),
        ("number", _) => Some(json!(1)),
        ("boolean", _) => Some(json!(false)),
        _ => None,
    }
}
