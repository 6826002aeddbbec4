//! `korob migrate`: brings every database to the schema of this version.

use std::process::ExitCode;

use crate::configuration::Configuration;
use crate::postgres::Databases;
use crate::roles::{self, SERVICES};

/// Migrates one database after the other and says what was done.
pub async fn run(configuration: Configuration) -> anyhow::Result<ExitCode> {
    let databases = Databases::open(&configuration).await?;
    for name in SERVICES {
        let applied = roles::migrate(name, databases.url(name)).await?;
        println!("{name}: {applied} applied");
    }
    databases.close().await?;
    Ok(ExitCode::SUCCESS)
}
