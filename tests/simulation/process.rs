//! A process that may die between any two of its effects: its memory is gone, what it committed stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;

use crate::world::World;

/// One life of a process. Its tasks are not aborted when it dies: each waits for ever at the next thing it would do, which
/// nobody can tell from the outside.
pub struct Process {
    pub name: &'static str,
    pub world: Arc<World>,
    dead: AtomicBool,
    asleep_until_ms: AtomicU64,
    died: Notify,
    skew: TimeDelta,
}

impl Process {
    fn begin(world: &Arc<World>, name: &'static str) -> Arc<Self> {
        let most = world.weather().skew_ms_max;
        let skew = TimeDelta::milliseconds(if most > 0 { world.chance.between(-most, most) } else { 0 });
        world.note(format_args!("{name} starts"));
        let world = world.clone();
        let (dead, asleep_until_ms) = (AtomicBool::new(false), AtomicU64::new(0));
        Arc::new(Self { name, world, dead, asleep_until_ms, died: Notify::new(), skew })
    }

    /// Runs `start` in one life after the other; `stop` takes each out of the others' sight.
    pub async fn keep_alive(
        world: Arc<World>,
        name: &'static str,
        start: impl Fn(Arc<Self>),
        stop: impl Fn(&World),
    ) {
        loop {
            let process = Self::begin(&world, name);
            start(process.clone());
            process.died.notified().await;
            stop(&world);
            tokio::time::sleep(world.chance.millis(100, 3_000)).await;
        }
    }

    /// Comes back as long as the process lives, once it is awake.
    pub async fn alive(&self) {
        loop {
            if self.dead.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            let asleep = self.asleep_until_ms.load(Ordering::Relaxed);
            let asleep = Duration::from_millis(asleep).saturating_sub(self.world.elapsed());
            if asleep.is_zero() {
                return;
            }
            tokio::time::sleep(asleep).await;
        }
    }

    /// Does nothing for so long, as under a debugger or on a machine that is moved; then it goes on as if nothing had been.
    pub fn fall_asleep(&self, time: Duration) {
        self.world.note(format_args!("{} falls asleep for {time:?}", self.name));
        self.world.count("processes that slept");
        let until = u64::try_from((self.world.elapsed() + time).as_millis()).unwrap_or_default();
        self.asleep_until_ms.store(until, Ordering::Relaxed);
    }

    /// A place where it may die.
    pub async fn step(&self) {
        self.alive().await;
        if self.world.chance.likely(self.world.weather().deaths) {
            self.die();
            self.alive().await;
        }
    }

    /// Lets time pass.
    pub async fn rest(&self, time: Duration) {
        tokio::time::sleep(time).await;
        self.alive().await;
    }

    /// As from `kill -9`.
    pub fn die(&self) {
        if !self.dead.swap(true, Ordering::Relaxed) {
            self.world.note(format_args!("{} dies", self.name));
            self.world.count("processes that died");
            self.died.notify_one();
        }
    }

    /// What its clock shows; it may be wrong until everything is healed.
    pub fn now(&self) -> DateTime<Utc> {
        let skew = if self.world.is_healed() { TimeDelta::zero() } else { self.skew };
        self.world.now() + skew
    }
}
