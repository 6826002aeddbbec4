//! `korob serve <role>`: one role as a process of its own.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use rpc::{CallerKeys, Directory, Identity, RemoteSettings};
use service::{Configured, Running, telemetry};
use store::{Settings, Store};
use tokio_util::sync::CancellationToken;

use crate::configuration::Configuration;
use crate::processes;
use crate::roles::{self, Role};
use crate::shutdown;

/// How long calls under way may take once the process is asked to stop.
const CALLS_PATIENCE: Duration = Duration::from_secs(12);

/// Runs until Ctrl-C or SIGTERM, then drains.
pub async fn run(configuration: Configuration, role: Role) -> anyhow::Result<ExitCode> {
    let telemetry = telemetry::start(role.name(), &configuration.telemetry)?;
    let identity = Identity::load(&configuration.tls, role.name())?;
    let directory = directory(&configuration, identity.clone())?;
    let instruments = telemetry.instruments.clone();
    match role {
        Role::Gateway => gateway(configuration, &directory, instruments).await?,
        service => serve(service, configuration, &directory, identity, instruments).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the configuration says that the services are, for who proves this identity.
pub fn directory(configuration: &Configuration, identity: Option<Identity>) -> anyhow::Result<Directory> {
    let addresses: BTreeMap<_, _> = configuration
        .services
        .iter()
        .filter(|(_, service)| !service.address.is_empty())
        .map(|(name, service)| (name.as_str(), service.address.as_str()))
        .collect();
    let keys = CallerKeys::new(configuration.secret()?);
    Ok(Directory::remote(addresses, keys, RemoteSettings { identity, ..Default::default() })?)
}

async fn gateway(
    configuration: Configuration,
    directory: &Directory,
    instruments: telemetry::Instruments,
) -> anyhow::Result<()> {
    let (closing, stop) = (CancellationToken::new(), CancellationToken::new());
    let (settings, directory) = (configuration.gateway, directory.for_issuer(roles::GATEWAY));
    let gateway = match processes::inherited_socket()? {
        Some(socket) => gateway::serve_on(socket, settings, &directory, closing.clone())?,
        None => gateway::serve(settings, &directory, closing.clone()).await?,
    };
    let url = format!("http://{}/readyz", gateway.address);
    let ready: service::Readiness = Arc::new(move || Box::pin(gateway_answers(url.clone())));
    service::serve_ops(configuration.ops.listen, instruments, ready, stop.clone()).await?;
    shutdown::requested().await?;
    closing.cancel();
    gateway.finished().await?;
    stop.cancel();
    Ok(())
}

async fn gateway_answers(url: String) -> Result<(), String> {
    match crate::rest::Client::new().is_ok(&url).await {
        true => Ok(()),
        false => Err("the gateway, or a service behind it".to_owned()),
    }
}

async fn serve(
    role: Role,
    configuration: Configuration,
    directory: &Directory,
    identity: Option<Identity>,
    instruments: telemetry::Instruments,
) -> anyhow::Result<()> {
    let settings = configuration.service(role.name());
    anyhow::ensure!(!settings.database_url.is_empty(), "services.{role}.database_url: serve needs it");
    let mut database = Settings::at(&settings.database_url);
    database.pool_size = settings.pool_size;
    let configured = configuration.configured(role.name());

    let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
    let started: Arc<OnceLock<Store>> = Arc::default();
    let ready = ready_once(started.clone(), stop.clone());
    // Before the service: while it waits for its database it is alive, and says that it is not ready; and so it does to
    // the end of its drain.
    service::serve_ops(configuration.ops.listen, instruments, ready, ended.clone()).await?;
    let secret = configuration.secret()?;
    let running = tokio::select! {
        running = start_when_possible(role, &database, directory, &secret, &configured) => running?,
        asked = shutdown::requested() => return asked,
    };
    let (_bound, served) = service::listen(running.stack(), settings.listen, identity, stop.clone()).await?;
    // Set once, here.
    let _ = started.set(running.store().clone());
    shutdown::requested().await?;
    running.begin_drain();
    stop.cancel();
    match tokio::time::timeout(CALLS_PATIENCE, served).await {
        Ok(ended) => ended.context("serve until the end")??,
        Err(_elapsed) => tracing::warn!(%role, "some calls did not end in time"),
    }
    running.drain().await;
    ended.cancel();
    Ok(())
}

/// Ready from the start of the service until it is asked to stop, whenever its database answers.
fn ready_once(started: Arc<OnceLock<Store>>, stop: CancellationToken) -> service::Readiness {
    Arc::new(move || {
        let (store, draining) = (started.get().cloned(), stop.is_cancelled());
        Box::pin(async move {
            if draining {
                return Err("draining".to_owned());
            }
            let store = store.ok_or_else(|| "the service is still starting".to_owned())?;
            store.ping().await.map_err(|error| error.to_string())
        })
    })
}

/// A database that is not there yet is waited for: services start in any order.
async fn start_when_possible(
    role: Role,
    database: &Settings,
    directory: &Directory,
    secret: &[u8],
    configured: &Configured,
) -> anyhow::Result<Running> {
    loop {
        match roles::launch(role.name(), database, directory, secret, configured.clone()).await {
            Ok(running) => return Ok(running),
            Err(error) if is_unreachable(&error) => {
                tracing::warn!(%role, error = format!("{error:#}"), "the database is not there yet");
            }
            Err(error) => return Err(error),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn is_unreachable(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<store::Error>(), Some(store::Error::Unreachable(_)))
}
