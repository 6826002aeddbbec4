//! What truly happened in the simulated systems, whatever their callers were told.

use std::sync::Mutex;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::lock;
use crate::system::System;

/// Effects that are remembered. A ledger that forgot would not be the truth: when it is full, calls are refused.
pub const ENTRIES_MAX: usize = 500_000;

/// Something that cannot be taken back by forgetting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Money of the buyer is held.
    Authorized,
    /// Money left the buyer.
    Captured,
    /// Held money was let go.
    Voided,
    /// Money went back to the buyer.
    Refunded,
    /// A waybill exists, and its parcel costs money.
    WaybillCreated,
    /// The waybill exists no longer.
    WaybillCancelled,
    /// The carrier collected cash on delivery.
    CashCollected,
    /// A receipt lies at the tax office.
    ReceiptRegistered,
}

/// One effect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Counts from 1.
    pub number: u64,
    /// When, by the simulators' clock.
    pub time: DateTime<Utc>,
    pub system: System,
    pub effect: Effect,
    /// The system's own name of what it was done to.
    pub object: String,
    /// What the caller calls it, such as its order or payment.
    pub reference: String,
    /// The idempotency key it came with; empty where the vendor has none.
    pub key: String,
    /// In minor units; 0 where no money moves.
    pub amount_minor: i64,
    /// Empty where no money moves.
    pub currency: String,
}

/// An effect to write down.
#[derive(Debug, Clone)]
pub(crate) struct Deed<'a> {
    pub system: System,
    pub effect: Effect,
    pub object: &'a str,
    pub reference: &'a str,
    pub key: &'a str,
    pub amount_minor: i64,
    pub currency: &'a str,
}

/// The book of all systems.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: Mutex<Vec<Entry>>,
}

/// Which entries to read; what is absent is not asked.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Query {
    pub system: Option<System>,
    pub object: Option<String>,
    pub reference: Option<String>,
    pub key: Option<String>,
    /// Only entries with a higher number.
    pub after: u64,
    /// At most as many; 1000 when absent.
    pub limit: Option<usize>,
}

impl Ledger {
    pub(crate) fn write(&self, time: DateTime<Utc>, deed: Deed<'_>) {
        let mut entries = lock(&self.entries);
        let number = entries.len() as u64 + 1;
        entries.push(Entry {
            number,
            time,
            system: deed.system,
            effect: deed.effect,
            object: deed.object.to_owned(),
            reference: deed.reference.to_owned(),
            key: deed.key.to_owned(),
            amount_minor: deed.amount_minor,
            currency: deed.currency.to_owned(),
        });
    }

    /// Whether there is no room for what one call may do.
    pub(crate) fn is_full(&self) -> bool {
        /// More than any single call or settlement of earlier ones writes.
        const RESERVE: usize = 10_000;
        lock(&self.entries).len() + RESERVE > ENTRIES_MAX
    }

    pub(crate) fn clear(&self) {
        lock(&self.entries).clear();
    }

    /// The entries that `query` asks for, oldest first.
    pub fn read(&self, query: &Query) -> Vec<Entry> {
        const LIMIT_DEFAULT: usize = 1_000;
        let asked = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        let fits = |entry: &&Entry| {
            query.system.is_none_or(|system| system == entry.system)
                && entry.number > query.after
                && asked(&query.object, &entry.object)
                && asked(&query.reference, &entry.reference)
                && asked(&query.key, &entry.key)
        };
        let entries = lock(&self.entries);
        entries.iter().filter(fits).take(query.limit.unwrap_or(LIMIT_DEFAULT)).cloned().collect()
    }

    /// What `system` did, oldest first.
    pub fn of(&self, system: System) -> Vec<Entry> {
        self.read(&Query { system: Some(system), limit: Some(usize::MAX), ..Query::default() })
    }
}
