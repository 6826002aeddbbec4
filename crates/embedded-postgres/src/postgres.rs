//! A running private PostgreSQL, from its start to its stop.

use std::{
    fmt::{self, Write as _},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use tokio::{sync::Mutex, time::timeout};

use crate::{
    Error, Settings, cluster, data_dir::DataDir, database, postmaster::Postmaster, prepared::Prepared,
    prepared::admin_config, secret,
};

/// A fast shutdown writes a checkpoint, which takes its time on a slow disk.
const STOP_PATIENCE: Duration = Duration::from_secs(120);

/// Who reads everything and writes nothing.
const READER: &str = "korob_reader";

/// A private PostgreSQL server. Dropping it stops the server; so does the death of this process.
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

        let (postmaster, port) = prepared.start().await?;
        let Prepared { dir, admin_password, .. } = prepared;
        tracing::info!(port, data_dir = %dir.root().display(), "PostgreSQL is ready");
        Ok(Self { postmaster, dir, port, admin_password, ensuring: Mutex::new(()) })
    }

    /// Makes the role and the database `name` if they are absent; the result is the URL for that role.
    ///
    /// The role owns this database and cannot connect to any other.
    pub async fn ensure_database(&self, name: &str) -> Result<String, Error> {
        database::check_name(name)?;

        let _turn = self.ensuring.lock().await;
        let password = secret::read_or_create(&self.dir.secret(name), self.dir.account())?;
        let admin = database::connect(&admin_config(self.port, &self.admin_password)).await?;
        database::ensure(&admin, name, &password).await?;
        Ok(self.url(name, &password, name))
    }

    /// Makes the role that reads every database which is named here, and writes none; the result is its URL for `database`.
    pub async fn ensure_reader(&self, database: &str) -> Result<String, Error> {
        database::check_name(database)?;

        let _turn = self.ensuring.lock().await;
        let password = secret::read_or_create(&self.dir.secret(READER), self.dir.account())?;
        let admin = database::connect(&admin_config(self.port, &self.admin_password)).await?;
        database::ensure_reader(&admin, READER, &password, database).await?;
        Ok(self.url(READER, &password, database))
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

impl fmt::Debug for Postgres {
    /// Without the password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Postgres");
        debug.field("data_dir", &self.dir.root()).field("port", &self.port).finish_non_exhaustive()
    }
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
