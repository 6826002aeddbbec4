//! One event on its way to one endpoint.

use chrono::{DateTime, Utc};
use types::{EventId, ShopId, WebhookDeliveryId, WebhookEndpointId};

/// A delivery.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) id: WebhookDeliveryId,
    pub(crate) sequence: i64,
    pub(crate) endpoint: WebhookEndpointId,
    pub(crate) event: EventId,
    pub(crate) kind: String,
    pub(crate) shop: Option<ShopId>,
    pub(crate) resource: String,
    pub(crate) replayed: bool,
    pub(crate) state: State,
    pub(crate) attempts: i32,
    pub(crate) next_attempt_time: Option<DateTime<Utc>>,
    pub(crate) last_status_code: i32,
    pub(crate) last_failure: String,
    pub(crate) create_time: DateTime<Utc>,
    pub(crate) finish_time: Option<DateTime<Utc>>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Delivered,
    Dead,
}

/// A new delivery, of an event that is stored.
#[derive(Debug, Clone)]
pub(crate) struct NewDelivery {
    pub(crate) endpoint: WebhookEndpointId,
    pub(crate) event: EventId,
    pub(crate) kind: String,
    pub(crate) shop: Option<ShopId>,
    pub(crate) resource: String,
    pub(crate) replayed: bool,
}

/// What an endpoint said to one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// 0 when it did not answer.
    pub(crate) status_code: i32,
    /// Empty when it took the event.
    pub(crate) failure: String,
    /// How long it wants to be left alone.
    pub(crate) retry_after_seconds: i64,
    pub(crate) duration_ms: i32,
}

impl State {
    const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Dead];

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    pub(crate) fn read(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

impl Outcome {
    pub(crate) fn is_taken(&self) -> bool {
        self.failure.is_empty()
    }

    /// The endpoint says that it is no more.
    pub(crate) fn is_gone(&self) -> bool {
        self.status_code == 410
    }
}
