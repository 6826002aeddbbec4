//! Nova Poshta 2.0 (`nova_poshta.md`): one address for everything, errors within answers of 200, no webhooks.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Europe::Kyiv;
use futures_util::future::{BoxFuture, FutureExt};
use outbound::{Client, Request};
use rpc::Fields;
use serde::Deserialize;
use serde_json::{Value, json};
use types::{Currency, Money, ShipmentId};

use super::reply::{self, Effect};
use super::{
    Answer, Booked, Booking, Cancelled, Carrier, CarrierError, CarrierEvent, CodeMap, NOVA_POSHTA_CODES,
    Period, PickupPoint, Report, ServicePrice, TrackedParcel, checks, weight,
};
use crate::model::carrier_account::{CarrierAccount, Private};
use crate::model::consignment::Consignment;
use crate::model::incident::Cause;
use crate::model::label_rows::Label;
use crate::model::tariff::Cart;

const NAME: &str = "nova-poshta";
const TRACK_BATCH_MAX: usize = 100;
const WEIGHT_GRAMS_MAX: i32 = 1_000_000;
/// Branches of one page, and pages of one city: Kyiv has some thousands.
const WAREHOUSES_PAGE: usize = 500;
const WAREHOUSE_PAGES_MAX: usize = 20;
const PRINT_URL: &str = "https://my.novaposhta.ua";
const UKRAINE: &str = "UA";
const SERVICES: [&str; 4] = ["WarehouseWarehouse", "WarehouseDoors", "DoorsWarehouse", "DoorsDoors"];
/// The code of received parcels whose cash is on its way, and of those whose cash was paid out.
const CASH_SENT: &str = "10";
const CASH_PAID_OUT: &str = "11";

/// Nova Poshta.
pub struct NovaPoshta {
    client: Client,
    base_url: String,
    api_key: String,
    settings: Private,
}

/// An answer; numbers may come as text.
#[derive(Deserialize)]
struct Envelope {
    success: bool,
    #[serde(default)]
    data: Vec<Value>,
    #[serde(default)]
    errors: Vec<Value>,
    #[serde(default, rename = "errorCodes")]
    error_codes: Vec<Value>,
}

impl NovaPoshta {
    /// The carrier of `account`.
    pub fn new(client: Client, account: &CarrierAccount) -> Self {
        Self {
            client,
            base_url: account.base_url.clone(),
            api_key: account.credentials.get("api_key").to_owned(),
            settings: account.settings.clone(),
        }
    }

    async fn ask(&self, model: &str, method: &str, properties: Value, effect: Effect) -> Answer<Vec<Value>> {
        let body = json!({
            "apiKey": self.api_key, "modelName": model, "calledMethod": method, "methodProperties": properties,
        });
        let request = Request::post(format!("{}/", self.base_url)).json(&body);
        let reply = reply::send(&self.client, request, effect).await?;
        let envelope: Envelope = reply::json(&reply, effect)?;
        if envelope.success { Ok(envelope.data) } else { Err(envelope.trouble()) }
    }

    fn setting<'a>(&'a self, name: &str, otherwise: &'a str) -> &'a str {
        Some(self.settings.get(name)).filter(|value| !value.is_empty()).unwrap_or(otherwise)
    }

    fn document(&self, parcel: &Consignment) -> Value {
        let address = &parcel.address;
        let mut document = json!({
            "PayerType": self.setting("payer_type", "Sender"),
            "PaymentMethod": self.setting("payment_method", "Cash"),
            "CargoType": self.setting("cargo_type", "Parcel"),
            "ServiceType": parcel.service,
            "Weight": kilograms(parcel.weight_grams),
            "SeatsAmount": "1",
            "Cost": parcel.declared_value.amount(),
            "Description": parcel.title(),
            "DateTime": parcel.send_time.with_timezone(&Kyiv).format("%d.%m.%Y").to_string(),
            "CitySender": self.settings.get("city_sender"),
            "Sender": self.settings.get("sender"),
            "SenderAddress": self.settings.get("sender_address"),
            "ContactSender": self.settings.get("contact_sender"),
            "SendersPhone": checks::digits(self.settings.get("senders_phone")),
            "RecipientCityName": address.city,
            "RecipientName": parcel.recipient.name,
            "RecipientsPhone": checks::digits(&parcel.recipient.phone),
            "RecipientType": "PrivatePerson",
            "NewAddress": "1",
            "InfoRegClientBarcodes": parcel.reference.to_string(),
        });
        let (key, place) = match parcel.to_pickup_point() {
            true => ("RecipientAddress", &address.pickup_point_code),
            false => ("RecipientAddressName", &address.line),
        };
        document[key] = json!(place);
        if let Some(cash) = parcel.cash {
            document["BackwardDeliveryData"] = json!([
                { "PayerType": "Recipient", "CargoType": "Money", "RedeliveryString": cash.amount() },
            ]);
        }
        document
    }

