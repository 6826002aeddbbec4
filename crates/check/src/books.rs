//! The databases, each opened in one snapshot that cannot write.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio_postgres::{Client, Config, NoTls, Row, RowStream};

use crate::unreadable::Unreadable;

const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// A statement that takes longer is given up: a snapshot that stays open keeps PostgreSQL from tidying up.
const OPENING: &str = "SET statement_timeout = '10min'; SET jit = off; SET work_mem = '64MB';
    BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// Every database at (nearly) one moment, and where the logs stood after that.
pub(crate) struct Books {
    clients: BTreeMap<String, Client>,
    logs: BTreeMap<String, Log>,
}

/// How far a log reaches.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// Which log it is: another one after a restore.
    pub epoch: String,
    /// Events up to here are no longer kept.
    pub trimmed: i64,
    /// The newest event.
    pub last: i64,
    /// Where it ended when it was restored to an earlier moment; `None`: it never was, or nobody has said so.
    pub restored_at: Option<i64>,
}

/// Reads how far the logs of the services at `urls` reach.
pub async fn logs(urls: &BTreeMap<String, String>) -> Result<BTreeMap<String, Log>, Unreadable> {
    let mut logs = BTreeMap::new();
    for (service, url) in urls {
        logs.insert(service.clone(), read_log(service, &connect(service, url).await?).await?);
    }
    Ok(logs)
}

impl Books {
    /// Opens the databases of `urls`, by service.
    pub(crate) async fn open(urls: &BTreeMap<String, String>) -> Result<Self, Unreadable> {
        let connections = urls.iter().map(|(service, url)| async move {
            let client = connect(service, url).await?;
            Ok::<_, Unreadable>((service.clone(), client))
        });
        let clients: BTreeMap<_, _> = try_join_all(connections).await?.into_iter().collect();
        let snapshots = clients.iter().map(|(service, client)| async move {
            // The snapshot is taken by the first statement.
            let begun = async {
                client.batch_execute(OPENING).await?;
                client.batch_execute("SELECT 1").await
            };
            begun.await.map_err(|error| Unreadable::database(service, &error))
        });
        try_join_all(snapshots).await?;
        // A cursor may be as far as the log was when the cursor was read, so the logs are read after all snapshots.
        // One after the other: a server has few connections to spare.
        let logs = logs(urls).await?;
        Ok(Self { clients, logs })
    }

    /// The services whose databases are open.
    pub(crate) fn services(&self) -> impl Iterator<Item = &str> {
        self.clients.keys().map(String::as_str)
    }

    /// How far the log of `service` reached after all snapshots were taken.
    pub(crate) fn log(&self, service: &str) -> Option<&Log> {
        self.logs.get(service)
    }

    /// The rows of `sql` one after the other: never more of them in memory than travel.
    pub(crate) async fn stream(&self, service: &str, sql: &str) -> Result<RowStream, Unreadable> {
        let rows = self.client(service)?.query_raw(sql, std::iter::empty::<&str>()).await;
        rows.map_err(|error| Unreadable::database(service, &error))
    }

    /// The rows of a statement that answers few.
    pub(crate) async fn few(&self, service: &str, sql: &str) -> Result<Vec<Row>, Unreadable> {
        self.client(service)?.query(sql, &[]).await.map_err(|error| Unreadable::database(service, &error))
    }

    fn client(&self, service: &str) -> Result<&Client, Unreadable> {
        let missing = || Unreadable::Database {
            service: service.to_owned(),
            why: format!("services.{service}.database_url is not configured"),
        };
        self.clients.get(service).ok_or_else(missing)
    }
}

async fn connect(service: &str, url: &str) -> Result<Client, Unreadable> {
    let refused = |error| Unreadable::database(service, &error);
    let mut config: Config = url.parse().map_err(refused)?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_PATIENCE);
    }
    let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
    // It ends with its client; what goes wrong before is told to whoever waits for an answer.
    tokio::spawn(connection);
    Ok(client)
}

async fn read_log(service: &str, client: &Client) -> Result<Log, Unreadable> {
    let sql = "SELECT epoch::text, trimmed, coalesce((SELECT max(position) FROM event_log), trimmed), epoch_position
               FROM event_stream";
    let row = client.query_opt(sql, &[]).await.map_err(|error| Unreadable::database(service, &error))?;
    let log =
        |row: Row| Log { epoch: row.get(0), trimmed: row.get(1), last: row.get(2), restored_at: row.get(3) };
    Ok(row.map(log).unwrap_or_default())
}
