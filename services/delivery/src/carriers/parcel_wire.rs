//! The messages of the parcel contract (`parcel.md`), as they travel.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::{Currency, Money};

use super::{Booking, CarrierEvent, PickupPoint, Report, ServicePrice, checks, weight};
use crate::carriers::parcel_codes::incident_reason;
use crate::model::address::Address;
use crate::model::consignment::{Consignment, Item};
use crate::model::incident::Cause;

#[derive(Serialize, Deserialize)]
pub struct Sum {
    pub amount: String,
    pub currency: String,
}

impl From<Money> for Sum {
    fn from(money: Money) -> Self {
        Self { amount: money.amount(), currency: money.currency().code().to_owned() }
    }
}

impl Sum {
    /// The money; `None` when it is none.
    pub fn money(&self) -> Option<Money> {
        let currency: Currency = self.currency.parse().ok()?;
        Money::parse(&self.amount, currency).ok().filter(|money| !money.is_negative())
    }
}

#[derive(Serialize)]
pub struct NewParcel<'a> {
    reference: String,
    order_number: &'a str,
    service: &'a str,
    recipient: Person<'a>,
    address: Place<'a>,
    weight_grams: i32,
    declared_value: Sum,
    cod: Option<Sum>,
    items: Vec<Goods<'a>>,
}

#[derive(Serialize)]
struct Person<'a> {
    name: &'a str,
    /// `+` and digits.
    phone: String,
}

#[derive(Serialize)]
pub struct Place<'a> {
    country_code: &'a str,
    region: &'a str,
    city: &'a str,
    postal_code: &'a str,
    line: &'a str,
    pickup_point_code: &'a str,
    comment: &'a str,
}

#[derive(Serialize)]
struct Goods<'a> {
    sku: &'a str,
    name: &'a str,
    quantity: i32,
    unit_price: Sum,
    weight_grams: i32,
}

impl<'a> From<&'a Address> for Place<'a> {
    fn from(address: &'a Address) -> Self {
        Self {
            country_code: &address.country_code,
            region: &address.region,
            city: &address.city,
            postal_code: &address.postal_code,
            line: &address.line,
            pickup_point_code: &address.pickup_point_code,
            comment: &address.comment,
        }
    }
}

impl<'a> From<&'a Consignment> for NewParcel<'a> {
    fn from(parcel: &'a Consignment) -> Self {
        let goods = |item: &'a Item| Goods {
            sku: &item.sku,
            name: &item.name,
            quantity: item.quantity,
            unit_price: item.unit_price.into(),
            weight_grams: item.weight_grams,
        };
        Self {
            reference: parcel.reference.to_string(),
            order_number: &parcel.order_number,
            service: &parcel.service,
            recipient: Person {
                name: &parcel.recipient.name,
                phone: format!("+{}", checks::digits(&parcel.recipient.phone)),
            },
            address: (&parcel.address).into(),
            weight_grams: parcel.weight_grams,
            declared_value: parcel.declared_value.into(),
            cod: parcel.cash.map(Sum::from),
            items: parcel.items.iter().map(goods).collect(),
        }
    }
}

/// Any answer: whether it is one, before what it says.
#[derive(Deserialize)]
pub struct Verdict {
    #[serde(default)]
    pub ok: bool,
    #[serde(default)]
    pub error: Option<Trouble>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Trouble {
    pub code: String,
    pub message: String,
    pub field: String,
}

impl Trouble {
    /// The field of the plan that the carrier means.
    fn field(&self) -> &str {
        match self.field.as_str() {
            "recipient.name" => "recipient_name",
            "recipient.phone" => "recipient_phone",
            "cod" => "cash_on_delivery_amount",
            other => other,
        }
    }

    /// The canonical cause.
    pub fn cause(&self) -> Cause {
        let (reason, field) = match self.code.as_str() {
            "invalid_data" => ("data_invalid", self.field()),
            "service_unknown" => ("data_invalid", "carrier_service"),
            "not_served" => ("data_invalid", "address"),
            "cod_not_possible" => ("data_invalid", "cash_on_delivery_amount"),
            _ => ("unknown", self.field()),
        };
        Cause { reason, field: field.to_owned(), words: self.message.clone() }
    }
}

#[derive(Deserialize)]
pub struct OneParcel {
    pub parcel: WireParcel,
}

#[derive(Deserialize)]
pub struct ManyParcels {
    pub parcels: Vec<WireParcel>,
}

#[derive(Deserialize)]
pub struct WireParcel {
    parcel_id: String,
    state: String,
    tracking_number: Option<String>,
    price: Option<Sum>,
    error: Option<Trouble>,
}

impl WireParcel {
    /// How far it is.
    pub fn booking(self) -> Booking {
        let carrier_parcel_id = self.parcel_id;
        match (self.state.as_str(), self.tracking_number) {
            ("registered", Some(tracking_number)) => {
                let price = self.price.and_then(|price| price.money());
                Booking::Registered { carrier_parcel_id, tracking_number, price }
            }
            ("rejected", _) => {
                Booking::Rejected { carrier_parcel_id, cause: self.error.unwrap_or_default().cause() }
            }
            ("cancelled", _) => Booking::Cancelled { carrier_parcel_id },
            _ => Booking::Waiting { carrier_parcel_id },
        }
    }
}

#[derive(Serialize)]
pub struct AskPrices<'a> {
    pub destination: Place<'a>,
    pub weight_grams: i32,
    pub declared_value: Sum,
    pub cod: Option<Sum>,
}

