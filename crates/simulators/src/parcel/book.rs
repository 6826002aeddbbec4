//! What the parcel carrier knows: parcels, and what has befallen them.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::error;
use crate::money;
use crate::shelf::Shelf;

#[derive(Debug, Default)]
pub(crate) struct Book {
    /// By id and number, labelled with account and reference.
    pub parcels: Shelf<Parcel>,
    /// Tracking numbers given out.
    pub numbers: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    pub parcel_id: String,
    pub account: String,
    pub reference: String,
    pub service: String,
    pub state: State,
    pub tracking_number: Option<String>,
    pub currency: String,
    pub price_minor: i64,
    /// Why it was rejected: code, message and field.
    pub error: Option<(&'static str, &'static str, &'static str)>,
    pub cod: Option<Cod>,
    pub weight_grams: i64,
    /// What it weighs on the carrier's scales; nothing before the carrier has it.
    pub weighed_grams: Option<i64>,
    pub label: Vec<String>,
    pub events: Vec<Event>,
    pub storage_until: Option<DateTime<Utc>>,
    pub create_time: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Accepted,
    Registered,
    Rejected,
    Cancelled,
}

/// Cash that the courier takes.
#[derive(Debug, Clone)]
pub(crate) struct Cod {
    pub expected_minor: i64,
    pub currency: String,
    pub collected: bool,
    pub transferred: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub event_id: String,
    pub code: &'static str,
    pub text: &'static str,
    pub place: &'static str,
    pub reason: String,
    pub occur_time: DateTime<Utc>,
}

impl Parcel {
    /// The code of where it is.
    pub fn code(&self) -> &'static str {
        self.events.last().map_or("", |event| event.code)
    }

    pub fn to_json(&self) -> Value {
        let registered = self.tracking_number.is_some();
        json!({
            "parcel_id": self.parcel_id,
            "reference": self.reference,
            "service": self.service,
            "state": match self.state {
                State::Accepted => "accepted",
                State::Registered => "registered",
                State::Rejected => "rejected",
                State::Cancelled => "cancelled",
            },
            "tracking_number": self.tracking_number,
            "price": registered.then(|| sum(self.price_minor, &self.currency)),
            "error": self.error.map(|(code, message, field)| error(code, message, field)),
            "create_time": time(self.create_time),
        })
    }

    pub fn cod_json(&self) -> Value {
        let Some(cod) = &self.cod else { return Value::Null };
        let expected = sum(cod.expected_minor, &cod.currency);
        json!({
            "expected": expected,
            "collected": cod.collected.then(|| expected.clone()),
            "transferred": cod.transferred.then(|| expected.clone()),
        })
    }

    pub fn storage_json(&self) -> Value {
        self.storage_until.map_or(Value::Null, |until| Value::from(time(until)))
    }
}

impl Event {
    pub fn to_json(&self) -> Value {
        json!({
            "event_id": self.event_id,
            "code": self.code,
            "occur_time": time(self.occur_time),
            "text": self.text,
            "place": self.place,
            "reason": self.reason,
        })
    }
}

/// The label under which an account finds what it calls `reference`.
pub(super) fn label(account: &str, reference: &str) -> String {
    format!("{account}\n{reference}")
}

pub(super) fn sum(minor: i64, currency: &str) -> Value {
    json!({ "amount": money::format(minor, currency), "currency": currency })
}

/// A sum as callers write it; nothing when it is none or below zero.
pub(super) fn read_sum(value: &Value) -> Option<(i64, String)> {
    let currency = value["currency"].as_str().filter(|currency| money::is_currency(currency))?;
    let minor = money::parse(value["amount"].as_str()?, currency)?;
    Some((minor, currency.to_owned()))
}

pub(super) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
