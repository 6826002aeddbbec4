//! What became of the requests of one kind.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use http::StatusCode;
use serde_json::Value;

use super::{Reply, Request};

/// Latencies up to a minute, to three digits.
const LATENCY_US_MAX: u64 = 60_000_000;
const DIGITS: u8 = 3;

/// What became of the requests of one kind.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Microseconds of those that were answered as expected; in an open loop from the moment they were due.
    pub answered_us: Histogram<u64>,
    /// Microseconds, from the moment they were sent, of those that were refused because there was too much to do: 503, 429.
    pub refused_us: Histogram<u64>,
    /// Refusals that do not say when to come again.
    pub without_retry_after: u64,
    /// Everything else, as `409 OUT_OF_STOCK` or the words of a broken connection.
    pub other: BTreeMap<String, u64>,
    /// Due, but no client was free before the end.
    pub unsent: u64,
    /// Answered as expected, but after the end.
    pub late: u64,
}

impl Tally {
    /// Nothing yet.
    pub fn new() -> anyhow::Result<Self> {
        let histogram = Histogram::new_with_bounds(1, LATENCY_US_MAX, DIGITS)?;
        Ok(Self {
            answered_us: histogram.clone(),
            refused_us: histogram,
            without_retry_after: 0,
            other: BTreeMap::new(),
            unsent: 0,
            late: 0,
        })
    }

    /// One for each of `kinds`.
    pub fn of_kinds(kinds: usize) -> anyhow::Result<Vec<Self>> {
        (0..kinds).map(|_| Self::new()).collect()
    }

    /// Counts what `request` came to, after `waited` for it in all, and after `sent` since it was sent.
    pub fn record(
        &mut self,
        request: &Request,
        reply: &anyhow::Result<Reply>,
        waited: Duration,
        sent: Duration,
    ) {
        match reply {
            Ok(reply) if reply.status == request.expected => self.answered_us.saturating_record(us(waited)),
            Ok(reply) if is_refusal(reply.status) => {
                self.refused_us.saturating_record(us(sent));
                self.without_retry_after += u64::from(!reply.has_retry_after);
            }
            Ok(reply) => self.count(outcome(reply)),
            Err(error) => self.count(format!("{error:#}")),
        }
    }

    fn count(&mut self, outcome: String) {
        *self.other.entry(outcome).or_default() += 1;
    }

    /// Takes the figures of another client in.
    pub fn add(&mut self, other: &Self) {
        // Of the same bounds: nothing can lie outside.
        let _ = self.answered_us.add(&other.answered_us);
        let _ = self.refused_us.add(&other.refused_us);
        self.without_retry_after += other.without_retry_after;
        self.unsent += other.unsent;
        self.late += other.late;
        for (outcome, count) in &other.other {
            *self.other.entry(outcome.clone()).or_default() += count;
        }
    }

    /// How many were answered as expected.
    pub fn answered(&self) -> u64 {
        self.answered_us.len()
    }

    /// Everything that should not have happened where nothing is refused, by its name.
    pub fn errors(&self) -> BTreeMap<String, u64> {
        let mut errors = self.other.clone();
        errors.insert("refused".to_owned(), self.refused_us.len());
        errors.insert("not sent in time".to_owned(), self.unsent);
        errors.retain(|_, count| *count > 0);
        errors
    }
}

/// Milliseconds that `percent` of them took at most; none of nothing.
pub fn percentile_ms(histogram: &Histogram<u64>, percent: f64) -> Option<f64> {
    (!histogram.is_empty()).then(|| histogram.value_at_percentile(percent) as f64 / 1000.0)
}

fn us(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(LATENCY_US_MAX)
}

fn is_refusal(status: StatusCode) -> bool {
    status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS
}

fn outcome(reply: &Reply) -> String {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    match body["reason"].as_str() {
        Some(reason) => format!("{} {reason}", reply.status.as_u16()),
        None => reply.status.as_u16().to_string(),
    }
}
