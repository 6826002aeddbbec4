//! A URL that a partner wants to be told at.

use chrono::{DateTime, Utc};
use rpc::Shops;
use types::WebhookEndpointId;

use crate::model::Audience;
use crate::model::signature::Secret;

/// Most kinds of one endpoint.
pub(crate) const EVENT_TYPES_MAX: usize = 100;
/// Most endpoints that have one shop, or none, in common; more would make one change many calls.
pub(crate) const ENDPOINTS_MAX: i64 = 50;

/// An endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) id: WebhookEndpointId,
    pub(crate) details: Details,
    /// Who made it, such as `key:key_…`.
    pub(crate) made_by: String,
    pub(crate) secret: Secret,
    /// The secret before, and until when it signs, too.
    pub(crate) previous: Option<(Secret, DateTime<Utc>)>,
    pub(crate) disabled: Option<Disabled>,
    pub(crate) version: i64,
    pub(crate) create_time: DateTime<Utc>,
    pub(crate) health: Health,
}

/// What its owner may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) url: String,
    pub(crate) title: String,
    pub(crate) audience: Audience,
    /// Names, sorted.
    pub(crate) event_types: Vec<String>,
}

/// Since when and why nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disabled {
    pub(crate) cause: Cause,
    pub(crate) time: DateTime<Utc>,
}

/// Why an endpoint is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Asked,
    Failing,
    Gone,
    KeyRevoked,
    PlaceLost,
}

/// How an endpoint fares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Health {
    /// Since when nothing was taken.
    pub(crate) failing_since: Option<DateTime<Utc>>,
    /// Rounds in a row in which nothing was taken, of new events as well.
    pub(crate) failed_rounds: i32,
    /// Nothing is sent before.
    pub(crate) retry_time: Option<DateTime<Utc>>,
    pub(crate) last_failure: String,
    pub(crate) last_success_time: Option<DateTime<Utc>>,
}

impl Endpoint {
    /// Whether somebody who may see `shops` may see the endpoint: all its shops must be among them. One without shops is the
    /// organisation's and is seen by those who manage no shop.
    pub(crate) fn is_visible_to(&self, shops: &Shops) -> bool {
        let own = &self.details.audience;
        match shops {
            Shops::All => true,
            Shops::Only(_) if own.all_shops => false,
            Shops::Only(shops) if own.shops.is_empty() => shops.is_empty(),
            Shops::Only(shops) => own.shops.iter().all(|shop| shops.contains(shop)),
        }
    }

    /// The secrets that sign at `now`, the newest first.
    pub(crate) fn secrets(&self, now: DateTime<Utc>) -> Vec<&Secret> {
        let previous = self.previous.as_ref().filter(|(_, until)| *until > now).map(|(secret, _)| secret);
        std::iter::once(&self.secret).chain(previous).collect()
    }
}

impl Cause {
    const ALL: [Self; 5] = [Self::Asked, Self::Failing, Self::Gone, Self::KeyRevoked, Self::PlaceLost];

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Failing => "failing",
            Self::Gone => "gone",
            Self::KeyRevoked => "key_revoked",
            Self::PlaceLost => "place_lost",
        }
    }

    pub(crate) fn read(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.code() == code)
    }
}
