//! What somebody wants registered, checked as the register checks it.

use serde_json::Value;

use crate::money;

const EXTERNAL_ID_CHARS_MAX: usize = 128;
const ITEMS_MAX: usize = 100;
const VATS: [&str; 12] = [
    "none", "vat0", "vat5", "vat7", "vat10", "vat18", "vat20", "vat22", "vat105", "vat107", "vat110",
    "vat120",
];

/// The total in kopecks, or the path of what is wrong.
pub(super) fn check(body: &Value) -> Result<i64, &'static str> {
    let external_id = body["external_id"].as_str().unwrap_or_default();
    if external_id.is_empty() || external_id.chars().count() > EXTERNAL_ID_CHARS_MAX {
        return Err("external_id");
    }
    let receipt = &body["receipt"];
    let client = &receipt["client"];
    let reachable = client["email"].as_str().is_some_and(|email| email.contains('@'))
        || client["phone"].as_str().is_some_and(|phone| phone.len() >= 10);
    if !reachable {
        return Err("receipt.client");
    }
    let company = &receipt["company"];
    if ["email", "inn", "payment_address"]
        .iter()
        .any(|name| company[*name].as_str().is_none_or(str::is_empty))
    {
        return Err("receipt.company");
    }
    let items = receipt["items"].as_array().filter(|items| (1..=ITEMS_MAX).contains(&items.len()));
    let mut sum = 0;
    for item in items.ok_or("receipt.items")? {
        sum += check_item(item)?;
    }
    let payments = receipt["payments"].as_array().filter(|payments| !payments.is_empty());
    let mut paid = 0;
    for payment in payments.ok_or("receipt.payments")? {
        paid += kopecks(&payment["sum"]).ok_or("receipt.payments.sum")?;
    }
    let total = kopecks(&receipt["total"]).ok_or("receipt.total")?;
    if total != sum || total != paid {
        return Err("receipt.total");
    }
    Ok(total)
}

/// The item's sum: it must be its price times its quantity, to a kopeck.
fn check_item(item: &Value) -> Result<i64, &'static str> {
    let named = item["name"].as_str().is_some_and(|name| (1..=128).contains(&name.chars().count()));
    if !named {
        return Err("receipt.items.name");
    }
    if !item["vat"]["type"].as_str().is_some_and(|vat| VATS.contains(&vat)) {
        return Err("receipt.items.vat.type");
    }
    let (price, sum) = (kopecks(&item["price"]), kopecks(&item["sum"]));
    let quantity = money::parse(&item["quantity"].to_string(), "KWD").filter(|thousandths| *thousandths > 0);
    let (Some(price), Some(sum), Some(quantity)) = (price, sum, quantity) else {
        return Err("receipt.items.sum");
    };
    match money::times(price, quantity) {
        Some(exact) if (exact - sum).abs() <= 1 => Ok(sum),
        _ => Err("receipt.items.sum"),
    }
}

/// A sum that is a JSON number; its digits are taken as they are written.
fn kopecks(value: &Value) -> Option<i64> {
    value.as_number().and_then(|number| money::parse(&number.to_string(), "RUB"))
}
