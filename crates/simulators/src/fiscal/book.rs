//! What the cash register knows: receipts, by uuid and by the caller's own id.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::shelf::Shelf;
use crate::tokens::Tokens;

#[derive(Debug, Default)]
pub(crate) struct Book {
    /// By uuid, labelled with account and external id.
    pub receipts: Shelf<Receipt>,
    pub tokens: Tokens,
    /// Receipts of this shift.
    pub numbers: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Receipt {
    pub uuid: String,
    pub account: String,
    pub external_id: String,
    pub status: &'static str,
    pub error: Value,
    pub payload: Value,
    /// In kopecks.
    pub total: i64,
    pub callback_url: Option<String>,
    pub time: DateTime<Utc>,
}

/// The time in Moscow, without its zone.
pub(super) fn time(time: DateTime<Utc>) -> String {
    (time + TimeDelta::hours(3)).format("%d.%m.%Y %H:%M:%S").to_string()
}

/// The label under which an account finds what it calls `external_id`.
pub(super) fn label(account: &str, operation: &str, external_id: &str) -> String {
    format!("{account}\n{operation}\n{external_id}")
}
