//! A data directory made ready, and the start of a server in it.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use tokio::time::sleep;
use tokio_postgres::Config;

use crate::{
    Durability, Error, Settings, binaries::Binaries, cluster, data_dir::DataDir, database, leftovers,
    log_files, memory, postmaster::Postmaster,
};

/// Recovery after a power cut replays the log before it takes connections.
const READY_PATIENCE: Duration = Duration::from_secs(300);
const READY_PAUSE: Duration = Duration::from_millis(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Another program may take the free port between its choice and its use.
const START_TRIES: u32 = 3;
const PORT_TAKEN: &str = "Address already in use";
const LOG_TAIL_LINES: usize = 20;

/// A data directory ready for a server.
pub(crate) struct Prepared {
    pub dir: DataDir,
    binaries: Binaries,
    pub admin_password: String,
    settings: Settings,
}

impl Prepared {
    /// Finds the binaries and makes the data directory ready. Blocks.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let cluster = settings.data_dir.join("cluster");
        let written_by = cluster::written_by(&cluster)?;
        let binaries = Binaries::select(settings.bin_dir.as_deref(), &settings.data_dir, written_by)?;
        let dir = DataDir::open(&settings.data_dir)?;
        leftovers::clear(&dir.cluster())?;
        let admin_password = cluster::ensure(&dir, &binaries, settings.durability)?;
        Ok(Self { dir, binaries, admin_password, settings })
    }

    /// Starts the server on a free port and waits until it takes connections.
    pub async fn start(&self) -> Result<(Postmaster, u16), Error> {
        let mut attempt = 1;
        loop {
            match self.start_once().await {
                Err(Error::Start { log_tail, .. })
                    if attempt < START_TRIES && log_tail.contains(PORT_TAKEN) =>
                {
                    attempt += 1;
                }
                started => return started,
            }
        }
    }

    async fn start_once(&self) -> Result<(Postmaster, u16), Error> {
        let port = free_port().map_err(Error::io("choose a free port for", self.dir.root()))?;
        let postmaster = Postmaster::spawn(self.command(port), &self.dir.log()).await?;
        self.wait_until_ready(&postmaster, port).await?;
        if self.settings.durability == Durability::Full {
            let admin = admin_config(port, &self.admin_password);
            log_files::make_ahead(&self.dir.cluster(), &admin).await?;
        }
        Ok((postmaster, port))
    }

    fn command(&self, port: u16) -> Command {
        let mut command = self.binaries.command("postgres");
        command.arg("-D").arg(self.dir.cluster()).current_dir(self.dir.root());

        let socket_dir = self.dir.socket_dir().unwrap_or_default();
        let mut set = |name: &str, value: &str| {
            command.arg("-c").arg(format!("{name}={value}"));
        };
        set("listen_addresses", &Ipv4Addr::LOCALHOST.to_string());
        set("port", &port.to_string());
        set("unix_socket_directories", &quoted(&socket_dir));
        set("max_connections", &self.settings.max_connections.to_string());
        // A page that finds no room waits until another one is written.
        set("shared_buffers", &format!("{}MB", memory::shared_buffers_mib()));
        set("timezone", "UTC");
        set("log_timezone", "UTC");
        // Orders are small statements: compiling them costs more than it saves.
        set("jit", "off");
        // A client that vanished gives its connection and its locks back within seconds.
        set("tcp_keepalives_idle", "5");
        set("tcp_keepalives_interval", "5");
        set("tcp_keepalives_count", "3");
        // A commit is written before it is acknowledged in either case: killed processes lose nothing.
        set("synchronous_commit", "on");
        let flush = match self.settings.durability {
            Durability::Full => {
                let kept_mib = log_files::kept_mib(&self.dir.cluster());
                set("min_wal_size", &format!("{kept_mib}MB"));
                set("max_wal_size", &format!("{}MB", log_files::most_mib(kept_mib)));
                "on"
            }
            Durability::TestsOnly => "off",
        };
        set("fsync", flush);
        set("full_page_writes", flush);

        self.dir.account().run(&mut command);
        command
    }

    /// Ready means that a real connection was made, not that a file exists.
    async fn wait_until_ready(&self, postmaster: &Postmaster, port: u16) -> Result<(), Error> {
        let config = admin_config(port, &self.admin_password);
        let deadline = Instant::now() + READY_PATIENCE;
        loop {
            let Err(error) = database::connect(&config).await else { return Ok(()) };
            if let Some(status) = postmaster.exit_status() {
                let log = self.dir.log();
                let log_tail = log_tail(&log);
                return Err(Error::Start { status, log, log_tail });
            }
            if Instant::now() >= deadline {
                return Err(Error::NotReady { seconds: READY_PATIENCE.as_secs(), last: error.to_string() });
            }
            sleep(READY_PAUSE).await;
        }
    }
}

/// How the administrator connects.
pub(crate) fn admin_config(port: u16, password: &str) -> Config {
    let mut config = Config::new();
    config
        .host(Ipv4Addr::LOCALHOST.to_string())
        .port(port)
        .user(cluster::ADMIN)
        .password(password)
        .dbname("postgres")
        .connect_timeout(CONNECT_TIMEOUT);
    config
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The setting is a list: a directory in double quotes may hold commas and spaces.
fn quoted(directory: &Path) -> String {
    let text = directory.to_string_lossy();
    if text.is_empty() { String::new() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

fn log_tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
}
