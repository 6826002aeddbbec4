//! The commands, one a file.

pub mod bench;
pub mod call_graph;
pub mod check;
pub mod events;
pub mod health;
pub mod import;
pub mod keys;
pub mod migrate;
pub mod openapi;
pub mod repair;
pub mod restored;
pub mod serve;
pub mod simulate;
pub mod up;

use std::process::ExitCode;

use rpc::{Directory, Identity, identity};

use crate::arguments::Command;
use crate::configuration::Configuration;
use crate::runtime_file;

/// The suite that runs over the same data directory, or the one the configuration names.
pub fn running_suite(configuration: &Configuration) -> anyhow::Result<Directory> {
    if configuration.services.values().any(|service| !service.address.is_empty()) {
        return serve::directory(configuration, operator(configuration)?);
    }
    let data_dir = configuration.data_dir();
    let file = runtime_file::path(&data_dir);
    anyhow::ensure!(file.exists(), "no suite runs over {}: start one with `korob up`", data_dir.display());
    let mut running = Configuration::read(Some(&file))?;
    running.data_dir = Some(data_dir);
    // The suite was started with the same configuration; a secret that stands there is not in the data directory.
    running.secret.clone_from(&configuration.secret);
    serve::directory(&running, operator(configuration)?)
}

fn operator(configuration: &Configuration) -> anyhow::Result<Option<Identity>> {
    Ok(Identity::load(&configuration.tls, identity::OPERATOR)?)
}

/// The exit status of a command that could not be done. That of a check says more when it is 1.
pub fn failure(command: &Command) -> ExitCode {
    match command {
        Command::Check(_) | Command::Repair(_) => ExitCode::from(check::UNREADABLE),
        _ => ExitCode::FAILURE,
    }
}

/// A refusal for a person to read.
pub fn explain(status: &tonic::Status) -> anyhow::Error {
    match rpc::reason(status) {
        Some(reason) => anyhow::anyhow!("{} ({reason})", status.message()),
        None => anyhow::anyhow!("{} ({:?})", status.message(), status.code()),
    }
}
