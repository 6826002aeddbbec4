//! Prices of a delivery, before anybody asks for it.

use serde_json::{Value, json};

use super::Turn;
use super::book::{read_sum, sum};
use super::cargo::{Service, invalid, is_served};
use super::points::{self, Kind};
use crate::answer::Answer;

pub(super) fn quote(turn: &mut Turn<'_>) -> Answer {
    let body = turn.asked.json().unwrap_or_default();
    let destination = &body["destination"];
    let Some(weight_grams) = body["weight_grams"].as_i64().filter(|weight| *weight > 0) else {
        return invalid("weight_grams", "a whole number above 0");
    };
    let Some((_, currency)) = read_sum(&body["declared_value"]) else {
        return invalid("declared_value", "a sum");
    };
    let country_code = destination["country_code"].as_str().unwrap_or_default();
    if !is_served(country_code, weight_grams) {
        return Answer::json(200, &json!({ "ok": true, "quotes": [] }));
    }
    let point_code = destination["pickup_point_code"].as_str().unwrap_or_default();
    let services: &[(Service, u8, u8)] = match (point_code, points::find(point_code)) {
        ("", _) => {
            &[(Service::Standard, 1, 3), (Service::Express, 1, 1), (Service::Point(Kind::Branch), 1, 3)]
        }
        (_, Some(point)) if weight_grams <= point.weight_grams_max => &[(Service::Point(Kind::Branch), 1, 3)],
        (_, Some(_)) => &[],
        (_, None) => return invalid("address.pickup_point_code", "there is no such point"),
    };
    let quotes: Vec<Value> = services
        .iter()
        .map(|(service, days_min, days_max)| {
            let price = sum(service.price_minor(weight_grams), &currency);
            json!({ "service": service.name(), "price": price, "days_min": days_min, "days_max": days_max })
        })
        .collect();
    Answer::json(200, &json!({ "ok": true, "quotes": quotes }))
}
