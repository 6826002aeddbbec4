//! What a run of the generator came to, and what it cost.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::generator::{Tally, percentile_ms};

/// What had been spent at some moment.
#[derive(Debug, Clone, Copy)]
pub struct Spent {
    /// CPU seconds of the suite, without generator and PostgreSQL.
    pub ours: f64,
    /// CPU seconds of PostgreSQL.
    pub postgres: f64,
    /// CPU seconds of the generator, which is this process.
    pub generator: f64,
    /// Transactions that have written anything, on the whole server.
    pub writing_transactions: i64,
}

/// What a run of the generator came to.
pub struct Measured {
    /// Kind by kind.
    pub tallies: Vec<Tally>,
    /// How long everything counted.
    pub time: Duration,
    /// The most bytes the suite had in memory meanwhile.
    pub peak_memory_bytes: u64,
    spent: Spent,
}

impl Measured {
    /// Of what was counted for `time`, with what had been spent before and after.
    pub fn new(tallies: Vec<Tally>, time: Duration, spent: [Spent; 2], peak_memory_bytes: u64) -> Self {
        let [before, after] = spent;
        let spent = Spent {
            ours: after.ours - before.ours,
            postgres: after.postgres - before.postgres,
            generator: after.generator - before.generator,
            writing_transactions: after.writing_transactions - before.writing_transactions,
        };
        Self { tallies, time, peak_memory_bytes, spent }
    }

    /// How many requests were answered as expected.
    pub fn answered(&self) -> u64 {
        self.tallies.iter().map(Tally::answered).sum()
    }

    /// The same per second.
    pub fn per_second(&self) -> f64 {
        self.answered() as f64 / self.time.as_secs_f64()
    }

    /// How many of one kind were answered as expected before the end, per second.
    pub fn per_second_in_time(&self, kind: usize) -> f64 {
        let tally = &self.tallies[kind];
        (tally.answered() - tally.late) as f64 / self.time.as_secs_f64()
    }

    /// Milliseconds that `percent` of those took at most.
    pub fn percentile_ms(&self, percent: f64) -> Option<f64> {
        let mut all: Option<Histogram<u64>> = None;
        for tally in &self.tallies {
            match &mut all {
                None => all = Some(tally.answered_us.clone()),
                // Of the same bounds: nothing can lie outside.
                Some(all) => drop(all.add(&tally.answered_us)),
            }
        }
        percentile_ms(&all?, percent)
    }

    /// CPU microseconds of the suite for each.
    pub fn cpu_us_ours(&self) -> f64 {
        self.each(self.spent.ours * 1e6)
    }

    /// CPU microseconds of PostgreSQL for each.
    pub fn cpu_us_postgres(&self) -> f64 {
        self.each(self.spent.postgres * 1e6)
    }

    /// CPU microseconds of the generator for each.
    pub fn cpu_us_generator(&self) -> f64 {
        self.each(self.spent.generator * 1e6)
    }

    /// Transactions that wrote anything, for each.
    pub fn commits_each(&self) -> f64 {
        self.each(self.spent.writing_transactions as f64)
    }

    /// What should not have happened, of any kind.
    pub fn errors(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for (outcome, count) in self.tallies.iter().flat_map(Tally::errors) {
            *all.entry(outcome).or_default() += count;
        }
        all
    }

    fn each(&self, whole: f64) -> f64 {
        whole / self.answered().max(1) as f64
    }
}
