//! A service of nothing but the platform's tables, and one table to write into.

use std::time::Duration;

use rpc::{Call, Caller};
use service::{Parts, Platform, Service};
use store::{EmbeddedMigrations, Settings, Store};
use testing::TestDatabase;
use tokio_postgres::Client;
use types::Clock;

/// Stands in for a service, so that its database has what every service's database has.
struct Bench;

impl Service for Bench {
    const NAME: &'static str = "bench";

    fn migrations() -> EmbeddedMigrations {
        store::platform_migrations()
    }

    async fn start(_: Platform) -> anyhow::Result<Parts> {
        Ok(Parts::new())
    }
}

/// A store on a fresh database with a table `notes (id bigint PRIMARY KEY, text text)`.
pub struct Workbench {
    pub store: Store,
    pub clock: Clock,
    database: TestDatabase,
}

impl Workbench {
    pub async fn new() -> Self {
        Self::with_pool(12).await
    }

    /// With at most `pool_size` connections.
    pub async fn with_pool(pool_size: usize) -> Self {
        let database = TestDatabase::of::<Bench>().await;
        let table = "CREATE TABLE notes (id bigint PRIMARY KEY, text text NOT NULL)";
        database.client().await.batch_execute(table).await.expect("create the table");
        let settings = Settings { pool_size, pool_wait_ms: 5_000, ..Settings::at(database.url()) };
        let clock = Clock::system();
        let store =
            Store::new("bench", &settings, clock.clone(), b"a secret of tests only").expect("a store");
        Self { store, clock, database }
    }

    /// A store of the same service with another secret.
    pub fn stranger(&self) -> Store {
        Store::new("bench", &Settings::at(self.database.url()), self.clock.clone(), b"another secret")
            .expect("a store")
    }

    /// Where the database is.
    pub fn url(&self) -> &str {
        self.database.url()
    }

    /// A connection past the store.
    pub async fn client(&self) -> Client {
        self.database.client().await
    }

    /// The number a query answers.
    pub async fn count(&self, query: &str) -> i64 {
        self.client().await.query_one(query, &[]).await.expect("the query runs").get(0)
    }
}

/// A call by an operator.
pub fn call() -> Call {
    Call::begin(Caller::operator("test"), Duration::from_secs(10))
}
