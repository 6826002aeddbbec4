//! The databases of the services: configured, or in an embedded PostgreSQL.

use std::collections::BTreeMap;

use embedded_postgres::Postgres;

use crate::configuration::Configuration;
use crate::roles::SERVICES;

/// Beside the pools: migrations, probes and an operator's psql.
const CONNECTIONS_SPARE: usize = 20;

/// Where every service's database is, and the server that this process runs for those that are not configured.
pub struct Databases {
    urls: BTreeMap<&'static str, String>,
    readers: BTreeMap<&'static str, String>,
    embedded: Option<Postgres>,
}

impl Databases {
    /// Starts the embedded PostgreSQL if any service needs it, and makes the missing databases.
    pub async fn open(configuration: &Configuration) -> anyhow::Result<Self> {
        let (mut urls, mut readers) = (BTreeMap::new(), BTreeMap::new());
        let mut missing = Vec::new();
        for name in SERVICES {
            match configuration.service(name) {
                service if service.database_url.is_empty() => missing.push(name),
                service => {
                    let reader = Some(service.reader_url).filter(|url| !url.is_empty());
                    readers.insert(name, reader.unwrap_or_else(|| service.database_url.clone()));
                    urls.insert(name, service.database_url);
                }
            }
        }
        if missing.is_empty() {
            return Ok(Self { urls, readers, embedded: None });
        }
        let pools: usize = missing.iter().map(|name| configuration.service(name).pool_size).sum();
        let pools = pools * configuration.replicas.count();
        let mut settings = embedded_postgres::Settings::at(configuration.data_dir().join("postgres"));
        settings.bin_dir.clone_from(&configuration.postgres.bin_dir);
        settings.max_connections = u32::try_from(pools + CONNECTIONS_SPARE)?;
        let postgres = Postgres::start(settings).await?;
        for name in missing {
            urls.insert(name, nearest(&postgres, postgres.ensure_database(name).await?));
            readers.insert(name, nearest(&postgres, postgres.ensure_reader(name).await?));
        }
        Ok(Self { urls, readers, embedded: Some(postgres) })
    }

    /// The database of a service.
    pub fn url(&self, service: &str) -> &str {
        self.urls.get(service).map_or("", String::as_str)
    }

    /// The same for a role that may only read, if there is one.
    pub fn reader_url(&self, service: &str) -> &str {
        self.readers.get(service).map_or("", String::as_str)
    }

    /// Completes when the embedded server ends unasked; never without one.
    pub async fn lost(&self) {
        match &self.embedded {
            Some(postgres) => drop(postgres.exited().await),
            None => std::future::pending().await,
        }
    }

    /// Stops the embedded server.
    pub async fn close(self) -> anyhow::Result<()> {
        match self.embedded {
            Some(postgres) => Ok(postgres.stop().await?),
            None => Ok(()),
        }
    }
}

/// Through the unix socket where there is one: a round trip over TCP costs both sides about twice the CPU.
pub(crate) fn nearest(postgres: &Postgres, url: String) -> String {
    postgres.through_socket(&url).unwrap_or(url)
}
