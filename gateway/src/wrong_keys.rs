//! Counts wrong keys per address, so that guessing ends after a few tries a minute.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::peer::subscriber;

const WINDOW: Duration = Duration::from_secs(60);

/// Wrong keys of the last minute by address.
pub(crate) struct WrongKeys {
    per_minute_max: u32,
    addresses_max: usize,
    counts: Mutex<HashMap<IpAddr, Count>>,
}

struct Count {
    since: Instant,
    wrong: u32,
}

impl WrongKeys {
    pub(crate) fn new(per_minute_max: u32, addresses_max: usize) -> Self {
        Self { per_minute_max, addresses_max, counts: Mutex::default() }
    }

    /// How long an address must wait; `None` when it may try.
    pub(crate) fn locked_for(&self, address: IpAddr) -> Option<Duration> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.get(&subscriber(address)).filter(|count| count.wrong >= self.per_minute_max)?;
        WINDOW.checked_sub(count.since.elapsed()).filter(|left| !left.is_zero())
    }

    /// Counts one wrong key.
    pub(crate) fn count(&self, address: IpAddr) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= self.addresses_max {
            counts.retain(|_, count| count.since.elapsed() < WINDOW);
        }
        if counts.len() >= self.addresses_max {
            counts.clear();
        }
        let now = Instant::now();
        let count = counts.entry(subscriber(address)).or_insert(Count { since: now, wrong: 0 });
        if count.since.elapsed() >= WINDOW {
            *count = Count { since: now, wrong: 0 };
        }
        count.wrong = count.wrong.saturating_add(1);
    }
}
