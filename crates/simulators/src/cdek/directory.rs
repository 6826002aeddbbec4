//! Cities, and points where parcels are handed over: a small country, always the same.

use serde_json::{Value, json};

use super::Turn;
use crate::answer::Answer;

/// Code, city, country, region, postal code, and how many points it has.
const CITIES: [(u64, &str, &str, &str, &str, usize); 5] = [
    (44, "Москва", "RU", "Москва", "101000", 320),
    (137, "Санкт-Петербург", "RU", "Санкт-Петербург", "190000", 140),
    (270, "Новосибирск", "RU", "Новосибирская область", "630000", 60),
    (250, "Екатеринбург", "RU", "Свердловская область", "620000", 50),
    (4756, "Алматы", "KZ", "Алматы", "050000", 30),
];

#[derive(Debug, Clone)]
pub(super) struct Point {
    pub code: String,
    pub locker: bool,
    pub city: &'static str,
    city_code: u64,
    country: &'static str,
    postal_code: &'static str,
    number: usize,
}

pub(super) fn cities(turn: &mut Turn<'_>) -> Answer {
    let asked = |name: &str| turn.asked.query(name).unwrap_or_default().to_lowercase();
    let (city, countries, code) = (asked("city"), asked("country_codes"), asked("code"));
    let found: Vec<Value> = CITIES
        .iter()
        .filter(|known| city.is_empty() || known.1.to_lowercase() == city)
        .filter(|known| countries.is_empty() || countries.split(',').any(|one| one == known.2.to_lowercase()))
        .filter(|known| code.is_empty() || known.0.to_string() == code)
        .map(|(code, city, country, region, _, _)| {
            json!({ "code": code, "city": city, "country_code": country, "region": region, "payment_limit": -1.0 })
        })
        .collect();
    Answer::json(200, &Value::from(found))
}

pub(super) fn points(turn: &mut Turn<'_>) -> Answer {
    let asked = |name: &str| turn.asked.query(name).unwrap_or_default().to_owned();
    let (city_code, kind, code, country) =
        (asked("city_code"), asked("type"), asked("code"), asked("country_code"));
    let fits = |point: &Point| {
        (city_code.is_empty() || point.city_code.to_string() == city_code)
            && (country.is_empty() || point.country == country)
            && (code.is_empty() || point.code == code)
            && match kind.as_str() {
                "PVZ" => !point.locker,
                "POSTAMAT" => point.locker,
                _ => true,
            }
    };
    let (size, page) = (asked("size").parse().unwrap_or(usize::MAX), asked("page").parse().unwrap_or(0));
    let skipped = if size == usize::MAX { 0 } else { size.saturating_mul(page) };
    let found: Vec<Value> =
        all().filter(fits).skip(skipped).take(size).map(|point| to_json(&point)).collect();
    Answer::json(200, &Value::from(found))
}

pub(super) fn point(code: &str) -> Option<Point> {
    all().find(|point| point.code == code)
}

/// The name of a city by its code.
pub(super) fn city(code: u64) -> Option<&'static str> {
    CITIES.iter().find(|city| city.0 == code).map(|city| city.1)
}

/// Whether the carrier goes to this country.
pub(super) fn serves(country: &str) -> bool {
    ["", "RU", "KZ", "BY", "AM", "KG"].contains(&country)
}

fn all() -> impl Iterator<Item = Point> {
    CITIES.into_iter().flat_map(|(city_code, city, country, _, postal_code, count)| {
        (1..=count).map(move |number| Point {
            code: format!("C{city_code}P{number}"),
            locker: number.is_multiple_of(4),
            city,
            city_code,
            country,
            postal_code,
            number,
        })
    })
}

fn to_json(point: &Point) -> Value {
    let step = point.number as f64 / 10_000.0;
    let address = format!("ул. Почтовая, {}", point.number);
    let mut body = json!({
        "code": point.code,
        "name": format!("{}, {address}", point.city),
        "type": if point.locker { "POSTAMAT" } else { "PVZ" },
        "work_time": if point.locker { "Пн-Вс 00:00-23:59" } else { "Пн-Сб 09:00-20:00" },
        "allowed_cod": !point.locker,
        "is_handout": true,
        "is_reception": !point.locker,
        "location": {
            "country_code": point.country, "city_code": point.city_code, "city": point.city,
            "postal_code": point.postal_code, "address": address,
            "latitude": 55.7 + step, "longitude": 37.6 + step,
        },
    });
    // Branches say nothing of a weight: it is not limited.
    if point.locker {
        body["weight_max"] = Value::from(15.0);
    }
    body
}
