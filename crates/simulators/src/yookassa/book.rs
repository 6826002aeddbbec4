//! What YooKassa knows: payments, refunds and receipts of all shops.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::amount;
use crate::keys::Keys;
use crate::shelf::Shelf;

#[derive(Debug, Default)]
pub(crate) struct Book {
    /// By id, labelled with the shop.
    pub payments: Shelf<Payment>,
    /// By id, labelled with the payment.
    pub refunds: Shelf<Refund>,
    /// By id, labelled with the payment.
    pub receipts: Shelf<Receipt>,
    pub keys: Keys,
}

impl Book {
    pub fn is_full(&self) -> bool {
        self.payments.is_full() || self.refunds.is_full() || self.receipts.is_full() || self.keys.is_full()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub id: String,
    pub shop: String,
    pub status: Status,
    pub amount_minor: i64,
    pub captured_minor: i64,
    pub refunded_minor: i64,
    pub refunding_minor: i64,
    pub currency: String,
    pub capture: bool,
    pub confirmation: Option<Confirmation>,
    /// How it ends once the buyer has confirmed.
    pub course: Course,
    pub description: String,
    pub metadata: Value,
    /// Party and reason.
    pub cancellation: Option<(&'static str, &'static str)>,
    pub receipt: Option<Value>,
    pub receipt_registration: Option<&'static str>,
    pub key: String,
    pub created_at: DateTime<Utc>,
    pub captured_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    WaitingForCapture,
    Succeeded,
    Canceled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    Pays,
    Declined,
    DeclinedLater,
    Hangs,
}

#[derive(Debug, Clone)]
pub(crate) struct Confirmation {
    pub kind: String,
    pub url: String,
    pub return_url: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Refund {
    pub id: String,
    pub shop: String,
    pub payment_id: String,
    pub status: &'static str,
    pub amount_minor: i64,
    pub currency: String,
    pub description: String,
    pub key: String,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub(crate) struct Receipt {
    pub id: String,
    pub shop: String,
    pub kind: String,
    pub payment_id: String,
    pub status: &'static str,
    pub items: Value,
    pub key: String,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::WaitingForCapture => "waiting_for_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

impl Payment {
    /// What the ledger calls it: the payment of the shop's own system when the metadata names it.
    pub fn reference(&self) -> &str {
        let named = ["reference", "attempt_id", "payment_id", "order_id"];
        named.iter().find_map(|name| self.metadata[*name].as_str()).unwrap_or(&self.id)
    }

    pub fn to_json(&self) -> Value {
        let paid = matches!(self.status, Status::WaitingForCapture | Status::Succeeded);
        let told = if self.status == Status::Succeeded { self.captured_minor } else { self.amount_minor };
        let mut body = json!({
            "id": self.id,
            "status": self.status.name(),
            "paid": paid,
            "amount": amount(told, &self.currency),
            "created_at": time(self.created_at),
            "description": self.description,
            "metadata": self.metadata,
            "recipient": { "account_id": self.shop, "gateway_id": "1" },
            "payment_method": { "type": "bank_card", "id": self.id, "saved": false },
            "refundable": self.status == Status::Succeeded && self.refundable_minor() > 0,
            "test": true,
        });
        if self.status == Status::Succeeded {
            body["refunded_amount"] = amount(self.refunded_minor, &self.currency);
        }
        if let Some(confirmation) = self.confirmation.as_ref().filter(|_| self.status == Status::Pending) {
            body["confirmation"] = match confirmation.kind.as_str() {
                "embedded" => json!({ "type": "embedded", "confirmation_token": format!("ct-{}", self.id) }),
                _ => json!({
                    "type": "redirect",
                    "confirmation_url": confirmation.url,
                    "return_url": confirmation.return_url,
                }),
            };
        }
        if let Some((party, reason)) = self.cancellation {
            body["cancellation_details"] = json!({ "party": party, "reason": reason });
        }
        if let Some(captured_at) = self.captured_at {
            body["captured_at"] = Value::from(time(captured_at));
        }
        if let Some(expires_at) = self.expires_at.filter(|_| self.status == Status::WaitingForCapture) {
            body["expires_at"] = Value::from(time(expires_at));
        }
        if let Some(registration) = self.receipt_registration {
            body["receipt_registration"] = Value::from(registration);
        }
        body
    }

    pub fn refundable_minor(&self) -> i64 {
        self.captured_minor - self.refunded_minor - self.refunding_minor
    }
}

impl Refund {
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "id": self.id,
            "payment_id": self.payment_id,
            "status": self.status,
            "amount": amount(self.amount_minor, &self.currency),
            "description": self.description,
            "created_at": time(self.created_at),
        });
        if self.status == "canceled" {
            body["cancellation_details"] = json!({ "party": "yoo_money", "reason": "insufficient_funds" });
        }
        body
    }
}

impl Receipt {
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "type": self.kind,
            "payment_id": self.payment_id,
            "status": self.status,
            "items": self.items,
        })
    }
}

pub(super) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
