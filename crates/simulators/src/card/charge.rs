//! A charge and a refund of the card provider, and what may become of them.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

#[derive(Debug, Clone)]
pub(crate) struct Charge {
    pub charge_id: String,
    pub account: String,
    pub reference: String,
    pub status: Status,
    pub sequence: u32,
    pub amount_minor: i64,
    pub captured_minor: i64,
    pub refunded_minor: i64,
    /// Refunds that are neither refused nor done.
    pub refunding_minor: i64,
    pub currency: String,
    /// Take the money at once, or only reserve it.
    pub capture: Capture,
    pub redirect_url: Option<String>,
    pub return_url: Option<String>,
    pub description: String,
    pub decline: Option<&'static str>,
    /// The key of the request that made it.
    pub key: String,
    pub create_time: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capture {
    AtOnce,
    Later,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    RequiresAction,
    Authorized,
    Captured,
    Failed,
    Voided,
}

#[derive(Debug, Clone)]
pub(crate) struct Refund {
    pub refund_id: String,
    pub account: String,
    pub reference: String,
    pub charge_id: String,
    pub status: RefundStatus,
    pub sequence: u32,
    pub amount_minor: i64,
    pub currency: String,
    pub decline: Option<&'static str>,
    pub key: String,
    pub create_time: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::RequiresAction => "requires_action",
            Self::Authorized => "authorized",
            Self::Captured => "captured",
            Self::Failed => "failed",
            Self::Voided => "voided",
        }
    }
}

impl RefundStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

impl Charge {
    pub fn to_json(&self) -> Value {
        json!({
            "charge_id": self.charge_id,
            "reference": self.reference,
            "status": self.status.name(),
            "sequence": self.sequence,
            "amount_minor": self.amount_minor,
            "captured_minor": self.captured_minor,
            "refunded_minor": self.refunded_minor,
            "currency": self.currency,
            "redirect_url": self.redirect_url.as_deref().filter(|_| self.status == Status::RequiresAction),
            "decline": self.decline.map(decline),
            "create_time": time(self.create_time),
        })
    }

    /// What could still be given back.
    pub fn refundable_minor(&self) -> i64 {
        self.captured_minor - self.refunded_minor - self.refunding_minor
    }
}

impl Refund {
    pub fn to_json(&self) -> Value {
        json!({
            "refund_id": self.refund_id,
            "reference": self.reference,
            "charge_id": self.charge_id,
            "status": self.status.name(),
            "sequence": self.sequence,
            "amount_minor": self.amount_minor,
            "currency": self.currency,
            "decline": self.decline.map(decline),
            "create_time": time(self.create_time),
        })
    }
}

pub(super) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn decline(code: &str) -> Value {
    let message = match code {
        "insufficient_funds" => "there is not enough money on the card",
        "authentication_failed" => "the buyer did not confirm",
        "abandoned" => "the buyer did not come back",
        "acquirer_unavailable" => "nobody could decide",
        "account_closed" => "the card is closed",
        _ => "the bank declined",
    };
    json!({ "code": code, "message": message })
}
