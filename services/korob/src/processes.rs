//! Every role as a process of its own on the loopback interface, or as several: started, watched, restarted, stopped together.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rpc::TlsSettings;
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::configuration::{Configuration, ServiceSettings};
use crate::postgres::Databases;
use crate::roles::{Role, SERVICES};
use crate::{runtime_file, shutdown, suite};

const READY_PATIENCE: Duration = Duration::from_secs(60);
const READY_PAUSE: Duration = Duration::from_millis(50);
/// A process that does not end by itself within this is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(25);
const RESTART_PAUSE: Duration = Duration::from_millis(500);
/// Set for gateways whose standard output is the socket that they accept from.
const SOCKET: &str = "KOROB_SUPERVISED_SOCKET";

/// The processes of a suite.
pub struct Processes {
    addresses: Addresses,
    watched: Vec<Watched>,
}

struct Watched {
    one: One,
    stop: CancellationToken,
    restarts: mpsc::Sender<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// One process: one of the replicas of a role.
#[derive(Clone)]
struct One {
    role: Role,
    /// Where its gRPC port is, if it has one.
    listen: Option<SocketAddr>,
    ops: SocketAddr,
    /// Where it accepts REST, if it does. All gateways have the same socket: whoever has room accepts, and while one of them
    /// is away nobody is refused.
    socket: Option<Arc<TcpListener>>,
}

/// Where everything listens; the first address of a role is what the configuration says.
struct Addresses {
    services: BTreeMap<&'static str, Vec<SocketAddr>>,
    gateway: SocketAddr,
    gateway_socket: Arc<TcpListener>,
    ops: BTreeMap<&'static str, Vec<SocketAddr>>,
}

/// The socket that the supervisor has handed to this process, a gateway.
pub fn inherited_socket() -> anyhow::Result<Option<tokio::net::TcpListener>> {
    if std::env::var_os(SOCKET).is_none() {
        return Ok(None);
    }
    let socket = TcpListener::from(std::io::stdout().as_fd().try_clone_to_owned()?);
    socket.set_nonblocking(true)?;
    Ok(Some(tokio::net::TcpListener::from_std(socket).context("standard output is no socket")?))
}

impl Processes {
    /// Starts every role and returns when all are ready.
    pub async fn start(configuration: &Configuration, databases: &Databases) -> anyhow::Result<Self> {
        let addresses = Addresses::choose(configuration)?;
        let file = runtime_file::write(
            &configuration.data_dir(),
            &runtime_configuration(configuration, databases, &addresses)?,
        )?;
        let watched = addresses.all().into_iter().map(|one| watch(one, file.clone())).collect();
        let processes = Self { addresses, watched };
        for watched in &processes.watched {
            watched.one.wait_until_ready().await?;
        }
        Ok(processes)
    }

    /// Where REST is.
    pub fn gateway(&self) -> SocketAddr {
        self.addresses.gateway
    }

    /// Where probes and metrics of the first gateway are.
    pub fn ops(&self) -> SocketAddr {
        self.addresses.ops[Role::Gateway.name()][0]
    }

    /// Where the services' gRPC ports are.
    pub fn services(&self) -> &BTreeMap<&'static str, Vec<SocketAddr>> {
        &self.addresses.services
    }

    /// Restarts one process after the other, each once the one before is ready: with two of each nobody notices.
    pub async fn restart_all(&self) -> anyhow::Result<()> {
        for watched in &self.watched {
            let (done, restarted) = oneshot::channel();
            watched.restarts.send(done).await.context("its supervising task has ended")?;
            restarted.await.context("it was not restarted")?;
            watched.one.wait_until_ready().await?;
        }
        Ok(())
    }

