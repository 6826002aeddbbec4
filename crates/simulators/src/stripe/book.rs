//! What Stripe knows: intents, refunds, events and keys of all accounts.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::keys::Keys;
use crate::shelf::Shelf;

#[derive(Debug, Default)]
pub(crate) struct Book {
    /// By id, labelled with the account.
    pub intents: Shelf<Intent>,
    /// By id, labelled with the intent.
    pub refunds: Shelf<Refund>,
    /// By id, labelled with the account; the oldest are forgotten.
    pub events: Shelf<Event>,
    pub endpoints: Vec<Endpoint>,
    pub keys: Keys,
}

impl Book {
    pub fn is_full(&self) -> bool {
        self.intents.is_full() || self.refunds.is_full() || self.keys.is_full()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Intent {
    pub id: String,
    pub account: String,
    pub client_secret: String,
    pub status: Status,
    pub amount: i64,
    pub amount_received: i64,
    pub amount_refunded: i64,
    pub amount_refunding: i64,
    /// In lower case, as it is written here.
    pub currency: String,
    pub manual: bool,
    pub description: Option<String>,
    pub metadata: Vec<(String, String)>,
    pub payment_method: Option<String>,
    pub return_url: Option<String>,
    pub authenticate_url: String,
    pub latest_charge: Option<String>,
    pub cancellation_reason: Option<String>,
    pub last_payment_error: Option<Value>,
    /// The key of the call that last moved it.
    pub key: String,
    pub created: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Succeeded,
    Canceled,
}

#[derive(Debug, Clone)]
pub(crate) struct Refund {
    pub id: String,
    pub account: String,
    pub intent: String,
    pub charge: String,
    pub status: &'static str,
    pub amount: i64,
    pub currency: String,
    pub reason: Option<String>,
    pub metadata: Vec<(String, String)>,
    pub key: String,
    pub created: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub account: String,
    pub body: Value,
}

#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub id: String,
    pub account: String,
    pub url: String,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

impl Intent {
    /// What the ledger calls it: the payment of the caller's own system when the metadata names it.
    pub fn reference(&self) -> &str {
        let named = ["reference", "attempt_id", "payment_id", "order_id"];
        let value =
            |name: &str| self.metadata.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        named.into_iter().find_map(value).unwrap_or(&self.id)
    }

    pub fn refundable(&self) -> i64 {
        self.amount_received - self.amount_refunded - self.amount_refunding
    }

    pub fn to_json(&self) -> Value {
        let action = json!({
            "type": "redirect_to_url",
            "redirect_to_url": { "url": self.authenticate_url, "return_url": self.return_url },
        });
        let canceled = self.status == Status::Canceled;
        json!({
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_capturable": if self.status == Status::RequiresCapture { self.amount } else { 0 },
            "amount_received": self.amount_received,
            "cancellation_reason": self.cancellation_reason,
            "canceled_at": canceled.then(|| self.created.timestamp()),
            "capture_method": if self.manual { "manual" } else { "automatic" },
            "client_secret": self.client_secret,
            "confirmation_method": "automatic",
            "created": self.created.timestamp(),
            "currency": self.currency,
            "description": self.description,
            "last_payment_error": self.last_payment_error,
            "latest_charge": self.latest_charge,
            "livemode": false,
            "metadata": object(&self.metadata),
            "next_action": (self.status == Status::RequiresAction).then_some(action),
            "payment_method": self.payment_method,
            "payment_method_types": ["card"],
            "status": self.status.name(),
        })
    }

    pub fn charge_json(&self) -> Value {
        json!({
            "id": self.latest_charge,
            "object": "charge",
            "amount": self.amount,
            "amount_captured": self.amount_received,
            "amount_refunded": self.amount_refunded,
            "captured": self.status == Status::Succeeded,
            "currency": self.currency,
            "payment_intent": self.id,
            "refunded": self.amount_received > 0 && self.amount_refunded == self.amount_received,
            "metadata": object(&self.metadata),
            "livemode": false,
        })
    }
}

impl Refund {
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "id": self.id,
            "object": "refund",
            "amount": self.amount,
            "charge": self.charge,
            "created": self.created.timestamp(),
            "currency": self.currency,
            "metadata": object(&self.metadata),
            "payment_intent": self.intent,
            "reason": self.reason,
            "status": self.status,
        });
        if self.status == "failed" {
            body["failure_reason"] = Value::from("expired_or_canceled_card");
        }
        body
    }
}

pub(super) fn object(pairs: &[(String, String)]) -> Value {
    Value::Object(pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect())
}

/// An id in the vendor's manner.
pub(super) fn id(prefix: &str) -> String {
    format!("{prefix}_{}", uuid::Uuid::new_v4().simple())
}