    async fn cheapest(&self, cart: &Cart<'_>) -> Answer<Vec<ServicePrice>> {
        let Some(address) = cart.address.filter(|address| !address.city.is_empty()) else {
            return Ok(Vec::new());
        };
        if cart.goods_total.currency().code() != "UAH" {
            return Ok(Vec::new());
        }
        let properties = json!({ "FindByString": address.city, "Limit": "1" });
        let cities = self.ask("Address", "getCities", properties, Effect::None).await?;
        let Some(city) = cities.first().map(|city| text(city, "Ref")) else { return Ok(Vec::new()) };
        let mut prices = Vec::new();
        let ends = if address.pickup_point_code.is_empty() { "Doors" } else { "Warehouse" };
        for service in SERVICES.iter().filter(|service| service.ends_with(ends)) {
            let mut properties = json!({
                "CitySender": self.settings.get("city_sender"), "CityRecipient": city,
                "Weight": kilograms(cart.weight_grams), "ServiceType": service, "SeatsAmount": "1",
                "Cost": cart.goods_total.amount(), "CargoType": self.setting("cargo_type", "Parcel"),
            });
            if cart.cash_on_delivery {
                properties["RedeliveryCalculate"] =
                    json!({ "CargoType": "Money", "Amount": cart.goods_total.amount() });
            }
            let answer = self.ask("InternetDocument", "getDocumentPrice", properties, Effect::None).await?;
            let Some(first) = answer.first() else { continue };
            let currency = cart.goods_total.currency();
            let cost = money(first, "Cost", currency);
            // With nothing to collect it may be absent; of a sum that is text for people nothing is guessed.
            let redelivery = match text(first, "CostRedelivery").as_str() {
                "" => Some(Money::zero(currency)),
                _ => money(first, "CostRedelivery", currency),
            };
            let price = cost.zip(redelivery).and_then(|(cost, redelivery)| cost.checked_add(redelivery).ok());
            let Some(price) = price else {
                return Err(CarrierError::NotNow {
                    cause: "a price that is no number".to_owned(),
                    pause: None,
                });
            };
            prices.push(ServicePrice { service: (*service).to_owned(), price, days_min: 1, days_max: 3 });
        }
        Ok(prices)
    }

    async fn warehouses(&self, city: &str) -> Answer<Vec<PickupPoint>> {
        let mut found = Vec::new();
        for page in 1..=WAREHOUSE_PAGES_MAX {
            let properties =
                json!({ "CityName": city, "Page": page.to_string(), "Limit": WAREHOUSES_PAGE.to_string() });
            let warehouses = self.ask("Address", "getWarehouses", properties, Effect::None).await?;
            let last = warehouses.len() < WAREHOUSES_PAGE;
            found.extend(warehouses.iter().map(pickup_point));
            if last {
                break;
            }
        }
        Ok(found)
    }
}

