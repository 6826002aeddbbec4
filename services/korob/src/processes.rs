//! Every role as a process of its own on the loopback interface: started, watched, restarted, stopped together.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::configuration::{Configuration, ServiceSettings};
use crate::postgres::Databases;
use crate::roles::{Role, SERVICES};
use crate::{runtime_file, shutdown};

const READY_PATIENCE: Duration = Duration::from_secs(60);
const READY_PAUSE: Duration = Duration::from_millis(50);
/// A process that does not end by itself within this is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(25);
const RESTART_PAUSE: Duration = Duration::from_millis(500);

/// The processes of a suite.
pub struct Processes {
    addresses: Addresses,
    watched: Vec<(Role, Watched)>,
}

struct Watched {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Where everything listens.
struct Addresses {
    services: BTreeMap<&'static str, SocketAddr>,
    gateway: SocketAddr,
    ops: BTreeMap<&'static str, SocketAddr>,
}

impl Processes {
    /// Starts every role and returns when the gateway is ready.
    pub async fn start(configuration: &Configuration, databases: &Databases) -> anyhow::Result<Self> {
        let addresses = Addresses::choose(configuration)?;
        let file = runtime_file::write(
            &configuration.data_dir(),
            &runtime_configuration(configuration, databases, &addresses)?,
        )?;
        let watched = Role::ALL
            .into_iter()
            .map(|role| (role, watch(role, file.clone(), addresses.ops[role.name()])))
            .collect();
        let processes = Self { addresses, watched };
        for role in Role::ALL {
            processes.wait_until_ready(role).await?;
        }
        Ok(processes)
    }

    /// Where REST is.
    pub fn gateway(&self) -> SocketAddr {
        self.addresses.gateway
    }

    /// Where the gateway's probes and metrics are.
    pub fn ops(&self) -> SocketAddr {
        self.addresses.ops[Role::Gateway.name()]
    }

    /// Where the services' gRPC ports are.
    pub fn services(&self) -> &BTreeMap<&'static str, SocketAddr> {
        &self.addresses.services
    }

    /// The gateway first, so that nothing new comes in; then the services, all at once.
    pub async fn stop(mut self) {
        let services = self.watched.extract_if(.., |(role, _)| *role != Role::Gateway).collect::<Vec<_>>();
        for (_, gateway) in self.watched {
            gateway.end().await;
        }
        futures_util::future::join_all(services.into_iter().map(|(_, service)| service.end())).await;
    }

    async fn wait_until_ready(&self, role: Role) -> anyhow::Result<()> {
        let address = self.addresses.ops[role.name()];
        let url = format!("http://{address}/readyz");
        let client = crate::rest::Client::new();
        let ready = async {
            while !client.is_ok(&url).await {
                tokio::time::sleep(READY_PAUSE).await;
            }
        };
        let waited = tokio::time::timeout(READY_PATIENCE, ready).await;
        waited.with_context(|| {
            format!("{role} was not ready within {} s; its log tells why", READY_PATIENCE.as_secs())
        })
    }
}

impl Watched {
    async fn end(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a supervising task failed");
        }
    }
}

/// Keeps a role running until told to stop.
fn watch(role: Role, file: PathBuf, ops: SocketAddr) -> Watched {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let task = tokio::spawn(async move {
        loop {
            let mut child = match spawn(role, &file, ops) {
                Ok(child) => child,
                Err(error) => {
                    tracing::error!(%role, error = format!("{error:#}"), "a role could not be started");
                    return;
                }
            };
            // Held open: its end tells the role that the supervisor is gone, and waiting would close it.
            let _lifeline = child.stdin.take();
            tokio::select! {
                () = stopped.cancelled() => {
                    end(role, &mut child).await;
                    return;
                }
                ended = child.wait() => tracing::warn!(%role, ?ended, "a role ended unasked and is started again"),
            }
            tokio::time::sleep(RESTART_PAUSE).await;
        }
    });
    Watched { stop, task }
}

fn spawn(role: Role, file: &Path, ops: SocketAddr) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("find the program itself")?;
    Command::new(program)
        .arg("--config")
        .arg(file)
        .args(["serve", role.name()])
        .env(shutdown::SUPERVISED, "1")
        .env("KOROB__OPS__LISTEN", ops.to_string())
        // Closes when this process is gone, however it went.
        .stdin(Stdio::piped())
        // Ctrl-C goes to the whole terminal group: the supervisor alone decides the order.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("start {role}"))
}

async fn end(role: Role, child: &mut Child) {
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
        // It may have ended by itself in between.
        let _ = kill_process(pid, Signal::TERM);
    }
    if tokio::time::timeout(STOP_PATIENCE, child.wait()).await.is_err() {
        tracing::warn!(%role, "a role did not drain in time and is killed");
        if let Err(error) = child.kill().await {
            tracing::error!(%role, %error, "a role could not be killed");
        }
    }
}

impl Addresses {
    fn choose(configuration: &Configuration) -> anyhow::Result<Self> {
        // All are held until all are chosen, so that no port is chosen twice.
        let mut held = Vec::new();
        let mut free = |wanted: SocketAddr| -> anyhow::Result<SocketAddr> {
            if wanted.port() != 0 {
                return Ok(wanted);
            }
            let listener = TcpListener::bind(wanted)?;
            let address = listener.local_addr()?;
            held.push(listener);
            Ok(address)
        };
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut services = BTreeMap::new();
        for name in SERVICES {
            services.insert(name, free(configuration.service(name).listen)?);
        }
        let gateway = free(configuration.gateway.listen)?;
        let mut ops = BTreeMap::new();
        for role in Role::ALL {
            let wanted = if role == Role::Gateway { configuration.ops.listen } else { loopback };
            ops.insert(role.name(), free(wanted)?);
        }
        Ok(Self { services, gateway, ops })
    }
}

/// The configuration the roles are started with: that of the suite, with the addresses, databases and secret filled in.
#[derive(Serialize)]
struct RuntimeConfiguration {
    data_dir: PathBuf,
    secret: String,
    telemetry: service::telemetry::Settings,
    outbound: outbound::Reach,
    gateway: gateway::Settings,
    services: BTreeMap<&'static str, ServiceSettings>,
}

fn runtime_configuration(
    configuration: &Configuration,
    databases: &Databases,
    addresses: &Addresses,
) -> anyhow::Result<String> {
    let mut gateway = configuration.gateway.clone();
    gateway.listen = addresses.gateway;
    let services = addresses.services.iter().map(|(name, listen)| {
        let (address, database_url) = (format!("http://{listen}"), databases.url(name).to_owned());
        let reader_url = databases.reader_url(name).to_owned();
        let service = configuration.service(name);
        (*name, ServiceSettings { listen: *listen, address, database_url, reader_url, ..service })
    });
    let runtime = RuntimeConfiguration {
        data_dir: configuration.data_dir(),
        secret: String::from_utf8(configuration.secret()?)?,
        telemetry: configuration.telemetry.clone(),
        outbound: configuration.outbound.clone(),
        gateway,
        services: services.collect(),
    };
    Ok(toml::to_string(&runtime)?)
}
