//! Brings a database to the schema the code expects; once, however many processes start together.

use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::error::{Error, Result};

const PLATFORM: EmbeddedMigrations = embed_migrations!("../../migrations/platform");

/// The migrations of what every service's database has.
pub fn platform_migrations() -> EmbeddedMigrations {
    PLATFORM
}

/// Applies the pending platform migrations, then the service's own. Answers how many were applied. Needs a
/// multi-threaded runtime.
pub async fn migrate(url: &str, own: EmbeddedMigrations) -> Result<usize> {
    let unreachable = |error: diesel::ConnectionError| Error::Unreachable(Box::new(error));
    let mut connection = AsyncPgConnection::establish(url).await.map_err(unreachable)?;
    // One process migrates, the others wait here and find nothing to do.
    connection.batch_execute("SET client_min_messages = warning; SELECT pg_advisory_lock(7000)").await?;
    let mut harness = AsyncMigrationHarness::new(connection);
    let platform = harness.run_pending_migrations(PLATFORM).map_err(Error::Migration)?.len();
    let service = harness.run_pending_migrations(own).map_err(Error::Migration)?.len();
    Ok(platform + service)
}