impl Carrier for NovaPoshta {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self, parcel: &Consignment, fields: &mut Fields) {
        checks::recipient(parcel, fields);
        let name = parcel.recipient.name.trim();
        let full = name.is_empty() || name.split_whitespace().count() >= 2;
        fields.check(full, "recipient_name", "MALFORMED", "must be a surname and a first name");
        let phone = checks::digits(&parcel.recipient.phone);
        let ukrainian = phone.is_empty() || (phone.len() == 12 && phone.starts_with("380"));
        fields.check(
            ukrainian,
            "recipient_phone",
            "MALFORMED",
            "must be a Ukrainian number, +380 and nine digits",
        );
        checks::destination(parcel, fields);
        if parcel.service.ends_with("Warehouse") || parcel.service.ends_with("Postomat") {
            checks::pickup_point(parcel, fields);
        }
        checks::weight(parcel, WEIGHT_GRAMS_MAX, fields);
        let country = &parcel.address.country_code;
        fields.check(
            country.is_empty() || country == UKRAINE,
            "address.country_code",
            "NOT_SERVED",
            "only Ukraine",
        );
        let hryvnias = parcel.declared_value.currency().code() == "UAH";
        fields.check(hryvnias, "goods_total.currency_code", "NOT_SERVED", "the carrier counts in UAH");
    }

    fn create<'a>(&'a self, parcel: &'a Consignment) -> BoxFuture<'a, Answer<Booking>> {
        async move {
            let saved = self.ask("InternetDocument", "save", self.document(parcel), Effect::Some).await?;
            let first = saved
                .first()
                .ok_or(CarrierError::Unknown { cause: "success without a document".to_owned() })?;
            Ok(registered(first, parcel.declared_value.currency()))
        }
        .boxed()
    }

    fn find<'a>(&'a self, reference: ShipmentId, period: Period) -> BoxFuture<'a, Answer<Vec<Booking>>> {
        async move {
            let day = |time: DateTime<Utc>| time.with_timezone(&Kyiv).format("%d.%m.%Y").to_string();
            let properties = json!({
                "DateTimeFrom": day(period.since - TimeDelta::days(1)), "DateTimeTo": day(period.until + TimeDelta::days(1)),
                "GetFullList": "1", "InfoRegClientBarcodes": reference.to_string(),
            });
            let documents = self.ask("InternetDocument", "getDocumentList", properties, Effect::None).await?;
            let reference = reference.to_string();
            let ours = documents.iter().filter(|document| text(document, "InfoRegClientBarcodes") == reference);
            let found = ours.map(|document| match "UAH".parse() {
                Ok(hryvnia) => registered(document, hryvnia),
                Err(_) => Booking::Waiting { carrier_parcel_id: text(document, "Ref") },
            });
            Ok(found.collect())
        }
        .boxed()
    }

    fn cancel<'a>(&'a self, parcel: Booked<'a>) -> BoxFuture<'a, Answer<Cancelled>> {
        async move {
            let properties = json!({ "DocumentRefs": [parcel.carrier_parcel_id] });
            // A document that is gone cannot be deleted twice, so it may be asked again.
            self.ask("InternetDocument", "delete", properties, Effect::None).await?;
            Ok(Cancelled::Done)
        }
        .boxed()
    }

    fn label<'a>(&'a self, parcel: Booked<'a>) -> BoxFuture<'a, Answer<Option<Label>>> {
        async move {
            let print_url = self.setting("print_url", PRINT_URL);
            let (number, key) = (parcel.tracking_number, &self.api_key);
            let url =
                format!("{print_url}/orders/printMarking100x100/orders[]/{number}/type/pdf/apiKey/{key}");
            let request = Request::get(url.replace("[]", "%5B%5D")).answer_bytes_max(reply::LABEL_BYTES_MAX);
            // Its failures name the address, which holds the key.
            let reply = reply::send(&self.client, request, Effect::None).await;
            let reply = reply.map_err(|error| match error {
                CarrierError::NotNow { pause, .. } => {
                    CarrierError::NotNow { cause: "no label".to_owned(), pause }
                }
                other => other,
            })?;
            Ok(reply::pdf(&reply))
        }
        .boxed()
    }

    fn quote<'a>(&'a self, cart: &'a Cart<'a>) -> BoxFuture<'a, Answer<Vec<ServicePrice>>> {
        self.cheapest(cart).boxed()
    }

    fn pickup_points<'a>(&'a self, _: &'a str, city: &'a str) -> BoxFuture<'a, Answer<Vec<PickupPoint>>> {
        self.warehouses(city).boxed()
    }

    fn track_batch_max(&self) -> usize {
        TRACK_BATCH_MAX
    }

    fn track<'a>(
        &'a self,
        parcels: &'a [TrackedParcel],
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Answer<Vec<Report>>> {
        async move {
            let documents: Vec<Value> = parcels
                .iter()
                .map(|parcel| json!({ "DocumentNumber": parcel.tracking_number, "Phone": "" }))
                .collect();
            let properties = json!({ "Documents": documents });
            let statuses =
                self.ask("TrackingDocument", "getStatusDocuments", properties, Effect::None).await?;
            Ok(statuses.iter().map(|status| report(status, now)).collect())
        }
        .boxed()
    }

    fn codes(&self) -> &'static CodeMap {
        &NOVA_POSHTA_CODES
    }
}

