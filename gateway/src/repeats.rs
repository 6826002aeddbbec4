//! When a call is made again: rarely, after a short random pause, and never so often that it adds to an outage.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// Hundredths of a repeat that quiet times may save up: ten repeats.
const SAVED_MAX: u32 = 1000;
const PAUSE_MS_MIN: u64 = 20;
/// A service that wants to be left alone for longer is: whoever waits here takes a place from others.
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// Every call earns a fraction of a repeat.
pub(crate) struct RepeatBudget {
    earned_per_call: u32,
    /// In hundredths of a repeat.
    saved: AtomicU32,
}

impl RepeatBudget {
    /// Allows `percent` repeats in a hundred calls, never more in all.
    pub(crate) fn new(percent: u32) -> Self {
        Self { earned_per_call: percent, saved: AtomicU32::new(0) }
    }

    pub(crate) fn count_call(&self) {
        let earn = |saved: u32| Some((saved + self.earned_per_call).min(SAVED_MAX));
        // The closure never declines.
        let _ = self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, earn);
    }

    /// Takes one repeat out; false when there is none.
    pub(crate) fn take(&self) -> bool {
        self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |saved| saved.checked_sub(100)).is_ok()
    }
}

/// How long to wait before the call is made again after `attempt` was answered with `status`; none when repeating it
/// cannot help, or when the service wants more time than a request can wait.
pub(crate) fn pause_after(attempt: u32, status: &Status) -> Option<Duration> {
    if !matches!(status.code(), Code::Unavailable | Code::ResourceExhausted) {
        return None;
    }
    let asked = status.get_details_retry_info().and_then(|info| info.retry_delay).unwrap_or_default();
    (asked <= PAUSE_MAX).then(|| asked + pause(attempt))
}

/// Between one and three times 20 ms after the first attempt, twice that after the second, and so on.
fn pause(attempt: u32) -> Duration {
    let base_ms = PAUSE_MS_MIN << attempt.saturating_sub(1).min(6);
    Duration::from_millis(rand::random_range(base_ms..=base_ms * 3))
}
