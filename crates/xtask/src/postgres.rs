//! A PostgreSQL for tests: shared by all test processes, without fsync, gone with this process.

use std::{env, fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use embedded_postgres::{Durability, Postgres, Settings};
use tokio::runtime::Runtime;

use crate::{prerequisites, tools};

/// Read by the crate `testing`.
pub const URL_VARIABLE: &str = "KOROB_TEST_POSTGRES";
const CONNECTIONS_MAX: u32 = 600;
const LOOK_PERIOD: Duration = Duration::from_secs(3600);

/// A running server with the runtime that watches it.
pub struct TestServer {
    runtime: Runtime,
    postgres: Option<Postgres>,
    directory: PathBuf,
}

impl TestServer {
    /// Starts a server in a directory of its own.
    pub fn start() -> Result<Self> {
        prerequisites::ensure_postgres()?;
        let runtime = Runtime::new().context("start a runtime")?;
        let directory = env::temp_dir().join(format!("korob-testing-postgres-{}", std::process::id()));
        let mut settings = Settings::at(&directory);
        settings.durability = Durability::TestsOnly;
        settings.max_connections = CONNECTIONS_MAX;
        let postgres =
            runtime.block_on(Postgres::start(settings)).context("start PostgreSQL for the tests")?;
        Ok(Self { runtime, postgres: Some(postgres), directory })
    }

    /// The administrator's URL.
    pub fn url(&self) -> String {
        self.postgres.as_ref().map(|postgres| postgres.admin_url("postgres")).unwrap_or_default()
    }

    /// The URL of the database `name`, made if there is none.
    pub fn database(&self, name: &str) -> Result<String> {
        let postgres = self.postgres.as_ref().context("the server has stopped")?;
        Ok(self.runtime.block_on(postgres.ensure_database(name))?)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(postgres) = self.postgres.take()
            && let Err(error) = self.runtime.block_on(postgres.stop())
        {
            eprintln!("the test server did not stop: {error}");
        }
        // Nothing in it is of use to anybody.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Keeps a server running until this process is interrupted, so that single tests start at once. What they start themselves is
/// installed.
#[expect(clippy::disallowed_methods, reason = "the chore has nothing else to do")]
pub fn run() -> Result<()> {
    tools::nats_server()?;
    let server = TestServer::start()?;
    let file = env::temp_dir().join("korob-testing-postgres.url");
    fs::write(&file, server.url()).with_context(|| format!("write {}", file.display()))?;
    println!("tests find it through {}; Ctrl-C stops it", file.display());
    loop {
        std::thread::sleep(LOOK_PERIOD);
    }
}
