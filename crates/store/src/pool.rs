//! Connections to one service's database.

use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Pool, PoolError, QueueMode, TimeoutType, Timeouts};
use tokio::sync::watch;
use types::Clock;

use crate::backend;
use crate::connection::Connection;
use crate::error::{Contention, Error, Result};
use crate::session::Sessions;
use crate::tail::{Run, Tail};

/// How a service reaches its database.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `postgres://role:password@host:port/database`.
    pub url: String,
    /// Most connections at once.
    #[serde(default = "default_pool_size")]
    pub pool_size: usize,
    /// How long a call waits for a connection, in milliseconds, before it is refused. Default 400.
    #[serde(default = "default_pool_wait_ms")]
    pub pool_wait_ms: u64,
}

fn default_pool_size() -> usize {
    12
}

fn default_pool_wait_ms() -> u64 {
    400
}

impl Settings {
    /// The defaults for `url`.
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), pool_size: default_pool_size(), pool_wait_ms: default_pool_wait_ms() }
    }
}

/// Connections of a pool, and who waits for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUsage {
    /// As many there may be.
    pub max: usize,
    /// As many there are.
    pub open: usize,
    /// Of those, free ones.
    pub idle: usize,
    /// Calls that wait for one.
    pub waiting: usize,
}

/// A service's database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: Pool<Sessions>,
    service: Arc<str>,
    clock: Clock,
    seal_key: Arc<[u8]>,
    appended: Arc<watch::Sender<i64>>,
    tail: Arc<Tail>,
}

impl Store {
    /// A pool that connects when first used. `secret` seals page tokens.
    pub fn new(service: &str, settings: &Settings, clock: Clock, secret: &[u8]) -> Result<Self> {
        let config = backend::config(&settings.url).map_err(|error| Error::Unreachable(Box::new(error)))?;
        let wait = Duration::from_millis(settings.pool_wait_ms);
        let pool = Pool::builder(Sessions::new(config))
            .max_size(settings.pool_size)
            // The session that worked last has what it needs at hand; in turn, all of them would always begin cold.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(wait),
                create: Some(Duration::from_secs(3)),
                // Has a limit of its own.
                recycle: None,
            })
            .build()
            .map_err(|error| Error::Unreachable(Box::new(error)))?;
        count_from_zero(service);
        Ok(Self {
            pool,
            service: service.into(),
            clock,
            seal_key: secret.into(),
            appended: Arc::new(watch::Sender::new(0)),
            tail: Arc::default(),
        })
    }

    /// A connection for reading.
    pub async fn connection(&self) -> Result<Connection> {
        self.pool.get().await.map(Connection::pooled).map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => {
                metrics::counter!("korob_pool_exhausted_total", "database" => self.service.to_string())
                    .increment(1);
                Error::PoolExhausted
            }
            other => Error::Unreachable(Box::new(other)),
        })
    }

    /// A connection besides the pool, for what holds one for minutes: others must not wait for it, nor it for itself.
    /// Whoever takes it sees to it that there are few.
    pub async fn own_connection(&self) -> Result<Connection> {
        Ok(self.connection().await?.into_own())
    }

    /// How the pool is used at the moment.
    pub fn usage(&self) -> PoolUsage {
        let status = self.pool.status();
        PoolUsage {
            max: status.max_size,
            open: status.size,
            idle: status.available.min(status.size),
            waiting: status.waiting,
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        use diesel_async::SimpleAsyncConnection;
        let mut connection = self.connection().await?;
        Ok(connection.batch_execute("SELECT 1").await?)
    }

    /// The service this is the database of.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Sees the position of the newest event this process committed; other processes' events need a poll.
    pub fn appended(&self) -> watch::Receiver<i64> {
        self.appended.subscribe()
    }

    /// The newest events that this process committed.
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    pub(crate) fn note_appended(&self, run: Run) {
        let Some(position) = run.events.last().map(|event| event.position) else { return };
        self.tail.push(run);
        self.appended.send_if_modified(|last| {
            let newer = position > *last;
            *last = (*last).max(position);
            newer
        });
    }

    pub(crate) fn seal_key(&self) -> &[u8] {
        &self.seal_key
    }
}

/// Counters are there from the beginning, so that their first step is seen as one.
fn count_from_zero(service: &str) {
    metrics::counter!("korob_pool_exhausted_total", "database" => service.to_owned()).increment(0);
    metrics::counter!("korob_database_connections_lost_total").increment(0);
    metrics::counter!("korob_statements_cancelled_total").increment(0);
    for contention in Contention::ALL {
        contention.count(0);
    }
}
