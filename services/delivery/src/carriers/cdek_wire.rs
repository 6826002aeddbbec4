//! The messages of CDEK v2, as they travel.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use types::{Currency, Money};

use super::{Booking, CarrierError, CarrierEvent, PickupPoint, Report, ServicePrice};
use crate::model::consignment::Consignment;
use crate::model::incident::Cause;

/// An order as any call about it answers.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Order {
    entity: Option<Entity>,
    requests: Vec<Asked>,
    errors: Vec<Problem>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entity {
    uuid: String,
    cdek_number: String,
    statuses: Vec<Status>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    code: String,
    name: String,
    date_time: String,
    city: String,
    deleted: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Asked {
    #[serde(rename = "type")]
    kind: String,
    state: String,
    errors: Vec<Problem>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Problem {
    code: String,
    message: String,
}

/// How far the deletion of an order is.
#[derive(Debug)]
pub enum Deletion {
    NotAsked,
    Waiting,
    Done,
    Refused(Cause),
}

impl Order {
    /// Whether it is an order at all.
    pub fn exists(&self) -> bool {
        self.entity.as_ref().is_some_and(|entity| !entity.uuid.is_empty())
    }

    /// How far it is; `None` when it says nothing of an order.
    pub fn booking(&self) -> Option<Booking> {
        let refused = self.requests.iter().find(|asked| asked.kind == "CREATE" && asked.state == "INVALID");
        let entity = self.entity.as_ref();
        let carrier_parcel_id = entity.map(|entity| entity.uuid.clone()).unwrap_or_default();
        if let Some(refused) = refused {
            return Some(Booking::Rejected { carrier_parcel_id, cause: cause(&refused.errors) });
        }
        let entity = entity?;
        if matches!(self.deletion(), Deletion::Done) {
            return Some(Booking::Cancelled { carrier_parcel_id });
        }
        Some(match entity.cdek_number.as_str() {
            "" => Booking::Waiting { carrier_parcel_id },
            number => {
                let tracking_number = number.to_owned();
                Booking::Registered { carrier_parcel_id, tracking_number, price: None }
            }
        })
    }

    /// How far its deletion is.
    pub fn deletion(&self) -> Deletion {
        let statuses = self.entity.as_ref().map(|entity| entity.statuses.as_slice()).unwrap_or_default();
        let removed = statuses.iter().any(|status| status.code == "REMOVED" && !status.deleted);
        let asked = self.requests.iter().rev().find(|asked| asked.kind == "DELETE");
        match asked.map(|asked| asked.state.as_str()) {
            _ if removed => Deletion::Done,
            Some("SUCCESSFUL") => Deletion::Done,
            Some("INVALID") => {
                let errors = asked.map(|asked| asked.errors.as_slice()).unwrap_or_default();
                Deletion::Refused(cause(errors))
            }
            Some(_) => Deletion::Waiting,
            None => Deletion::NotAsked,
        }
    }

    /// Why an order was not accepted.
    pub fn refusal(&self, status: u16) -> CarrierError {
        let errors: Vec<&Problem> =
            self.requests.iter().flat_map(|asked| &asked.errors).chain(&self.errors).collect();
        match errors.as_slice() {
            // Neither an order nor a reason: nobody knows.
            [] => CarrierError::Unknown { cause: format!("status {status} without order and errors") },
            [first, ..] => CarrierError::Refused(cause(std::slice::from_ref(*first))),
        }
    }

    /// What its statuses tell, oldest first.
    pub fn report(&self, carrier_parcel_id: &str) -> Report {
        let statuses = self.entity.as_ref().map(|entity| entity.statuses.as_slice()).unwrap_or_default();
        // They come newest first, with whole seconds: of two in the same second the one below was before.
        let mut events: Vec<CarrierEvent> =
            statuses.iter().rev().filter(|status| !status.deleted).filter_map(event).collect();
        events.sort_by_key(|event| event.occur_time);
        Report { carrier_parcel_id: carrier_parcel_id.to_owned(), events, ..Report::default() }
    }
}

fn event(status: &Status) -> Option<CarrierEvent> {
    // `+0700`, without the colon of RFC 3339.
    let time = DateTime::parse_from_str(&status.date_time, "%Y-%m-%dT%H:%M:%S%z");
    let time = time.or_else(|_| DateTime::parse_from_rfc3339(&status.date_time)).ok()?.with_timezone(&Utc);
    Some(CarrierEvent {
        event_id: format!("{}@{}", status.code, time.timestamp()),
        code: status.code.clone(),
        occur_time: time,
        words: status.name.clone(),
        place: status.city.clone(),
        incident_reason: None,
    })
}

fn cause(errors: &[Problem]) -> Cause {
    let words: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    let signs: String = errors.iter().map(|error| format!("{} {} ", error.code, error.message)).collect();
    let signs = signs.to_lowercase();
    let fields = [
        ("phone", "recipient_phone"),
        ("delivery_point", "address.pickup_point_code"),
        ("recipient.name", "recipient_name"),
        ("recipient_name", "recipient_name"),
        ("postal", "address.postal_code"),
        ("to_location.address", "address.line"),
        ("city", "address.city"),
        ("to_location", "address.city"),
        ("tariff", "carrier_service"),
        ("weight", "weight_grams"),
        ("payment", "cash_on_delivery_amount"),
    ];
    let field = fields.iter().find(|(sign, _)| signs.contains(sign)).map(|(_, field)| *field);
    let reason = if field.is_some() { "data_invalid" } else { "unknown" };
    Cause { reason, field: field.unwrap_or_default().to_owned(), words: words.join("; ") }
}

/// The goods; what the buyer pays is spread over them by value, to the last unit.
pub fn items(parcel: &Consignment) -> Vec<Value> {
    let whole = || vec![(parcel.title(), parcel.title(), 1, parcel.declared_value, parcel.weight_grams)];
    let lines: Vec<_> = match parcel.items.as_slice() {
        [] => whole(),
        items => items
            .iter()
            .map(|item| {
                (item.name.clone(), item.sku.clone(), item.quantity, item.unit_price, item.weight_grams)
            })
            .collect(),
    };
    let weights: Vec<i64> = lines
        .iter()
        .map(|(_, _, quantity, price, _)| price.minor().saturating_mul(i64::from(*quantity)))
        .collect();
    let shares = parcel.cash.and_then(|cash| cash.allocate(&weights).ok());
    // The carrier asks for the payment of one unit: what does not divide is paid with a line of its own.
    let mut rest = 0;
    let mut written = Vec::new();
    for (at, (name, sku, quantity, price, weight)) in lines.into_iter().enumerate() {
        let share = shares.as_ref().and_then(|shares| shares.get(at)).map_or(0, |share| share.minor());
        let units = i64::from(quantity.max(1));
        rest += share % units;
        written.push(json!({
            "name": name, "ware_key": sku, "amount": units, "weight": weight.max(1),
            "cost": number(price), "payment": { "value": number(Money::new(price.currency(), share / units)) },
        }));
    }
    if rest > 0 {
        let rest = Money::new(parcel.declared_value.currency(), rest);
        let nothing = Money::zero(rest.currency());
        written.push(json!({
            "name": "Rounding", "ware_key": "rounding", "amount": 1, "weight": 1,
            "cost": number(nothing), "payment": { "value": number(rest) },
        }));
    }
    written
}

/// Money as the JSON number the carrier wants, from its decimal text.
fn number(money: Money) -> Value {
    serde_json::from_str(&money.amount()).unwrap_or(Value::Null)
}

/// Prices by number of tariff.
pub fn prices(answer: &Value, currency: Currency) -> Vec<ServicePrice> {
    let tariffs = answer["tariff_codes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let read = |tariff: &Value| {
        let price = Money::parse(&text(tariff, "delivery_sum"), currency).ok()?;
        let days =
            |name: &str| tariff[name].as_i64().and_then(|days| i32::try_from(days).ok()).unwrap_or(0).max(0);
        let (days_min, days_max) = (days("period_min"), days("period_max").max(days("period_min")));
        Some(ServicePrice { service: text(tariff, "tariff_code"), price, days_min, days_max })
    };
    tariffs.iter().filter_map(read).collect()
}

/// A branch or a locker.
pub fn pickup_point(point: &Value) -> PickupPoint {
    let place = &point["location"];
    let kilograms = text(point, "weight_max");
    let kilograms: i32 = kilograms.split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or(0);
    PickupPoint {
        code: text(point, "code"),
        locker: text(point, "type") == "POSTAMAT",
        name: text(point, "name"),
        country_code: text(place, "country_code"),
        city: text(place, "city"),
        postal_code: text(place, "postal_code"),
        street: text(place, "address"),
        weight_grams_max: kilograms.clamp(0, 1_000_000) * 1000,
        cash_on_delivery: point["allowed_cod"].as_bool().unwrap_or(false),
        opening_hours: text(point, "work_time"),
        latitude: text(place, "latitude"),
        longitude: text(place, "longitude"),
    }
}

/// A value as text, whether it came as text or as a number.
pub fn text(object: &Value, name: &str) -> String {
    match &object[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
