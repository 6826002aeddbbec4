//! The one source of "now", which tests can move.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// Tells the time. Clones share one offset from the system's clock; production never moves it.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset_us: Arc<AtomicI64>,
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self::default()
    }

    /// Now, in whole microseconds as PostgreSQL keeps them.
    #[allow(clippy::disallowed_methods)] // The one place that asks the system.
    pub fn now(&self) -> DateTime<Utc> {
        let offset = TimeDelta::microseconds(self.offset_us.load(Ordering::Relaxed));
        (Utc::now() + offset).trunc_subsecs(6)
    }

    /// Moves every clone of this clock forward.
    pub fn advance(&self, by: Duration) {
        self.offset_us.fetch_add(by.as_micros() as i64, Ordering::Relaxed);
    }

    /// Moves every clone of this clock back.
    pub fn rewind(&self, by: Duration) {
        self.offset_us.fetch_sub(by.as_micros() as i64, Ordering::Relaxed);
    }
}
