//! What CDEK knows: orders, prints, webhooks and tokens.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::shelf::Shelf;
use crate::tokens::Tokens;

#[derive(Debug, Default)]
pub(crate) struct Book {
    /// By uuid and number, labelled with the account and the client's number.
    pub orders: Shelf<Order>,
    /// By uuid.
    pub prints: Shelf<Print>,
    pub webhooks: Vec<Webhook>,
    pub tokens: Tokens,
    /// Numbers given out.
    pub numbers: u64,
}

impl Book {
    pub fn is_full(&self) -> bool {
        self.orders.is_full() || self.prints.is_full()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub uuid: String,
    pub account: String,
    /// What the client calls it.
    pub number: String,
    pub cdek_number: Option<String>,
    pub tariff_code: u64,
    pub to_point: bool,
    pub city: String,
    pub label: Vec<String>,
    /// In kopecks.
    pub price: i64,
    pub cash: i64,
    pub cash_collected: bool,
    /// Oldest first.
    pub statuses: Vec<Status>,
    pub requests: Vec<Value>,
    /// Why it will be refused, if it will.
    pub doubt: Option<(&'static str, &'static str)>,
    pub removed: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub code: &'static str,
    pub city: String,
    pub reason: String,
    pub time: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub(crate) struct Print {
    pub uuid: String,
    pub account: String,
    /// `orders` or `barcodes`.
    pub form: String,
    pub state: &'static str,
    pub url: String,
    pub lines: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub uuid: String,
    pub account: String,
    pub kind: String,
    pub url: String,
}

impl Order {
    pub fn code(&self) -> &'static str {
        self.statuses.last().map_or("", |status| status.code)
    }

    /// Whether something that was asked of it is not done yet.
    pub fn is_waiting(&self) -> bool {
        self.requests.iter().any(|request| request["state"] == "ACCEPTED")
    }

    pub fn to_json(&self) -> Value {
        // The newest first.
        let statuses: Vec<Value> = self.statuses.iter().rev().map(Status::to_json).collect();
        let mut entity = json!({
            "uuid": self.uuid,
            "type": 1,
            "is_return": false,
            "is_reverse": false,
            "number": self.number,
            "tariff_code": self.tariff_code,
            "delivery_detail": { "delivery_sum": rubles(self.price), "total_sum": rubles(self.price) },
            "statuses": statuses,
        });
        if let Some(number) = &self.cdek_number {
            entity["cdek_number"] = Value::from(number.as_str());
        }
        json!({ "entity": entity, "requests": self.requests, "related_entities": [] })
    }
}

impl Status {
    fn to_json(&self) -> Value {
        let mut body = json!({
            "code": self.code,
            "name": self.code,
            "date_time": time(self.time),
            "city": self.city,
            "deleted": false,
        });
        if !self.reason.is_empty() {
            body["reason_code"] = Value::from(self.reason.as_str());
        }
        body
    }
}

/// With an offset, and without the colon that RFC 3339 wants in it.
pub(super) fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

/// A JSON number, as the vendor writes sums.
pub(super) fn rubles(kopecks: i64) -> Value {
    Value::from(kopecks as f64 / 100.0)
}

/// The label under which an account finds what it calls `number`.
pub(super) fn label(account: &str, number: &str) -> String {
    format!("{account}\n{number}")
}
