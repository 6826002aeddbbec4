//! A running private PostgreSQL, from its start to its stop.

use std::{
    fmt::Write as _,
    fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::{Duration, Instant},
};

use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};
use tokio_postgres::Config;

use crate::{
    Durability, Error, Settings, binaries::Binaries, cluster, data_dir::DataDir, database, leftovers,
    postmaster::Postmaster, secret,
};

/// Recovery after a power cut replays the log before it takes connections.
const READY_PATIENCE: Duration = Duration::from_secs(300);
const READY_PAUSE: Duration = Duration::from_millis(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const STOP_PATIENCE: Duration = Duration::from_secs(120);

/// Another program may take the free port between its choice and its use.
const START_TRIES: u32 = 3;
const PORT_TAKEN: &str = "Address already in use";
const LOG_TAIL_LINES: usize = 20;

/// A private PostgreSQL server. Dropping it stops the server; so does the death of this process.
#[derive(Debug)]
pub struct Postgres {
    // Dropped in this order: the directory stays locked until the server is gone.
    postmaster: Postmaster,
    dir: DataDir,
    port: u16,
    admin_password: String,
    /// Held while a role and its password are made, so that concurrent callers get the same one.
    ensuring: Mutex<()>,
}

impl Postgres {
    /// Finds the binaries, initialises the data directory if it is new, and starts the server.
    pub async fn start(settings: Settings) -> Result<Self, Error> {
        let prepared = tokio::task::spawn_blocking(move || Prepared::new(settings)).await;
        let prepared = prepared.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;

        let mut attempt = 1;
        loop {
            match prepared.start().await {
                Ok((postmaster, port)) => {
                    let Prepared { dir, admin_password, .. } = prepared;
                    tracing::info!(port, data_dir = %dir.root().display(), "PostgreSQL is ready");
                    return Ok(Self { postmaster, dir, port, admin_password, ensuring: Mutex::new(()) });
                }
                Err(Error::Start { log_tail, .. })
                    if attempt < START_TRIES && log_tail.contains(PORT_TAKEN) =>
                {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes the role and the database `name` if they are absent; the result is the URL for that role.
    ///
    /// The role owns this database and cannot connect to any other.
    pub async fn ensure_database(&self, name: &str) -> Result<String, Error> {
        database::check_name(name)?;
        if name == cluster::ADMIN {
            return Err(Error::DatabaseName { name: name.to_owned() });
        }

        let _turn = self.ensuring.lock().await;
        let password = secret::read_or_create(&self.dir.secret(name), self.dir.account())?;
        let admin = database::connect(&admin_config(self.port, &self.admin_password)).await?;
        database::ensure(&admin, name, &password).await?;
        Ok(self.url(name, &password, name))
    }

    /// The URL of the administrator for `database`.
    pub fn admin_url(&self, database: &str) -> String {
        self.url(cluster::ADMIN, &self.admin_password, database)
    }

    /// The same `url` through the unix socket; `None` when the data directory's path is too long for one.
    pub fn through_socket(&self, url: &str) -> Option<String> {
        let directory = self.dir.socket_dir()?;
        let over_tcp = format!("@{}:{}/", Ipv4Addr::LOCALHOST, self.port);
        let over_socket = format!("@{}:{}/", percent_encoded(&directory), self.port);
        Some(url.replacen(&over_tcp, &over_socket, 1))
    }

    /// The port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of the unix socket, if its path is short enough to have one.
    pub fn socket_dir(&self) -> Option<PathBuf> {
        self.dir.socket_dir()
    }

    /// Completes when the server has ended, asked or not.
    pub async fn exited(&self) -> ExitStatus {
        self.postmaster.exited().await
    }

    /// Stops the server: running statements are cancelled, everything committed is kept.
    pub async fn stop(self) -> Result<(), Error> {
        self.postmaster.request_stop();
        timeout(STOP_PATIENCE, self.postmaster.exited())
            .await
            .map_err(|_| Error::NotStopped { seconds: STOP_PATIENCE.as_secs() })?;
        tracing::info!(data_dir = %self.dir.root().display(), "PostgreSQL has stopped");
        Ok(())
    }

    fn url(&self, role: &str, password: &str, database: &str) -> String {
        format!("postgres://{role}:{password}@{}:{}/{database}", Ipv4Addr::LOCALHOST, self.port)
    }
}

/// A data directory ready for a server.
struct Prepared {
    dir: DataDir,
    binaries: Binaries,
    admin_password: String,
    settings: Settings,
}

impl Prepared {
    fn new(settings: Settings) -> Result<Self, Error> {
        let cluster = settings.data_dir.join("cluster");
        let written_by = cluster::written_by(&cluster)?;
        let binaries = Binaries::select(settings.bin_dir.as_deref(), &settings.data_dir, written_by)?;
        let dir = DataDir::open(&settings.data_dir)?;
        leftovers::clear(&dir.cluster())?;
        let admin_password = cluster::ensure(&dir, &binaries, settings.durability)?;
        Ok(Self { dir, binaries, admin_password, settings })
    }

    async fn start(&self) -> Result<(Postmaster, u16), Error> {
        let port = free_port().map_err(Error::io("choose a free port for", self.dir.root()))?;
        let postmaster = Postmaster::spawn(self.command(port), &self.dir.log()).await?;
        self.wait_until_ready(&postmaster, port).await?;
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
            Durability::Full => "on",
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

fn admin_config(port: u16, password: &str) -> Config {
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

fn percent_encoded(path: &Path) -> String {
    path.to_string_lossy().bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

fn log_tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
}