    /// The gateways first, so that nothing new comes in; then the services, all at once.
    pub async fn stop(mut self) {
        let services =
            self.watched.extract_if(.., |watched| watched.one.role != Role::Gateway).collect::<Vec<_>>();
        futures_util::future::join_all(self.watched.into_iter().map(Watched::end)).await;
        futures_util::future::join_all(services.into_iter().map(Watched::end)).await;
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

/// Keeps a process running until told to stop.
fn watch(one: One, file: PathBuf) -> Watched {
    let stop = CancellationToken::new();
    let (restarts, mut asked) = mpsc::channel::<oneshot::Sender<()>>(1);
    let (watched, stopped) = (one.clone(), stop.clone());
    let task = tokio::spawn(async move {
        let mut waiting: Option<oneshot::Sender<()>> = None;
        loop {
            let mut child = match one.spawn(&file) {
                Ok(child) => child,
                Err(error) => {
                    tracing::error!(role = %one.role, error = format!("{error:#}"), "a role could not be started");
                    return;
                }
            };
            // Held open: its end tells the role that the supervisor is gone, and waiting would close it.
            let _lifeline = child.stdin.take();
            if let Some(done) = waiting.take() {
                // Whoever asked may have gone.
                let _ = done.send(());
            }
            tokio::select! {
                () = stopped.cancelled() => {
                    end(one.role, &mut child).await;
                    return;
                }
                Some(done) = asked.recv() => {
                    end(one.role, &mut child).await;
                    waiting = Some(done);
                    continue;
                }
                ended = child.wait() => {
                    tracing::warn!(role = %one.role, ?ended, "a role ended unasked and is started again");
                }
            }
            tokio::time::sleep(RESTART_PAUSE).await;
        }
    });
    Watched { one: watched, stop, restarts, task }
}

impl One {
    fn spawn(&self, file: &Path) -> anyhow::Result<Child> {
        let program = std::env::current_exe().context("find the program itself")?;
        let mut command = Command::new(program);
        command
            .arg("--config")
            .arg(file)
            .args(["serve", self.role.name()])
            .env(shutdown::SUPERVISED, "1")
            .env("KOROB__OPS__LISTEN", self.ops.to_string())
            // Closes when this process is gone, however it went.
            .stdin(Stdio::piped())
            // Ctrl-C goes to the whole terminal group: the supervisor alone decides the order.
            .process_group(0)
            .kill_on_drop(true);
        if let Some(listen) = self.listen {
            let key = format!("KOROB__SERVICES__{}__LISTEN", self.role.name().to_uppercase());
            command.env(key, listen.to_string());
        }
        if let Some(socket) = &self.socket {
            // A stream is what a process is handed without ado; logs go to the other one.
            command.stdout(OwnedFd::from(socket.try_clone()?)).env(SOCKET, "1");
        }
        command.spawn().with_context(|| format!("start {}", self.role))
    }

    async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let url = format!("http://{}/readyz", self.ops);
        let client = crate::rest::Client::new();
        let ready = async {
            while !client.is_ok(&url).await {
                tokio::time::sleep(READY_PAUSE).await;
            }
        };
        let waited = tokio::time::timeout(READY_PATIENCE, ready).await;
        waited.with_context(|| {
            format!("{} was not ready within {} s; its log tells why", self.role, READY_PATIENCE.as_secs())
        })
    }
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
        let replicas = configuration.replicas.count();
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
        // The first is what was wanted, the others are beside it.
        let mut each = |wanted: SocketAddr| -> anyhow::Result<Vec<SocketAddr>> {
            let beside = SocketAddr::new(wanted.ip(), 0);
            (0..replicas).map(|at| free(if at == 0 { wanted } else { beside })).collect()
        };
        let mut services = BTreeMap::new();
        for name in SERVICES {
            services.insert(name, each(configuration.service(name).listen)?);
        }
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut ops = BTreeMap::new();
        for role in Role::ALL {
            let wanted = if role == Role::Gateway { configuration.ops.listen } else { loopback };
            ops.insert(role.name(), each(wanted)?);
        }
        let listen = configuration.gateway.listen;
        let gateway_socket = gateway::bind(listen)?.into_std()?;
        let gateway = gateway_socket.local_addr()?;
        Ok(Self { services, gateway, gateway_socket: Arc::new(gateway_socket), ops })
    }

    /// Every process: of each role the first, then the second and so on; the gateways last, so that they open when the others are
    /// there.
    fn all(&self) -> Vec<One> {
        let of = |role: Role| {
            self.ops[role.name()].iter().enumerate().map(move |(at, ops)| One {
                role,
                listen: self.services.get(role.name()).map(|listening| listening[at]),
                ops: *ops,
                socket: (role == Role::Gateway).then(|| self.gateway_socket.clone()),
            })
        };
        Role::ALL.into_iter().flat_map(of).collect()
    }
}

/// The configuration the roles are started with: that of the suite, with the addresses, databases and secret filled in.
#[derive(Serialize)]
struct RuntimeConfiguration {
    data_dir: PathBuf,
    secret: String,
    telemetry: service::telemetry::Settings,
    tls: TlsSettings,
    outbound: outbound::Reach,
    events: events::Settings,
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
    let services = addresses.services.iter().map(|(name, listening)| {
        let address = suite::addresses(&configuration.tls, listening);
        let database_url = databases.url(name).to_owned();
        let reader_url = databases.reader_url(name).to_owned();
        let service = configuration.service(name);
        (*name, ServiceSettings { address, database_url, reader_url, ..service })
    });
    let runtime = RuntimeConfiguration {
        data_dir: configuration.data_dir(),
        secret: String::from_utf8(configuration.secret()?)?,
        telemetry: configuration.telemetry.clone(),
        tls: configuration.tls.clone(),
        outbound: configuration.outbound.clone(),
        events: configuration.events.clone(),
        gateway,
        services: services.collect(),
    };
    Ok(toml::to_string(&runtime)?)
}
