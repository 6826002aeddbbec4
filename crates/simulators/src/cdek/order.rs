//! What somebody wants sent: what is seen at once is refused at once, the rest while it is worked on.

use serde_json::Value;
use uuid::Uuid;

use super::book::Order;
use super::{Turn, calculator, directory, refused};
use crate::answer::Answer;
use crate::money;

type Doubt = Option<(&'static str, &'static str)>;

/// An order as wanted, with the doubt that will be found in it later.
pub(super) fn read(turn: &Turn<'_>, body: &Value) -> Result<Order, Answer> {
    let mut errors = Vec::new();
    let mut check = |fine: bool, message: &'static str| {
        if !fine {
            errors.push(("v2_field_is_empty", message));
        }
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().trim().to_owned();
    let tariff_code = body["tariff_code"].as_u64().unwrap_or_default();
    check(tariff_code > 0, "[tariff_code] is empty");
    let recipient = text(&body["recipient"]["name"]);
    check(!recipient.is_empty(), "[recipient.name] is empty");
    let phone = text(&body["recipient"]["phones"][0]["number"]);
    check(!phone.is_empty(), "[recipient.phones] is empty");
    let (point, address) = (text(&body["delivery_point"]), text(&body["to_location"]["address"]));
    check(!point.is_empty() || !address.is_empty(), "[to_location.address] is empty");
    check(point.is_empty() || address.is_empty(), "[delivery_point] and [to_location] exclude each other");
    let from = !text(&body["shipment_point"]).is_empty() || !body["from_location"].is_null();
    check(from, "[from_location] is empty");
    let packages = body["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    check(!packages.is_empty(), "[packages] is empty");
    check(
        packages.iter().all(|package| package["weight"].as_i64().is_some_and(|grams| grams > 0)),
        "[packages.weight] is empty",
    );
    let items: Vec<&Value> =
        packages.iter().filter_map(|package| package["items"].as_array()).flatten().collect();
    check(
        !items.is_empty() && items.iter().all(|item| is_item(item)),
        "[packages.items] is empty or incomplete",
    );
    if !errors.is_empty() {
        return Err(refused(turn.world, "CREATE", &errors));
    }
    let grams = packages.iter().filter_map(|package| package["weight"].as_i64()).fold(0, i64::saturating_add);
    let cash = items.iter().map(|item| cash_for(item)).fold(0, i64::saturating_add);
    let doubt = doubt(tariff_code, &point, &phone, body, grams, cash);
    let city = match directory::point(&point) {
        Some(point) => point.city.to_owned(),
        None => text(&body["to_location"]["city"]),
    };
    let uuid = Uuid::new_v4().to_string();
    let number = text(&body["number"]);
    Ok(Order {
        account: turn.account.clone(),
        number: if number.is_empty() { uuid.clone() } else { number },
        uuid,
        cdek_number: None,
        tariff_code,
        to_point: !point.is_empty(),
        label: vec![recipient, phone, format!("{city} {point}{address}")],
        city,
        price: calculator::price(tariff_code, grams).unwrap_or_default(),
        cash,
        cash_collected: false,
        statuses: Vec::new(),
        requests: Vec::new(),
        doubt,
        removed: false,
    })
}

/// What only shows while the order is worked on.
fn doubt(tariff_code: u64, point: &str, phone: &str, body: &Value, grams: i64, cash: i64) -> Doubt {
    if calculator::price(tariff_code, 1).is_none() {
        return Some(("v2_bad_tariff", "[tariff_code] is not available"));
    }
    let digits = phone.bytes().filter(u8::is_ascii_digit).count();
    if !(10..=15).contains(&digits) {
        return Some(("v2_recipient_phone_is_incorrect", "[recipient.phones] is incorrect"));
    }
    if grams > 30_000 {
        return Some(("v2_packages_weight_is_too_large", "[packages.weight] is too large"));
    }
    if point.is_empty() {
        let country = body["to_location"]["country_code"].as_str().unwrap_or_default();
        let served = directory::serves(country);
        return (!served)
            .then_some(("v2_recipient_location_not_recognized", "[to_location] is not recognized"));
    }
    let Some(known) = directory::point(point) else {
        return Some(("v2_delivery_point_not_found", "[delivery_point] is not found"));
    };
    if known.locker && grams > 15_000 {
        return Some((
            "v2_packages_weight_is_too_large",
            "[packages.weight] is too large for [delivery_point]",
        ));
    }
    (known.locker && cash > 0).then_some(("v2_cod_is_not_allowed", "cash is not taken at [delivery_point]"))
}

fn is_item(item: &Value) -> bool {
    let named =
        ["name", "ware_key"].iter().all(|name| item[*name].as_str().is_some_and(|text| !text.is_empty()));
    let counted = item["amount"].as_i64().is_some_and(|amount| amount > 0);
    named
        && counted
        && item["payment"]["value"].is_number()
        && item["cost"].is_number()
        && item["weight"].is_number()
}

/// What is taken for an item, in kopecks; the digits of the number are taken as they are written.
fn cash_for(item: &Value) -> i64 {
    let each = money::parse(&item["payment"]["value"].to_string(), "RUB").unwrap_or_default();
    each.saturating_mul(item["amount"].as_i64().unwrap_or_default())
}
