//! `korob restored`: says that a service's database went back, so that nobody reads on in its log unawares.

use std::process::ExitCode;
use std::time::Duration;

use rpc::{Call, Caller};
use store::{Settings, Store};
use types::Clock;

use crate::commands::check::is_in_use;
use crate::configuration::Configuration;
use crate::postgres::Databases;
use crate::roles::{self, Role};

const PATIENCE: Duration = Duration::from_secs(30);

/// Brings the database to the schema of this version and gives its log another epoch. Before the suite starts: what it would
/// tell before that would not be read.
pub async fn run(configuration: Configuration, service: Role) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(service != Role::Gateway, "the gateway has no database");
    let databases = match Databases::open(&configuration).await {
        Err(error) if is_in_use(&error) => anyhow::bail!("stop the suite first: {error:#}"),
        opened => opened?,
    };
    let renewed = renew(&configuration, databases.url(service.name()), service).await;
    databases.close().await?;
    let log = renewed?;
    println!(
        "the log of {service} ends at {} and has the epoch {} from now on: start the suite, then `korob repair --dry-run`",
        log.position, log.epoch
    );
    Ok(ExitCode::SUCCESS)
}

async fn renew(
    configuration: &Configuration,
    url: &str,
    service: Role,
) -> anyhow::Result<events::RestoredLog> {
    roles::migrate(service.name(), url).await?;
    let store = Store::new(service.name(), &Settings::at(url), Clock::system(), &configuration.secret()?)?;
    let call = Call::begin(Caller::operator("restored"), PATIENCE);
    Ok(events::restored(&store, &call).await?)
}
