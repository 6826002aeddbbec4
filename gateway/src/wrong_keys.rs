//! Counts wrong keys per address, so that guessing ends after a few tries a minute.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

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
        let count = counts.get(&network(address)).filter(|count| count.wrong >= self.per_minute_max)?;
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
        let count = counts.entry(network(address)).or_insert(Count { since: now, wrong: 0 });
        if count.since.elapsed() >= WINDOW {
            *count = Count { since: now, wrong: 0 };
        }
        count.wrong = count.wrong.saturating_add(1);
    }
}

/// One subscriber has a whole /64 of IPv6: it counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        },
    }
}