#[derive(Deserialize)]
pub struct Prices {
    quotes: Vec<Price>,
}

#[derive(Deserialize)]
struct Price {
    service: String,
    price: Sum,
    days_min: i32,
    days_max: i32,
}

impl Prices {
    /// The prices that are prices.
    pub fn read(self) -> Vec<ServicePrice> {
        let read = |quote: Price| {
            let price = quote.price.money()?;
            let (days_min, days_max) = (quote.days_min.max(0), quote.days_max.max(quote.days_min).max(0));
            Some(ServicePrice { service: quote.service, price, days_min, days_max })
        };
        self.quotes.into_iter().filter_map(read).collect()
    }
}

#[derive(Deserialize)]
pub struct Points {
    pub points: Vec<Point>,
    #[serde(default)]
    pub next: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Point {
    code: String,
    kind: String,
    name: String,
    country_code: String,
    city: String,
    postal_code: String,
    address: String,
    weight_grams_max: i32,
    cod: bool,
    opening_hours: String,
    latitude: String,
    longitude: String,
}

impl From<Point> for PickupPoint {
    fn from(point: Point) -> Self {
        Self {
            code: point.code,
            locker: point.kind == "locker",
            name: point.name,
            country_code: point.country_code,
            city: point.city,
            postal_code: point.postal_code,
            street: point.address,
            weight_grams_max: point.weight_grams_max.max(0),
            cash_on_delivery: point.cod,
            opening_hours: point.opening_hours,
            latitude: point.latitude,
            longitude: point.longitude,
        }
    }
}

#[derive(Serialize)]
pub struct AskTracking<'a> {
    pub numbers: Vec<&'a str>,
}

#[derive(Deserialize)]
pub struct Tracking {
    pub parcels: Vec<TrackedNumber>,
}

#[derive(Deserialize)]
pub struct TrackedNumber {
    tracking_number: String,
    #[serde(default)]
    pub found: bool,
    #[serde(default)]
    events: Vec<WireEvent>,
    #[serde(default)]
    storage_until_time: Option<DateTime<Utc>>,
    #[serde(default)]
    cod: Option<Cod>,
    /// Read apart: a weight that cannot be read leaves the rest as it is.
    #[serde(default)]
    weighed_grams: Value,
}

#[derive(Deserialize)]
pub struct WireEvent {
    event_id: String,
    code: String,
    occur_time: DateTime<Utc>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    place: String,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
pub struct Cod {
    #[serde(default)]
    collected: Option<Sum>,
    #[serde(default)]
    transferred: Option<Sum>,
}

impl WireEvent {
    fn read(self) -> CarrierEvent {
        CarrierEvent {
            event_id: self.event_id,
            code: self.code,
            occur_time: self.occur_time,
            words: self.text,
            place: self.place,
            incident_reason: incident_reason(&self.reason),
        }
    }
}

impl TrackedNumber {
    /// What it says.
    pub fn report(self) -> Report {
        let cod = self.cod.as_ref();
        let weighed_grams = weight::grams("parcel", &self.tracking_number, &self.weighed_grams);
        Report {
            tracking_number: self.tracking_number,
            carrier_parcel_id: String::new(),
            storage_end_time: self.storage_until_time,
            collected: cod.and_then(|cod| cod.collected.as_ref()?.money()),
            transferred: cod.and_then(|cod| cod.transferred.as_ref()?.money()),
            events: self.events.into_iter().map(WireEvent::read).collect(),
            weighed_grams,
        }
    }
}

#[derive(Deserialize)]
pub struct WireWebhook {
    #[serde(rename = "type")]
    pub kind: String,
    pub parcel: WireParcel,
    #[serde(default)]
    pub event: Option<WireEvent>,
    #[serde(default)]
    storage_until_time: Option<DateTime<Utc>>,
    #[serde(default)]
    cod: Option<Cod>,
    /// Read apart: a weight that cannot be read leaves the rest as it is.
    #[serde(default)]
    weighed_grams: Value,
}

impl WireWebhook {
    /// What it says of a parcel on its way.
    pub fn report(self) -> Report {
        TrackedNumber {
            tracking_number: self.parcel.tracking_number.unwrap_or_default(),
            found: true,
            events: self.event.into_iter().collect(),
            storage_until_time: self.storage_until_time,
            cod: self.cod,
            weighed_grams: self.weighed_grams,
        }
        .report()
    }
}
