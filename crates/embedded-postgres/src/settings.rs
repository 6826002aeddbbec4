//! What a private PostgreSQL is asked to be.

use std::path::PathBuf;

/// Where the data of an installation run by root lives: a home directory is closed to the server's user.
const SYSTEM_DATA_DIR: &str = "/var/lib/korob/postgres";

/// Connections that a server accepts unless told otherwise.
const MAX_CONNECTIONS_DEFAULT: u32 = 100;

/// The wishes for one private PostgreSQL.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Holds the data, the passwords, the socket and the log; created when absent.
    pub data_dir: PathBuf,
    /// Where `postgres` and `initdb` are; searched for when absent.
    pub bin_dir: Option<PathBuf>,
    /// How many connections the pools of all services need together.
    pub max_connections: u32,
    /// What a power cut may cost.
    pub durability: Durability,
}

/// What a power cut may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Nothing: a commit is on disk when it is acknowledged.
    #[default]
    Full,
    /// Everything: no write is flushed, though killed processes lose nothing. For tests that throw their
    /// data away.
    TestsOnly,
}

impl Settings {
    /// Durable, with the newest binaries found, in `data_dir`.
    pub fn at(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            bin_dir: None,
            max_connections: MAX_CONNECTIONS_DEFAULT,
            durability: Durability::Full,
        }
    }

    /// `/var/lib/korob/postgres` for root, `korob/postgres` below the XDG data home for anyone else.
    pub fn default_data_dir() -> PathBuf {
        if rustix::process::geteuid().is_root() {
            return PathBuf::from(SYSTEM_DATA_DIR);
        }
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let data_home = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
        data_home.map_or_else(|| PathBuf::from(".korob/postgres"), |home| home.join("korob/postgres"))
    }
}
