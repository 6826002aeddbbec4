//! The whole suite on one machine: in this process, or as supervised processes.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::try_join_all;
use rpc::{CallerKeys, Directory, Identity, RemoteSettings, TlsSettings, identity};
use service::Running;
use service::telemetry::Instruments;
use store::Settings;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::configuration::Configuration;
use crate::postgres::Databases;
use crate::processes::Processes;
use crate::roles::{self, SERVICES};
use crate::runtime_file;

/// How long processes of another suite may hold a port when this one starts.
const PORT_PATIENCE: Duration = Duration::from_secs(5);
const PORT_PAUSE: Duration = Duration::from_millis(50);

/// How the roles run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All in this process.
    OneProcess,
    /// Each in a process of its own.
    Processes,
}

/// A running suite.
pub struct Suite {
    /// Where REST is.
    pub gateway: SocketAddr,
    /// Where probes and metrics are; in processes, those of the gateway.
    pub ops: SocketAddr,
    /// Where each service's gRPC ports are, one for each of its processes.
    pub services: BTreeMap<&'static str, Vec<SocketAddr>>,
    /// The embedded PostgreSQL.
    pub databases: Databases,
    /// Calls the services from this process.
    pub directory: Directory,
    configuration: Configuration,
    parts: Parts,
}

enum Parts {
    OneProcess {
        services: Vec<Running>,
        gateway: gateway::Serving,
        closing: CancellationToken,
        listening: CancellationToken,
        ended: CancellationToken,
    },
    Processes(Processes),
}

impl Suite {
    /// Starts everything and returns when the gateway is open.
    pub async fn start(
        configuration: Configuration,
        mode: Mode,
        instruments: Instruments,
    ) -> anyhow::Result<Self> {
        refuse_taken("gateway.listen", configuration.gateway.listen, mode).await?;
        refuse_taken("ops.listen", configuration.ops.listen, mode).await?;
        let databases = Databases::open(&configuration).await?;
        match mode {
            Mode::OneProcess => Self::in_this_process(configuration, databases, instruments).await,
            Mode::Processes => Self::as_processes(configuration, databases).await,
        }
    }

    /// Stops taking requests, lets running work end, then stops the rest. Nothing acknowledged is lost.
    pub async fn stop(self) -> anyhow::Result<()> {
        match self.parts {
            Parts::OneProcess { services, gateway, closing, listening, ended } => {
                closing.cancel();
                gateway.finished().await?;
                listening.cancel();
                futures_util::future::join_all(services.into_iter().map(Running::drain)).await;
                ended.cancel();
            }
            Parts::Processes(processes) => processes.stop().await,
        }
        runtime_file::remove(&self.configuration.data_dir());
        self.databases.close().await
    }

    /// Restarts every process, one at a time, each once the one before is ready. In one process there is nothing to do.
    pub async fn restart_all(&self) -> anyhow::Result<()> {
        match &self.parts {
            Parts::OneProcess { .. } => Ok(()),
            Parts::Processes(processes) => processes.restart_all().await,
        }
    }

    /// Completes when something the suite cannot do without has ended unasked.
    pub async fn failed(&self) {
        self.databases.lost().await;
    }

