//! When requests are due in an open loop.

use std::time::Duration;

use tokio::time::Instant;

/// Evenly spaced arrivals.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    start: Instant,
    per_second: f64,
}

impl Schedule {
    /// `per_second` from `start` on.
    pub fn new(start: Instant, per_second: f64) -> Self {
        Self { start, per_second }
    }

    /// When request number `number` is due.
    pub fn due(&self, number: u64) -> Instant {
        self.start + Duration::from_secs_f64(number as f64 / self.per_second)
    }

    /// How many are due in the first `time`.
    pub fn count(&self, time: Duration) -> u64 {
        (time.as_secs_f64() * self.per_second).ceil() as u64
    }
}
