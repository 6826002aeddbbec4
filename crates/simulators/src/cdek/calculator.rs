//! What the way costs, by tariff.

use serde_json::{Value, json};

use super::book::rubles;
use super::{Turn, directory, errors};
use crate::answer::Answer;

/// Code, name, mode of delivery, days at least and at most, and the price of the first kilogram and of every further one.
pub(super) const TARIFFS: [(u64, &str, u8, u8, u8, i64, i64); 6] = [
    (136, "Посылка склад-склад", 4, 2, 4, 29_000, 4_500),
    (137, "Посылка склад-дверь", 3, 2, 4, 39_000, 5_500),
    (138, "Посылка дверь-склад", 2, 2, 4, 39_000, 5_500),
    (139, "Посылка дверь-дверь", 1, 2, 4, 49_000, 6_500),
    (368, "Посылка склад-постамат", 7, 2, 4, 27_000, 4_500),
    (482, "Экспресс склад-склад", 4, 1, 2, 69_000, 9_000),
];
const GRAMS_MAX: i64 = 30_000;

/// Every tariff that fits.
pub(super) fn list(turn: &mut Turn<'_>) -> Answer {
    let body = turn.asked.json().unwrap_or_default();
    let grams = match grams(&body) {
        Ok(grams) => grams,
        Err(refusal) => return refusal,
    };
    let tariffs: Vec<Value> = TARIFFS
        .iter()
        .map(|(code, name, mode, least, most, _, _)| {
            json!({
                "tariff_code": code, "tariff_name": name, "tariff_description": "", "delivery_mode": mode,
                "delivery_sum": rubles(price(*code, grams).unwrap_or_default()), "period_min": least, "period_max": most,
                "calendar_min": least, "calendar_max": most,
            })
        })
        .collect();
    Answer::json(200, &json!({ "tariff_codes": tariffs }))
}

pub(super) fn one(turn: &mut Turn<'_>) -> Answer {
    let body = turn.asked.json().unwrap_or_default();
    let grams = match grams(&body) {
        Ok(grams) => grams,
        Err(refusal) => return refusal,
    };
    let wanted = body["tariff_code"].as_u64().unwrap_or_default();
    let Some((tariff, price)) = TARIFFS.iter().find(|tariff| tariff.0 == wanted).zip(price(wanted, grams))
    else {
        return errors(400, &[("v2_tariff_not_found", "tariff_code is unknown")]);
    };
    let answer = json!({
        "delivery_sum": rubles(price), "total_sum": rubles(price), "currency": "RUB", "weight_calc": grams,
        "period_min": tariff.3, "period_max": tariff.4,
    });
    Answer::json(200, &answer)
}

/// In kopecks; nothing for an unknown tariff.
pub(super) fn price(tariff_code: u64, grams: i64) -> Option<i64> {
    let tariff = TARIFFS.iter().find(|tariff| tariff.0 == tariff_code)?;
    Some(tariff.5 + tariff.6 * ((grams - 1).max(0) / 1_000))
}

/// The weight of all packages, if they can be carried at all.
fn grams(body: &Value) -> Result<i64, Answer> {
    let from = body["from_location"]["code"].as_u64().and_then(directory::city);
    if from.is_none() && body["from_location"]["postal_code"].is_null() {
        return Err(errors(400, &[("v2_field_is_empty", "[from_location] is empty")]));
    }
    let to = &body["to_location"];
    let named =
        !to["code"].is_null() || ["city", "postal_code"].iter().any(|name| !text(&to[*name]).is_empty());
    if !named {
        return Err(errors(400, &[("v2_field_is_empty", "[to_location] is empty")]));
    }
    if !directory::serves(&text(&to["country_code"])) {
        return Err(errors(200, &[("v2_no_tariffs", "There are no tariffs for this direction")]));
    }
    let packages = body["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let grams = packages.iter().filter_map(|package| package["weight"].as_i64()).fold(0, i64::saturating_add);
    match grams {
        1..=GRAMS_MAX => Ok(grams),
        0 => Err(errors(400, &[("v2_field_is_empty", "[packages.weight] is empty")])),
        _ => Err(errors(200, &[("v2_no_tariffs", "There are no tariffs for this weight")])),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