    async fn in_this_process(
        configuration: Configuration,
        databases: Databases,
        instruments: Instruments,
    ) -> anyhow::Result<Self> {
        let secret = configuration.secret()?;
        let directory = Directory::in_process(SERVICES, CallerKeys::new(secret.clone()));
        migrate_all(&databases).await?;
        let launches = SERVICES.map(|name| {
            let service = configuration.service(name);
            let mut database = Settings::at(databases.url(name));
            database.pool_size = service.pool_size;
            let (directory, secret) = (directory.clone(), secret.clone());
            let configured = configuration.configured(name);
            // Tasks of their own: a migration blocks the task it runs in.
            let launch = async move { roles::launch(name, &database, &directory, &secret, configured).await };
            async { tokio::spawn(launch).await? }
        });
        let running = try_join_all(launches).await?;

        let identity = Identity::load(&configuration.tls, identity::SUITE)?;
        let listening = CancellationToken::new();
        let mut services = BTreeMap::new();
        for service in &running {
            let address = configuration.service(service.name()).listen;
            let (stack, stop) = (service.stack(), listening.clone());
            let (bound, _served) = service::listen(stack, address, identity.clone(), stop).await?;
            services.insert(service.name(), vec![bound]);
        }
        let closing = CancellationToken::new();
        let gateway_directory = directory.for_issuer(roles::GATEWAY);
        let gateway =
            gateway::serve(configuration.gateway.clone(), &gateway_directory, closing.clone()).await?;
        let stores: Vec<_> =
            running.iter().map(|service| (service.name(), service.store().clone())).collect();
        let draining = closing.clone();
        let ready: service::Readiness =
            Arc::new(move || Box::pin(all_answer(stores.clone(), draining.clone())));
        let ended = CancellationToken::new();
        let ops = service::serve_ops(configuration.ops.listen, instruments, ready, ended.clone()).await?;

        runtime_file::write(&configuration.data_dir(), &places(&configuration.tls, &services, &databases))?;
        let address = gateway.address;
        let parts = Parts::OneProcess { services: running, gateway, closing, listening, ended };
        Ok(Self { gateway: address, ops, services, databases, directory, configuration, parts })
    }

    async fn as_processes(configuration: Configuration, databases: Databases) -> anyhow::Result<Self> {
        let identity = Identity::load(&configuration.tls, identity::OPERATOR)?;
        let processes = Processes::start(&configuration, &databases).await?;
        let keys = CallerKeys::new(configuration.secret()?);
        let urls: Vec<_> = processes
            .services()
            .iter()
            .map(|(name, all)| (*name, addresses(&configuration.tls, all)))
            .collect();
        let directory = Directory::remote(
            urls.iter().map(|(name, url)| (*name, url.as_str())),
            keys,
            RemoteSettings { identity, ..Default::default() },
        )?;
        Ok(Self {
            gateway: processes.gateway(),
            ops: processes.ops(),
            services: processes.services().clone(),
            databases,
            directory,
            configuration,
            parts: Parts::Processes(processes),
        })
    }
}

/// As the configuration names them: with commas between.
pub fn addresses(tls: &TlsSettings, listening: &[SocketAddr]) -> String {
    let scheme = if tls.dir.is_some() { "https" } else { "http" };
    let urls: Vec<String> = listening.iter().map(|address| format!("{scheme}://{address}")).collect();
    urls.join(",")
}

/// Whether a port is free is found out before everything is started for nothing. A supervisor that was killed leaves gateways
/// that hold their ports until they notice.
async fn refuse_taken(key: &str, address: SocketAddr, mode: Mode) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        match TcpListener::bind(address) {
            Err(error)
                if error.kind() == ErrorKind::AddrInUse
                    && mode == Mode::Processes
                    && begun.elapsed() < PORT_PATIENCE =>
            {
                tokio::time::sleep(PORT_PAUSE).await;
            }
            bound => return bound.map(drop).with_context(|| format!("{key}: cannot listen on {address}")),
        }
    }
}

/// Before any service runs: a migration blocks a thread, and the services need both cores.
async fn migrate_all(databases: &Databases) -> anyhow::Result<()> {
    let migrations = SERVICES.map(|name| {
        let url = databases.url(name).to_owned();
        async move { tokio::spawn(async move { roles::migrate(name, &url).await }).await? }
    });
    try_join_all(migrations).await?;
    Ok(())
}

async fn all_answer(
    stores: Vec<(&'static str, store::Store)>,
    draining: CancellationToken,
) -> Result<(), String> {
    if draining.is_cancelled() {
        return Err("draining".to_owned());
    }
    for (name, store) in stores {
        store.ping().await.map_err(|error| format!("the database of {name}: {error}"))?;
    }
    Ok(())
}

/// The part of a configuration that tells where the services are, and where their databases can be read.
fn places(
    tls: &TlsSettings,
    services: &BTreeMap<&'static str, Vec<SocketAddr>>,
    databases: &Databases,
) -> String {
    services.iter().fold(String::new(), |mut text, (name, listening)| {
        let (address, reader) = (addresses(tls, listening), toml::Value::from(databases.reader_url(name)));
        let _ = writeln!(text, "[services.{name}]\naddress = \"{address}\"\nreader_url = {reader}\n");
        text
    })
}
