//! What a check found: which, where, about what, and the two values that differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::check::{Check, Severity};

/// Findings of one check that are listed; what is beyond is only counted.
pub const LISTED_MAX: usize = 1_000;

/// The ids of tables are UUIDs; people and the interface know them with the letters of their kind.
const PREFIXES: [(&str, &str); 19] = [
    ("attempt_id", "att"),
    ("cart_key", "crt"),
    ("customer_id", "cus"),
    ("delivery_method_id", "dlm"),
    ("delivery_plan_id", "dlp"),
    ("document_id", "std"),
    ("fulfilment_id", "ful"),
    ("key_id", "key"),
    ("layer_id", "lay"),
    ("order_id", "ord"),
    ("payment_id", "pay"),
    ("promo_code_id", "prm"),
    ("quote_id", "quo"),
    ("refund_id", "rfd"),
    ("reservation_id", "res"),
    ("return_id", "ret"),
    ("shipment_id", "shm"),
    ("shop_id", "shp"),
    ("warehouse_id", "whs"),
];

/// Something that is not as a check says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check's name.
    pub check: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The services whose databases were read, the one that is believed first.
    pub databases: Vec<String>,
    /// What it is about, by kind.
    pub ids: BTreeMap<String, String>,
    /// What should be.
    pub expected: String,
    /// What is.
    pub found: String,
    /// What an operator has decided about it; then it is a notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
}

/// A decision that was written down about just these values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// Who.
    pub by: String,
    /// When.
    pub time: String,
    /// Why.
    pub note: String,
}

/// What makes two findings the same at different moments; the values may have changed meanwhile.
pub(crate) type Key = (&'static str, Vec<String>, BTreeMap<String, String>);

impl Finding {
    pub(crate) fn of<D: ToString, I: ToString>(
        check: &Check,
        databases: impl IntoIterator<Item = D>,
        ids: impl IntoIterator<Item = (I, String)>,
        (expected, found): (impl ToString, impl ToString),
    ) -> Self {
        let named = |(kind, id): (I, String)| {
            let kind = kind.to_string();
            let id = with_prefix(&kind, id);
            (kind, id)
        };
        Self {
            check: check.name,
            severity: check.severity,
            databases: databases.into_iter().map(|service| service.to_string()).collect(),
            ids: ids.into_iter().map(named).collect(),
            expected: expected.to_string(),
            found: found.to_string(),
            decided: None,
        }
    }

    /// What it is about, in one line: by it decisions are kept.
    pub fn subject(&self) -> String {
        self.ids.iter().map(|(kind, id)| format!("{kind}={id}")).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn key(&self) -> Key {
        (self.check, self.databases.clone(), self.ids.clone())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Violation => "VIOLATION",
            Severity::Notice => "notice   ",
        };
        write!(f, "{word} {} [{}]", self.check, self.databases.join(", "))?;
        for (kind, id) in &self.ids {
            write!(f, " {kind}={id}")?;
        }
        write!(f, ": expected {}, found {}", self.expected, self.found)?;
        match &self.decided {
            Some(decided) => write!(f, "; decided by {} at {}: {}", decided.by, decided.time, decided.note),
            None => Ok(()),
        }
    }
}

/// Ids as the interface writes them.
fn with_prefix(kind: &str, id: String) -> String {
    let is_uuid = id.len() == 36 && id.bytes().filter(|byte| *byte == b'-').count() == 4;
    match PREFIXES.iter().find(|(name, _)| *name == kind) {
        Some((_, prefix)) if is_uuid => format!("{prefix}_{}", id.replace('-', "")),
        _ => id,
    }
}

/// A value as it is shown: text without quotes, nothing as "nothing".
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Takes findings of one check, as many as are listed, and counts the rest.
pub(crate) struct Finds<'a> {
    /// Only these are of interest; `None`: all.
    suspected: Option<&'a BTreeSet<Key>>,
    pub(crate) listed: Vec<Finding>,
    /// Beyond those that are listed.
    pub(crate) more: u64,
}

impl<'a> Finds<'a> {
    pub(crate) fn among(suspected: Option<&'a BTreeSet<Key>>) -> Self {
        Self { suspected, listed: Vec::new(), more: 0 }
    }

    pub(crate) fn take(&mut self, finding: Finding) {
        if self.suspected.is_some_and(|suspected| !suspected.contains(&finding.key())) {
            return;
        }
        match self.listed.len() < LISTED_MAX {
            true => self.listed.push(finding),
            false => self.more += 1,
        }
    }
}
