//! What is to happen later, by the simulators' clock: moving the clock makes it happen at once.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::lock;
use crate::world::World;

/// What may wait at the same time.
const TIMERS_MAX: usize = 200_000;
/// How long nothing is looked at when nothing is due.
const IDLE: Duration = Duration::from_secs(3_600);

type Job = Box<dyn FnOnce(&Arc<World>) + Send>;

#[derive(Default)]
pub(crate) struct Timers {
    waiting: Mutex<Waiting>,
    /// Held while due work is done, so that whoever moved the clock finds it done.
    turn: Mutex<()>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    heap: BinaryHeap<Timer>,
    count: u64,
}

struct Timer {
    due: DateTime<Utc>,
    number: u64,
    job: Job,
}

impl Timers {
    /// Runs `job` at `due`; false when too much waits already.
    pub fn at(&self, due: DateTime<Utc>, job: impl FnOnce(&Arc<World>) + Send + 'static) -> bool {
        let mut waiting = lock(&self.waiting);
        if waiting.heap.len() >= TIMERS_MAX {
            tracing::warn!("too much waits in the simulators: something that was due later is lost");
            return false;
        }
        waiting.count += 1;
        let number = waiting.count;
        waiting.heap.push(Timer { due, number, job: Box::new(job) });
        drop(waiting);
        self.changed.notify_one();
        true
    }

    pub fn clear(&self) {
        lock(&self.waiting).heap.clear();
    }

    /// Runs everything that is due, also what only becomes so meanwhile.
    pub fn run_due(&self, world: &Arc<World>) {
        let _turn = lock(&self.turn);
        while let Some(job) = self.next_due(world.now()) {
            job(world);
        }
    }

    /// Runs what becomes due, until `stop`.
    pub async fn run(&self, world: Arc<World>, stop: CancellationToken) {
        loop {
            self.run_due(&world);
            let wait = self.wait(world.now());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.changed.notified() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    fn next_due(&self, now: DateTime<Utc>) -> Option<Job> {
        let mut waiting = lock(&self.waiting);
        waiting
            .heap
            .peek()
            .is_some_and(|timer| timer.due <= now)
            .then(|| waiting.heap.pop())?
            .map(|timer| timer.job)
    }

    fn wait(&self, now: DateTime<Utc>) -> Duration {
        let waiting = lock(&self.waiting);
        let until = waiting.heap.peek().map(|timer| timer.due - now);
        // A little more than the difference, so that it is due when we wake.
        until.map_or(IDLE, |until| (until + TimeDelta::milliseconds(1)).to_std().unwrap_or_default())
    }
}

// The earliest first, and of the same time the one that was asked for first.
impl Ord for Timer {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.number).cmp(&(self.due, self.number))
    }
}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Timer {}
