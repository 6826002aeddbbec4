//! The load generator: clients that keep their connections open, in the bench's own process, apart from the suite's.
//!
//! - [`closed`]: each client asks again when it was answered. Tells how much there is.
//! - [`open`]: requests are due by a schedule, whatever becomes of the earlier ones, and a latency begins when its request
//!   was due. Tells how long people wait: a client that waits for a slow answer leaves nothing out.

mod client;
mod closed;
mod open;
mod schedule;
mod tally;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use tokio::time::Instant;

pub use client::{Client, Reply, Target};
pub use closed::closed;
pub use open::open;
pub use schedule::Schedule;
pub use tally::{Tally, percentile_ms};

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which tally counts it.
    pub kind: usize,
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// The header of that name.
    pub idempotency_key: Option<String>,
    /// JSON; empty for none.
    pub body: Bytes,
    /// What it is answered when all is well.
    pub expected: StatusCode,
}

impl Request {
    /// A GET that is answered 200.
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            kind: 0,
            method: Method::GET,
            path: path.into(),
            idempotency_key: None,
            body: Bytes::new(),
            expected: StatusCode::OK,
        }
    }

    /// A keyed POST that is answered 201.
    pub fn post(path: impl Into<String>, idempotency_key: String, body: Bytes) -> Self {
        Self {
            kind: 0,
            method: Method::POST,
            path: path.into(),
            idempotency_key: Some(idempotency_key),
            body,
            expected: StatusCode::CREATED,
        }
    }

    /// The same, counted by another tally.
    pub fn of_kind(self, kind: usize) -> Self {
        Self { kind, ..self }
    }
}

/// When a run counts: what is answered, or due, in the first seconds warms up connections, plans and pools.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// When the clients begin.
    pub start: Instant,
    /// How long nothing counts.
    pub discard: Duration,
    /// How long everything counts after that.
    pub measure: Duration,
}

impl Window {
    /// One that begins now.
    pub fn from_now(discard: Duration, measure: Duration) -> Self {
        Self { start: Instant::now(), discard, measure }
    }

    /// When counting begins.
    pub fn counts_from(&self) -> Instant {
        self.start + self.discard
    }

    /// When counting and sending end.
    pub fn end(&self) -> Instant {
        self.counts_from() + self.measure
    }

    /// Whether what happened `at` counts.
    pub fn holds(&self, at: Instant) -> bool {
        self.counts_from() <= at && at < self.end()
    }
}

/// Adds the tallies of all clients up, kind by kind.
fn total(mut all: Vec<Tally>, more: Vec<Tally>) -> Vec<Tally> {
    for (tally, other) in all.iter_mut().zip(more) {
        tally.add(&other);
    }
    all
}
