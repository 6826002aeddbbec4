//! What somebody wants carried, checked as the carrier checks it.

use serde_json::Value;

use super::book::{Cod, read_sum};
use super::points::{self, Kind};
use super::refused;
use crate::answer::Answer;

/// Heavier ones are not carried.
pub(super) const WEIGHT_GRAMS_MAX: i64 = 30_000;
/// Countries where the carrier does not go.
const NOT_SERVED: [&str; 3] = ["AQ", "KP", "BV"];

/// A parcel that can be carried.
#[derive(Debug)]
pub(super) struct Cargo {
    pub reference: String,
    pub service: Service,
    pub weight_grams: i64,
    pub currency: String,
    pub cod: Option<Cod>,
    pub recipient: String,
    pub phone: String,
    pub place: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Standard,
    Express,
    Point(Kind),
}

impl Service {
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Express => "express",
            Self::Point(_) => "point",
        }
    }

    /// In minor units.
    pub fn price_minor(self, weight_grams: i64) -> i64 {
        let kilograms = (weight_grams + 999) / 1_000;
        match self {
            Self::Standard => 6_000 + 1_000 * kilograms,
            Self::Express => 10_000 + 2_000 * kilograms,
            Self::Point(_) => 4_500 + 800 * kilograms,
        }
    }
}

pub(super) fn is_served(country_code: &str, weight_grams: i64) -> bool {
    !NOT_SERVED.contains(&country_code) && weight_grams <= WEIGHT_GRAMS_MAX
}

/// Reads a request for a parcel; the first thing that is wrong is the answer.
pub(super) fn read(body: &Value) -> Result<Cargo, Answer> {
    let address = &body["address"];
    let text = |value: &Value| value.as_str().unwrap_or_default().trim().to_owned();
    let reference = filled(text(&body["reference"]), "reference")?;
    let recipient = filled(text(&body["recipient"]["name"]), "recipient.name")?;
    let phone = text(&body["recipient"]["phone"]);
    if !is_phone(&phone) {
        return Err(invalid("recipient.phone", "+ and 9 to 15 digits"));
    }
    let weight_grams = body["weight_grams"].as_i64().filter(|weight| *weight > 0);
    let weight_grams = weight_grams.ok_or_else(|| invalid("weight_grams", "a whole number above 0"))?;
    let declared = read_sum(&body["declared_value"]);
    let (_, currency) = declared.ok_or_else(|| invalid("declared_value", "a sum"))?;
    let cod = cod(&body["cod"], &currency)?;
    let (service, place) = service(&text(&body["service"]), address, weight_grams, cod.is_some())?;
    if !is_served(&text(&address["country_code"]), weight_grams) {
        return Err(refused("not_served", "nothing goes there, or not with this weight", ""));
    }
    Ok(Cargo { reference, service, weight_grams, currency, cod, recipient, phone, place })
}

fn service(
    name: &str,
    address: &Value,
    weight_grams: i64,
    with_cash: bool,
) -> Result<(Service, String), Answer> {
    let text = |field: &str| address[field].as_str().unwrap_or_default().trim().to_owned();
    let door = || {
        let city = filled(text("city"), "address.city")?;
        let line = filled(text("line"), "address.line")?;
        let postal_code = text("postal_code");
        let readable =
            postal_code.chars().all(|letter| letter.is_ascii_alphanumeric() || " -".contains(letter));
        match readable && postal_code.len() <= 10 {
            true => Ok(format!("{postal_code} {city}, {line}")),
            false => Err(invalid("address.postal_code", "at most 10 letters and digits")),
        }
    };
    match name {
        "standard" => Ok((Service::Standard, door()?)),
        "express" => Ok((Service::Express, door()?)),
        "point" => {
            let code = text("pickup_point_code");
            let point = points::find(&code);
            let point =
                point.ok_or_else(|| invalid("address.pickup_point_code", "there is no such point"))?;
            if weight_grams > point.weight_grams_max {
                return Err(refused("not_served", "too heavy for this point", "weight_grams"));
            }
            if with_cash && !point.cod {
                return Err(refused("cod_not_possible", "no cash is taken at this point", "cod"));
            }
            Ok((Service::Point(point.kind), format!("{} {}", point.code, point.city)))
        }
        _ => Err(refused("service_unknown", "standard, express or point", "service")),
    }
}

fn cod(value: &Value, currency: &str) -> Result<Option<Cod>, Answer> {
    if value.is_null() {
        return Ok(None);
    }
    match read_sum(value) {
        Some((expected_minor, of_cod)) if expected_minor > 0 && of_cod == currency => {
            Ok(Some(Cod { expected_minor, currency: of_cod, collected: false, transferred: false }))
        }
        _ => Err(invalid("cod", "a sum above 0 in the currency of the declared value")),
    }
}

fn filled(text: String, field: &str) -> Result<String, Answer> {
    if text.is_empty() { Err(invalid(field, "is needed")) } else { Ok(text) }
}

fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (9..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn invalid(field: &str, message: &str) -> Answer {
    refused("invalid_data", message, field)
}
