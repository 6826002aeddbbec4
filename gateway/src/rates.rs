//! How many requests a second each caller may make.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// One token bucket per name, twice the rate deep.
pub(crate) struct Rates {
    names_max: usize,
    clock: DefaultClock,
    buckets: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    rate_limit: u32,
    limiter: Arc<DefaultDirectRateLimiter>,
}

impl Rates {
    pub(crate) fn new(names_max: usize) -> Self {
        Self { names_max, clock: DefaultClock::default(), buckets: Mutex::default() }
    }

    /// Takes one token of `name`, who gets `rate_limit` a second, or says how long to wait for it.
    pub(crate) fn take(&self, name: &str, rate_limit: u32) -> Result<(), Duration> {
        let refused = self.limiter(name, rate_limit).check();
        refused.map_err(|early| early.wait_time_from(self.clock.now()))
    }

    fn limiter(&self, name: &str, rate_limit: u32) -> Arc<DefaultDirectRateLimiter> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        match buckets.get(name) {
            Some(bucket) if bucket.rate_limit == rate_limit => bucket.limiter.clone(),
            _ => {
                if buckets.len() >= self.names_max {
                    buckets.clear();
                }
                let limiter = Arc::new(RateLimiter::direct(quota(rate_limit)));
                buckets.insert(name.to_owned(), Bucket { rate_limit, limiter: limiter.clone() });
                limiter
            }
        }
    }
}

fn quota(rate_limit: u32) -> Quota {
    let rate = NonZeroU32::new(rate_limit).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(rate).allow_burst(rate.saturating_mul(NonZeroU32::MIN.saturating_add(1)))
}
