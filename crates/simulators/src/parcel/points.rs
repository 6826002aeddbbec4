//! Branches and lockers: a small country, always the same.

use serde_json::{Value, json};

use super::Turn;
use crate::answer::Answer;

const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 500;

/// City, its code, its postal code, its place on the map, and how many points it has.
const CITIES: [(&str, &str, &str, f64, f64, usize); 4] = [
    ("Київ", "KV", "01001", 50.4501, 30.5234, 150),
    ("Львів", "LV", "79000", 49.8397, 24.0297, 40),
    ("Одеса", "OD", "65000", 46.4825, 30.7233, 25),
    ("Харків", "KH", "61000", 49.9935, 36.2304, 30),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Branch,
    Locker,
}

#[derive(Debug, Clone)]
pub(super) struct Point {
    pub code: String,
    pub kind: Kind,
    pub city: &'static str,
    pub postal_code: &'static str,
    pub address: String,
    pub weight_grams_max: i64,
    pub cod: bool,
    pub latitude: f64,
    pub longitude: f64,
}

pub(super) fn list(turn: &mut Turn<'_>) -> Answer {
    let asked = |name: &str| turn.asked.query(name).unwrap_or_default().to_lowercase();
    let (country, city, text) = (asked("country_code"), asked("city"), asked("text"));
    let after = turn.asked.query("after").unwrap_or_default();
    let limit = turn.asked.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(LIMIT_DEFAULT);
    let limit = limit.clamp(1, LIMIT_MAX);
    let served = country.is_empty() || country == "ua";
    let fits = |point: &Point| {
        let name = format!("{} {} {}", point.code, point.city, point.address).to_lowercase();
        (city.is_empty() || point.city.to_lowercase() == city)
            && name.contains(&text)
            && point.code.as_str() > after
    };
    let mut points: Vec<Point> = all().filter(fits).filter(|_| served).collect();
    points.sort_by(|one, other| one.code.cmp(&other.code));
    let next = match points.len() > limit {
        true => points[limit - 1].code.clone(),
        false => String::new(),
    };
    points.truncate(limit);
    let points: Vec<Value> = points.iter().map(to_json).collect();
    Answer::json(200, &json!({ "ok": true, "points": points, "next": next }))
}

pub(super) fn find(code: &str) -> Option<Point> {
    all().find(|point| point.code == code)
}

fn all() -> impl Iterator<Item = Point> {
    CITIES.into_iter().flat_map(|city| (1..=city.5).map(move |number| point(city, number)))
}

fn point(city: (&'static str, &str, &'static str, f64, f64, usize), number: usize) -> Point {
    let (city, prefix, postal_code, latitude, longitude, _) = city;
    let kind = if number.is_multiple_of(2) { Kind::Locker } else { Kind::Branch };
    let step = number as f64 / 1_000.0;
    Point {
        code: format!("{prefix}-{number:03}"),
        kind,
        city,
        postal_code,
        address: format!("вул. Поштова, {number}"),
        weight_grams_max: if kind == Kind::Locker { 20_000 } else { 30_000 },
        // Every third locker takes no money.
        cod: kind == Kind::Branch || !number.is_multiple_of(3),
        latitude: latitude + step,
        longitude: longitude + step,
    }
}

fn to_json(point: &Point) -> Value {
    let kind = if point.kind == Kind::Locker { "locker" } else { "branch" };
    json!({
        "code": point.code,
        "kind": kind,
        "name": format!("{} {}", if kind == "locker" { "Поштомат" } else { "Відділення" }, point.code),
        "country_code": "UA",
        "city": point.city,
        "postal_code": point.postal_code,
        "address": point.address,
        "weight_grams_max": point.weight_grams_max,
        "cod": point.cod,
        "opening_hours": if kind == "locker" { "24/7" } else { "Mo-Sa 09:00-20:00" },
        "latitude": format!("{:.4}", point.latitude),
        "longitude": format!("{:.4}", point.longitude),
    })
}
