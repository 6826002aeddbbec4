//! The newest trace of each bucket of a histogram, so that a bar of a dashboard leads to a request that is in it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

use crate::trace::{self, TraceContext};

/// The buckets of every duration, in seconds: from a fifth of a millisecond to ten seconds.
pub const DURATION_BUCKETS: [f64; 15] =
    [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];
/// What takes longer is always worth a look …
const SLOW_SECONDS: f64 = 0.1;
/// … and of the rest one in so many milliseconds.
const PERIOD_MS: u64 = 50;
/// Series with an exemplar; labels are closed sets, so this is never reached.
const KEPT_MAX: usize = 20_000;

static KEPT: LazyLock<Mutex<HashMap<String, Exemplar>>> = LazyLock::new(Mutex::default);
static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A measured value and the trace it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// In hexadecimal.
    pub trace_id: String,
    /// What was measured, in seconds.
    pub value: f64,
}

/// A histogram of durations whose buckets lead to traces.
#[derive(Debug)]
pub struct Exemplars {
    histogram: &'static str,
    /// Before that, only what is slow is noted.
    next_ms: AtomicU64,
}

impl Exemplars {
    /// Those of `histogram`.
    pub const fn of(histogram: &'static str) -> Self {
        Self { histogram, next_ms: AtomicU64::new(0) }
    }

    /// Notes what the histogram was given for a call of `trace`. Costs one look at a flag when nothing is kept.
    pub fn note(&self, labels: &[(&'static str, &'static str)], seconds: f64, trace: TraceContext) {
        // A trace leads nowhere while no spans are exported.
        if !trace::is_exported() || !trace.is_sampled() {
            return;
        }
        let now_ms = BEGUN.elapsed().as_millis() as u64;
        if seconds < SLOW_SECONDS && now_ms < self.next_ms.load(Ordering::Relaxed) {
            return;
        }
        self.next_ms.store(now_ms + PERIOD_MS, Ordering::Relaxed);
        // Whoever reads them has them for a moment; nobody waits for that.
        let Ok(mut kept) = KEPT.try_lock() else { return };
        if kept.len() < KEPT_MAX {
            let exemplar = Exemplar { trace_id: trace.trace_id(), value: seconds };
            kept.insert(series(self.histogram, labels, seconds), exemplar);
        }
    }
}

/// The kept exemplars by the series of their bucket, as the exposition writes it.
pub fn all() -> HashMap<String, Exemplar> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn series(histogram: &str, labels: &[(&str, &str)], seconds: f64) -> String {
    let mut series = format!("{histogram}_bucket{{");
    for (name, value) in labels {
        // Writing to a string never fails; our own label values need no escapes.
        let _ = write!(series, "{name}=\"{value}\",");
    }
    let bucket = DURATION_BUCKETS.iter().find(|bound| seconds <= **bound);
    let _ = match bucket {
        Some(bound) => write!(series, "le=\"{bound}\"}}"),
        None => write!(series, "le=\"+Inf\"}}"),
    };
    series
}
