//! What the binary is told: defaults, then `--config` or /etc/korob/korob.toml, then `KOROB__…` variables.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rpc::TlsSettings;
use serde::{Deserialize, Serialize};
use service::{Configured, telemetry};

use crate::arguments::Arguments;

/// What a variable may list, with commas between.
const LISTS: [&str; 4] =
    ["events.nats.urls", "gateway.cors_origins", "gateway.trusted_proxies", "outbound.allowed_networks"];

/// The whole configuration; an unknown key is an error that names it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Configuration {
    /// Where the embedded PostgreSQL, secrets and run-time files live. Default: /var/lib/korob for root, otherwise
    /// `korob` in the user's data directory.
    pub data_dir: Option<PathBuf>,
    /// At least 32 hexadecimal digits that all processes of the suite share: it signs who calls and seals page tokens.
    /// Default: made at random and kept in the data directory.
    pub secret: Option<String>,
    /// How many processes of each role `up --processes` runs. Default 1.
    pub replicas: Replicas,
    /// The embedded PostgreSQL.
    pub postgres: PostgresSettings,
    /// REST.
    pub gateway: gateway::Settings,
    /// Probes and metrics.
    pub ops: OpsSettings,
    /// How processes prove to each other who they are.
    pub tls: TlsSettings,
    /// Systems outside the suite.
    pub outbound: outbound::Reach,
    /// What carries events between the services.
    pub events: events::Settings,
    /// Logs and traces.
    pub telemetry: telemetry::Settings,
    /// Databases and addresses of the services, by name.
    pub services: BTreeMap<String, ServiceSettings>,
}

/// So many processes of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "usize")]
pub struct Replicas(usize);

impl Replicas {
    /// More make no sense on one machine.
    const MAX: usize = 16;

    /// Their number, 1 or more.
    pub fn count(self) -> usize {
        self.0
    }
}

impl Default for Replicas {
    fn default() -> Self {
        Self(1)
    }
}

impl TryFrom<usize> for Replicas {
    type Error = String;

    fn try_from(count: usize) -> Result<Self, String> {
        if (1..=Self::MAX).contains(&count) {
            Ok(Self(count))
        } else {
            Err(format!("replicas: 1 to {}", Self::MAX))
        }
    }
}

impl FromStr for Replicas {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let count: usize = text.parse().map_err(|_| format!("a number from 1 to {}", Self::MAX))?;
        Self::try_from(count)
    }
}

/// The embedded PostgreSQL.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PostgresSettings {
    /// Where `initdb` and `postgres` are. Default: PATH, then the newest /usr/lib/postgresql/*/bin.
    pub bin_dir: Option<PathBuf>,
}

/// Probes and metrics.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OpsSettings {
    /// Where /livez, /readyz and /metrics are served; port 0 takes a free one.
    pub listen: SocketAddr,
}

impl Default for OpsSettings {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 9090)) }
    }
}

/// One service.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceSettings {
    /// Where its gRPC port listens. Default: a free port on the loopback interface.
    pub listen: SocketAddr,
    /// Where the others reach it, such as `http://orders:7000`, or several with commas between; needed by `serve`. Every address
    /// of a name is a process of it. With `tls.dir` addresses begin with `https`.
    pub address: String,
    /// Its database, `postgres://…`. Default: one in the embedded PostgreSQL.
    pub database_url: String,
    /// The same for a role that may only read: what `korob check` uses. Default: `korob_reader` in the embedded PostgreSQL, else
    /// `database_url`, in transactions that cannot write.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reader_url: String,
    /// Most database connections at once.
    pub pool_size: usize,
    /// The service's own settings; its README names them.
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    pub settings: serde_json::Value,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let (address, database_url, reader_url) = (String::new(), String::new(), String::new());
        Self { listen, address, database_url, reader_url, pool_size: 10, settings: serde_json::Value::Null }
    }
}

impl Configuration {
    /// Reads the configuration; the command line wins.
    pub fn load(arguments: &Arguments) -> anyhow::Result<Self> {
        let mut configuration = Self::read(arguments.config.as_deref())?;
        if let Some(data_dir) = &arguments.data_dir {
            configuration.data_dir = Some(data_dir.clone());
        }
        configuration.events.check()?;
        for name in configuration.services.keys() {
            let known = crate::roles::SERVICES.contains(&name.as_str());
            anyhow::ensure!(
                known,
                "services.{name}: there is no such service; there are {}",
                crate::roles::SERVICES.join(", ")
            );
        }
        Ok(configuration)
    }

    /// Reads `file`, or the usual one, and the environment.
    pub fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        service::configuration::load(file, &LISTS)
    }

    /// Where run-time state lives.
    pub fn data_dir(&self) -> PathBuf {
        let default = || {
            let postgres = embedded_postgres::Settings::default_data_dir();
            postgres.parent().map_or_else(|| postgres.clone(), Path::to_path_buf)
        };
        self.data_dir.clone().unwrap_or_else(default)
    }

    /// The settings of one service.
    pub fn service(&self, name: &str) -> ServiceSettings {
        self.services.get(name).cloned().unwrap_or_default()
    }

    /// What one service is told.
    pub fn configured(&self, name: &str) -> Configured {
        let (outbound, events) = (self.outbound.clone(), self.events.clone());
        let callers = crate::roles::callers_of(name);
        Configured { settings: self.service(name).settings, outbound, events, callers }
    }

    /// The shared secret: configured, or kept in the data directory.
    pub fn secret(&self) -> anyhow::Result<Vec<u8>> {
        let text = match &self.secret {
            Some(text) => text.clone(),
            None => crate::runtime_file::read_or_create_secret(&self.data_dir())?,
        };
        let bytes = text.trim().as_bytes().to_vec();
        anyhow::ensure!(bytes.len() >= 32, "secret: at least 32 characters are needed");
        Ok(bytes)
    }
}
