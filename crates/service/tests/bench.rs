//! A service with one job, on a pool of two connections.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rpc::{CallerKeys, Directory};
use service::{Parts, Platform, Running, Service};
use store::{EmbeddedMigrations, Settings};
use testing::TestDatabase;
use types::Clock;

/// How often the job was begun in this process; nextest runs every test in one of its own.
pub static RUNS: OnceLock<AtomicUsize> = OnceLock::new();

pub struct Bench;

impl Service for Bench {
    const NAME: &'static str = "bench";

    fn migrations() -> EmbeddedMigrations {
        store::platform_migrations()
    }

    async fn start(_: Platform) -> anyhow::Result<Parts> {
        Ok(Parts::new().every(Duration::from_millis(20), "bench.stumble", async || {
            let run = RUNS.get_or_init(AtomicUsize::default).fetch_add(1, Ordering::SeqCst);
            assert_ne!(run % 2, 0, "a bug in a job, every second time");
            Ok(())
        }))
    }
}

/// A running service with its database.
pub struct Started {
    pub running: Running,
    pub directory: Directory,
    pub database: TestDatabase,
}

pub async fn start() -> Started {
    let database = TestDatabase::of::<Bench>().await;
    let directory = Directory::in_process(["bench"], CallerKeys::random());
    let settings = Settings { pool_size: 2, pool_wait_ms: 100, ..Settings::at(database.url()) };
    let running = service::launch::<Bench>(&settings, &directory, Clock::system(), b"secret").await;
    Started { running: running.expect("it starts"), directory, database }
}
