//! Cities and warehouses: a small country, always the same.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Turn, failed, succeeded_with};
use crate::answer::Answer;

const PAGE_MAX: usize = 500;

/// A city, its ref, and how many warehouses it has.
const CITIES: [(&str, &str, usize); 5] = [
    ("Київ", "8d5a980d-391c-11dd-90d9-001a92567626", 620),
    ("Львів", "db5c88f5-391c-11dd-90d9-001a92567626", 180),
    ("Одеса", "db5c88d0-391c-11dd-90d9-001a92567626", 140),
    ("Харків", "db5c88e0-391c-11dd-90d9-001a92567626", 160),
    ("Дніпро", "db5c88f0-391c-11dd-90d9-001a92567626", 120),
];

#[derive(Debug, Clone)]
pub(super) struct Warehouse {
    pub reference: String,
    pub number: usize,
    pub city: &'static str,
    pub city_ref: &'static str,
    pub locker: bool,
    /// Whether a locker takes money.
    pub terminal: bool,
    pub kilograms_max: u32,
}

pub(super) fn cities(turn: &mut Turn<'_>) -> Answer {
    let (text, reference) = (turn.text("FindByString").to_lowercase(), turn.text("Ref"));
    let fits = |city: &&(&str, &str, usize)| {
        city.0.to_lowercase().contains(&text) && (reference.is_empty() || reference == city.1)
    };
    let found: Vec<Value> = CITIES
        .iter()
        .filter(fits)
        .enumerate()
        .map(|(at, (name, reference, _))| {
            json!({
                "Description": name, "DescriptionRu": name, "Ref": reference, "CityID": (at + 1).to_string(),
                "SettlementTypeDescription": "місто",
            })
        })
        .collect();
    let total = found.len();
    paged(turn, found, total)
}

pub(super) fn warehouses(turn: &mut Turn<'_>) -> Answer {
    let (name, reference) = (turn.text("CityName").to_lowercase(), turn.text("CityRef"));
    let (text, own) = (turn.text("FindByString").to_lowercase(), turn.text("Ref"));
    let fits = |warehouse: &Warehouse| {
        (name.is_empty() || warehouse.city.to_lowercase() == name)
            && (reference.is_empty() || warehouse.city_ref == reference)
            && (own.is_empty() || warehouse.reference == own)
            && (text.is_empty() || description(warehouse).to_lowercase().contains(&text))
    };
    let found: Vec<Value> = all().filter(fits).map(|warehouse| to_json(&warehouse)).collect();
    let total = found.len();
    paged(turn, found, total)
}

/// A city by its name or ref.
pub(super) fn city(name_or_ref: &str) -> Option<&'static str> {
    let wanted = name_or_ref.to_lowercase();
    CITIES.iter().find(|city| city.0.to_lowercase() == wanted || city.1 == wanted).map(|city| city.0)
}

/// A warehouse by its ref, or by its number in a city.
pub(super) fn warehouse(city: &str, ref_or_number: &str) -> Option<Warehouse> {
    let own = |warehouse: &Warehouse| {
        warehouse.city == city
            && (warehouse.reference == ref_or_number || warehouse.number.to_string() == ref_or_number)
    };
    all().find(own)
}

fn all() -> impl Iterator<Item = Warehouse> {
    CITIES.into_iter().flat_map(|(city, city_ref, count)| {
        (1..=count).map(move |number| {
            let locker = number.is_multiple_of(3);
            Warehouse {
                reference: Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{city_ref}/{number}").as_bytes())
                    .to_string(),
                number,
                city,
                city_ref,
                locker,
                terminal: locker && number.is_multiple_of(2),
                kilograms_max: if locker { 20 } else { 30 },
            }
        })
    })
}

fn description(warehouse: &Warehouse) -> String {
    let kind =
        if warehouse.locker { "Поштомат \"Нова Пошта\"" } else { "Відділення" };
    format!("{kind} №{}: вул. Поштова, {}", warehouse.number, warehouse.number)
}

fn to_json(warehouse: &Warehouse) -> Value {
    let step = warehouse.number as f64 / 10_000.0;
    // Numbers are text here, as they are at the vendor.
    json!({
        "SiteKey": warehouse.number.to_string(),
        "Description": description(warehouse),
        "ShortAddress": format!("{}, вул. Поштова, {}", warehouse.city, warehouse.number),
        "Ref": warehouse.reference,
        "Number": warehouse.number.to_string(),
        "CityRef": warehouse.city_ref,
        "CityDescription": warehouse.city,
        "CategoryOfWarehouse": if warehouse.locker { "Postomat" } else { "Branch" },
        "TotalMaxWeightAllowed": if warehouse.locker { "0" } else { "1000" },
        "PlaceMaxWeightAllowed": warehouse.kilograms_max.to_string(),
        "POSTerminal": if warehouse.terminal { "1" } else { "0" },
        "Longitude": format!("{:.6}", 30.5 + step),
        "Latitude": format!("{:.6}", 50.4 + step),
        "WarehouseStatus": "Working",
    })
}

/// One page of what was found; pages count from 1.
fn paged(turn: &Turn<'_>, found: Vec<Value>, total: usize) -> Answer {
    let number = |name: &str, otherwise: usize| match turn.text(name).as_str() {
        "" => Some(otherwise),
        text => text.parse().ok().filter(|number| *number > 0),
    };
    let (Some(page), Some(limit)) = (number("Page", 1), number("Limit", PAGE_MAX)) else {
        return failed(&["Page is incorrect"], "20000300341");
    };
    let limit: usize = limit.min(PAGE_MAX);
    let skipped = limit.saturating_mul(page - 1);
    succeeded_with(found.into_iter().skip(skipped).take(limit).collect(), total)
}