impl Envelope {
    /// Why nothing was done. The texts are the only thing that is always there.
    fn trouble(&self) -> CarrierError {
        let words: Vec<String> = self.errors.iter().map(plain).collect();
        let words = words.join("; ");
        let codes: Vec<String> = self.error_codes.iter().map(plain).collect();
        let lower = words.to_lowercase();
        let says = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
        if says(&["api key", "apikey", "many requests", "unavailable", "try again"]) {
            let cause = format!("the carrier answers no requests of this account now ({})", codes.join(","));
            return CarrierError::NotNow { cause, pause: Some(Duration::from_secs(60)) };
        }
        // The first that fits: texts name the property that is wrong.
        let fields = [
            ("phone", "recipient_phone"),
            ("weight", "weight_grams"),
            ("backwarddelivery", "cash_on_delivery_amount"),
            ("redelivery", "cash_on_delivery_amount"),
            ("warehouse", "address.pickup_point_code"),
            ("recipientaddressname", "address.line"),
            ("street", "address.line"),
            ("recipientaddress", "address.pickup_point_code"),
            ("city", "address.city"),
            ("recipientname", "recipient_name"),
            ("firstname", "recipient_name"),
            ("lastname", "recipient_name"),
            ("cost", "goods_total"),
            ("servicetype", "carrier_service"),
        ];
        let field = fields.iter().find(|(sign, _)| lower.contains(sign)).map(|(_, field)| *field);
        let reason = if field.is_some() { "data_invalid" } else { "unknown" };
        CarrierError::Refused(Cause { reason, field: field.unwrap_or_default().to_owned(), words })
    }
}

/// A value as text, whether it came as text or as a number.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn text(object: &Value, name: &str) -> String {
    plain(&object[name])
}

fn money(object: &Value, name: &str, currency: Currency) -> Option<Money> {
    Money::parse(&text(object, name), currency).ok().filter(|money| !money.is_negative())
}

/// Whole grams as a decimal of kilograms.
fn kilograms(grams: i32) -> String {
    format!("{}.{:03}", grams / 1000, grams % 1000)
}

fn registered(document: &Value, currency: Currency) -> Booking {
    Booking::Registered {
        carrier_parcel_id: text(document, "Ref"),
        tracking_number: text(document, "IntDocNumber"),
        price: money(document, "CostOnSite", currency),
    }
}

fn pickup_point(warehouse: &Value) -> PickupPoint {
    let kilograms: i32 = text(warehouse, "PlaceMaxWeightAllowed").parse().unwrap_or(0);
    PickupPoint {
        code: text(warehouse, "Ref"),
        locker: text(warehouse, "CategoryOfWarehouse") == "Postomat",
        name: text(warehouse, "Description"),
        country_code: UKRAINE.to_owned(),
        city: text(warehouse, "CityDescription"),
        postal_code: String::new(),
        street: text(warehouse, "ShortAddress"),
        weight_grams_max: kilograms.clamp(0, 1_000_000) * 1000,
        cash_on_delivery: text(warehouse, "CategoryOfWarehouse") != "Postomat"
            || text(warehouse, "POSTerminal") == "1",
        opening_hours: String::new(),
        latitude: text(warehouse, "Latitude"),
        longitude: text(warehouse, "Longitude"),
    }
}

/// The carrier tells where a parcel is now, not how it came there: the code and its time make an event.
fn report(status: &Value, now: DateTime<Utc>) -> Report {
    let code = text(status, "StatusCode");
    let told = ["TrackingUpdateDate", "DateScan", "RecipientDateTime", "DateCreated"];
    let occur_time = told.iter().find_map(|name| kyiv_time(&text(status, name)));
    let event_id = match occur_time {
        Some(time) => format!("{code}@{}", time.timestamp()),
        None => code.clone(),
    };
    let cash = "UAH".parse().ok().and_then(|hryvnia| money(status, "AfterpaymentOnGoodsCost", hryvnia));
    let cash = cash.filter(|cash| !cash.is_zero());
    let taken = matches!(code.as_str(), CASH_SENT | CASH_PAID_OUT);
    Report {
        tracking_number: text(status, "Number"),
        carrier_parcel_id: String::new(),
        storage_end_time: kyiv_time(&text(status, "DateFirstDayStorage")),
        collected: cash.filter(|_| taken),
        transferred: cash.filter(|_| code == CASH_PAID_OUT),
        weighed_grams: weight::kilograms(NAME, &text(status, "Number"), &text(status, "CheckWeight")),
        events: vec![CarrierEvent {
            event_id,
            occur_time: occur_time.unwrap_or(now),
            words: text(status, "Status"),
            place: text(status, "WarehouseRecipient"),
            incident_reason: None,
            code,
        }],
    }
}

/// A time as the carrier writes it: local to Kyiv, in one of several ways, or nothing.
fn kyiv_time(text: &str) -> Option<DateTime<Utc>> {
    let ways = ["%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%H:%M %d.%m.%Y"];
    let local = ways.iter().find_map(|way| NaiveDateTime::parse_from_str(text, way).ok());
    let local = local.or_else(|| {
        let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        day.and_hms_opt(0, 0, 0)
    })?;
    // In the hour that comes twice the first is meant; in the one that never comes, nothing.
    Kyiv.from_local_datetime(&local).earliest().map(|time| time.with_timezone(&Utc))
}
