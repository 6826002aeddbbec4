//! How many requests a second each key may make.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::keys::ValidKey;

/// One token bucket per key, twice the rate deep.
pub(crate) struct Rates {
    keys_max: usize,
    clock: DefaultClock,
    buckets: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    rate_limit: u32,
    limiter: Arc<DefaultDirectRateLimiter>,
}

impl Rates {
    pub(crate) fn new(keys_max: usize) -> Self {
        Self { keys_max, clock: DefaultClock::default(), buckets: Mutex::default() }
    }

    /// Takes one token, or says how long to wait for it.
    pub(crate) fn take(&self, key: &ValidKey) -> Result<(), Duration> {
        let refused = self.limiter(key).check();
        refused.map_err(|early| early.wait_time_from(self.clock.now()))
    }

    fn limiter(&self, key: &ValidKey) -> Arc<DefaultDirectRateLimiter> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        match buckets.get(&key.key_id) {
            Some(bucket) if bucket.rate_limit == key.rate_limit => bucket.limiter.clone(),
            _ => {
                if buckets.len() >= self.keys_max {
                    buckets.clear();
                }
                let limiter = Arc::new(RateLimiter::direct(quota(key.rate_limit)));
                let bucket = Bucket { rate_limit: key.rate_limit, limiter: limiter.clone() };
                buckets.insert(key.key_id.clone(), bucket);
                limiter
            }
        }
    }
}

fn quota(rate_limit: u32) -> Quota {
    let rate = NonZeroU32::new(rate_limit).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(rate).allow_burst(rate.saturating_mul(NonZeroU32::MIN.saturating_add(1)))
}
