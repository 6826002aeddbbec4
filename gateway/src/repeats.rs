//! When a call is made again: rarely, after a short random pause, and never so often that it adds to an outage.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rand::Rng;
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
        metrics::counter!("korob_repeats_refused_total").increment(0);
        Self { earned_per_call: percent, saved: AtomicU32::new(0) }
    }

    pub(crate) fn count_call(&self) {
        let earn = |saved: u32| Some((saved + self.earned_per_call).min(SAVED_MAX));
        // The closure never declines.
        let _ = self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, earn);
    }

    /// Takes one repeat out; false when there is none.
    pub(crate) fn take(&self) -> bool {
        let spend = |saved: u32| saved.checked_sub(100);
        let taken = self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok();
        if !taken {
            metrics::counter!("korob_repeats_refused_total").increment(1);
        }
        taken
    }
}

/// How long to wait before the call is made again after `attempt` was answered with `status`; none when repeating it
/// cannot help, or when the service wants more time than a request can wait.
pub(crate) fn pause_after(attempt: u32, status: &Status) -> Option<Duration> {
    if !matches!(status.code(), Code::Unavailable | Code::ResourceExhausted) {
        return None;
    }
    let asked = status.get_details_retry_info().and_then(|info| info.retry_delay).unwrap_or_default();
    (asked <= PAUSE_MAX).then(|| asked + pause(attempt, &mut rand::rng()))
}

/// Between one and three times 20 ms after the first attempt, twice that after the second, and so on; each as likely as
/// any other.
fn pause(attempt: u32, random: &mut impl Rng) -> Duration {
    let base_ms = PAUSE_MS_MIN << attempt.saturating_sub(1).min(6);
    Duration::from_millis(random.random_range(base_ms..=base_ms * 3))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    const DRAWS: usize = 20_000;
    /// Of a thousand honest samples one is further away.
    const DISTANCE_MAX: f64 = 1.95;

    #[test]
    fn pauses_are_spread_evenly() {
        for attempt in 1..=8 {
            let base = PAUSE_MS_MIN << (attempt - 1).min(6);
            let mut random = StdRng::seed_from_u64(u64::from(attempt));
            let draws: Vec<u64> =
                (0..DRAWS).map(|_| pause(attempt, &mut random).as_millis() as u64).collect();
            assert!(draws.iter().all(|draw| (base..=base * 3).contains(draw)), "attempt {attempt}");
            let distance = distance(draws, base, base * 3);
            assert!(distance < DISTANCE_MAX, "attempt {attempt}: {distance}");
        }
    }

    #[test]
    fn pauses_that_are_not_would_be_seen() {
        let mut random = StdRng::seed_from_u64(1);
        let mut sooner = || pause(1, &mut random).min(pause(1, &mut random)).as_millis() as u64;
        let draws = (0..DRAWS).map(|_| sooner()).collect();
        assert!(distance(draws, PAUSE_MS_MIN, PAUSE_MS_MIN * 3) > 10.0 * DISTANCE_MAX);
        let same = vec![PAUSE_MS_MIN * 2; DRAWS];
        assert!(distance(same, PAUSE_MS_MIN, PAUSE_MS_MIN * 3) > 10.0 * DISTANCE_MAX);
    }

    #[test]
    fn an_outage_of_any_length_is_repeated_at_a_tenth() {
        let budget = RepeatBudget::new(10);
        let mut repeats = 0;
        for calls in 1..=100_000 {
            budget.count_call();
            repeats += usize::from(budget.take());
            assert!(repeats <= calls / 10, "{repeats} repeats at {calls} calls");
        }
        assert_eq!(repeats, 10_000);
    }

    #[test]
    fn quiet_times_save_up_ten_repeats_and_no_more() {
        let budget = RepeatBudget::new(10);
        (0..100_000).for_each(|_| budget.count_call());
        assert_eq!((0..100).filter(|_| budget.take()).count(), 10);
    }

    /// The statistic of Kolmogorov and Smirnov against the same chance for each whole number of the range, times the root
    /// of the number of draws.
    fn distance(mut draws: Vec<u64>, first: u64, last: u64) -> f64 {
        draws.sort_unstable();
        let count = draws.len() as f64;
        let seen = |value: u64| draws.partition_point(|draw| *draw <= value) as f64 / count;
        let expected = |value: u64| (value - first + 1) as f64 / (last - first + 1) as f64;
        let furthest = (first..=last).map(|value| (seen(value) - expected(value)).abs()).fold(0.0, f64::max);
        furthest * count.sqrt()
    }
}
