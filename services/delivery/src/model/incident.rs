//! Something went wrong with a parcel: one per parcel and cause, with somebody who takes care of it.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use types::{IncidentId, OrderId, ShipmentId, ShopId};

/// Until when somebody must have looked at it, unless the cause says otherwise.
const CARE_HOURS: i64 = 24;
/// What stops a parcel from leaving is looked at on the same day.
const URGENT_CARE_HOURS: i64 = 4;

/// Something that is wrong, as it was noticed.
#[derive(Clone, PartialEq, Eq)]
pub struct Cause {
    /// From the closed list.
    pub reason: &'static str,
    /// The field of the plan that is wrong, or empty.
    pub field: String,
    /// The carrier's own words; may name people.
    pub words: String,
}

impl Cause {
    /// A cause that needs no words.
    pub fn of(reason: &'static str) -> Self {
        Self { reason, field: String::new(), words: String::new() }
    }

    /// How long it may wait for somebody.
    fn patience(&self) -> TimeDelta {
        TimeDelta::hours(match self.reason {
            "data_invalid" | "payment_failed" | "storage_expiring" => URGENT_CARE_HOURS,
            _ => CARE_HOURS,
        })
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cause({} {})", self.reason, self.field)
    }
}

/// An incident of a parcel.
#[derive(Clone, PartialEq, Eq)]
pub struct Incident {
    pub id: IncidentId,
    pub shipment_id: ShipmentId,
    pub order_id: OrderId,
    pub shop_id: ShopId,
    /// From the closed list.
    pub reason: String,
    pub field: String,
    pub carrier_words: String,
    /// Who takes care of it; empty for nobody yet.
    pub assignee: String,
    pub due_time: DateTime<Utc>,
    pub next_action_time: Option<DateTime<Utc>>,
    pub open_time: DateTime<Utc>,
    /// `None` while it is open.
    pub close_time: Option<DateTime<Utc>>,
    /// How often it was reported.
    pub occurrences: i32,
    /// Grows by one with every change.
    pub version: i64,
}

impl Incident {
    /// A new one.
    pub fn open(parcel: (ShipmentId, OrderId, ShopId), cause: Cause, now: DateTime<Utc>) -> Self {
        let (shipment_id, order_id, shop_id) = parcel;
        Self {
            id: IncidentId::new(),
            shipment_id,
            order_id,
            shop_id,
            due_time: now + cause.patience(),
            reason: cause.reason.to_owned(),
            field: cause.field,
            carrier_words: cause.words,
            assignee: String::new(),
            next_action_time: None,
            open_time: now,
            close_time: None,
            occurrences: 1,
            version: 1,
        }
    }

    /// The same cause again: an open one counts it, a closed one opens again with new patience.
    pub fn recur(&mut self, cause: Cause, now: DateTime<Utc>) {
        if self.close_time.is_some() {
            self.due_time = now + cause.patience();
            self.close_time = None;
        }
        self.occurrences = self.occurrences.saturating_add(1);
        self.field = cause.field;
        self.carrier_words = cause.words;
        self.version += 1;
    }

    /// It is over. Answers whether it was open.
    pub fn close(&mut self, now: DateTime<Utc>) -> bool {
        let open = self.close_time.is_none();
        if open {
            self.close_time = Some(now);
            self.version += 1;
        }
        open
    }

    /// Whether somebody must still take care of it.
    pub fn is_open(&self) -> bool {
        self.close_time.is_none()
    }
}

impl fmt::Debug for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incident({} of {}, open: {})", self.reason, self.shipment_id, self.is_open())
    }
}
