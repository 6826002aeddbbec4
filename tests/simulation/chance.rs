//! All chance of a day comes from its seed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// The dice of a day. They are thrown in the order of what happens, which follows from them.
pub struct Chance(Mutex<StdRng>);

impl Chance {
    pub fn of(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// From 0 to 1.
    pub fn number(&self) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).random()
    }

    /// Whether something of this probability happens.
    pub fn likely(&self, probability: f64) -> bool {
        probability > 0.0 && self.number() < probability
    }

    /// One of `0..below`.
    pub fn below(&self, below: usize) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).random_range(0..below)
    }

    /// From `from` to `to`, both included.
    pub fn between(&self, from: i64, to: i64) -> i64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).random_range(from..=to)
    }

    /// So many milliseconds: timers of the runtime know no shorter time.
    pub fn millis(&self, from: i64, to: i64) -> Duration {
        Duration::from_millis(self.between(from, to).unsigned_abs())
    }
}
