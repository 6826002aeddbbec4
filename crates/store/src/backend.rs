//! The server's side of a session: who serves it, and whether it is at work.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::task::AbortHandle;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, Connection, Error, NoTls, SimpleQueryMessage, SimpleQueryRow, Socket};

/// What every connection is told: no query may hang or outlive its caller, no transaction may be forgotten, and a client
/// that has vanished is missed.
///
/// A prepared statement is planned once, as walks along indexes, whatever its values. PostgreSQL would plan most of ours
/// anew for every call, which costs more than running them, and keep a plan that was made while a table was small, which
/// reads all of it, until the table is analysed again.
const SESSION: &str = "SET jit = off; SET lock_timeout = '2s'; SET statement_timeout = '30s'; \
                       SET client_connection_check_interval = '250ms'; \
                       SET idle_in_transaction_session_timeout = '10s'; SET TIME ZONE 'UTC'; \
                       SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3; \
                       SET tcp_user_timeout = '10s'; \
                       SET plan_cache_mode = force_generic_plan; \
                       SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";
/// The sessions of this role with this database. One in which the server waits for its client is not at work.
const SESSIONS: &str = "SELECT pid, (extract(epoch FROM backend_start) * 1000000)::bigint, \
                            pid = pg_backend_pid(), \
                            coalesce(state NOT LIKE 'idle%' AND wait_event_type IS DISTINCT FROM 'Client', true) \
                        FROM pg_stat_activity WHERE datname = current_database() AND usename = session_user";

/// A silent peer is asked whether it is there …
const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);
/// … this often …
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
/// … and so many times.
const KEEPALIVE_TRIES: u32 = 3;
/// How long what was sent may stay unconfirmed.
const UNCONFIRMED_MAX: Duration = Duration::from_secs(10);

/// One process of the server: its number alone may be given anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Backend {
    pid: i32,
    /// Microseconds since 1970.
    begun: i64,
}

/// What the server says of its sessions.
pub(crate) enum Answer {
    /// Those it has, and whether each is at work.
    Sessions(HashMap<Backend, bool>),
    /// It is there and says nothing, such as when it has too many clients.
    Refused,
    /// It cannot be asked.
    Silence,
}

/// Carries what a session sends and receives. The connection is closed with it.
pub(crate) struct Driver(AbortHandle);

impl Driver {
    fn of(connection: Connection<Socket, tokio_postgres::tls::NoTlsStream>) -> Self {
        let driven = async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a database connection ended");
            }
        };
        Self(tokio::spawn(driven).abort_handle())
    }

    pub(crate) fn abort_handle(&self) -> AbortHandle {
        self.0.clone()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where the database is, from its URL. Where that says nothing of how a vanished server is missed, TCP misses it soon.
pub(crate) fn config(url: &str) -> Result<Config, Error> {
    let mut config: Config = url.parse()?;
    let over_tcp = config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_)));
    let says_nothing =
        config.get_keepalives_interval().is_none() && config.get_keepalives_retries().is_none();
    if over_tcp && says_nothing && config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
        config
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_TRIES);
    }
    if over_tcp && config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(UNCONFIRMED_MAX);
    }
    Ok(config)
}

/// Opens a session and prepares it for work.
pub(crate) async fn connect(config: &Config) -> Result<(Client, Driver, Backend), Failure> {
    let (client, connection) = config.connect(NoTls).await?;
    let driver = Driver::of(connection);
    let told = client.simple_query(&format!("{SESSIONS} AND pid = pg_backend_pid(); {SESSION}")).await?;
    let (backend, ..) = rows(&told).next().ok_or(Failure::Unlisted)?;
    Ok((client, driver, backend))
}

/// Asks the server over a connection of its own.
pub(crate) async fn ask(config: &Config) -> Answer {
    match sessions(config).await {
        Ok(Some(sessions)) => Answer::Sessions(sessions),
        Ok(None) => Answer::Refused,
        Err(error) if error.as_db_error().is_some() => Answer::Refused,
        Err(_) => Answer::Silence,
    }
}

/// `None` from a server that does not even list who asks.
async fn sessions(config: &Config) -> Result<Option<HashMap<Backend, bool>>, Error> {
    let (client, connection) = config.connect(NoTls).await?;
    let asked = std::pin::pin!(client.simple_query(SESSIONS));
    let told = match select(asked, std::pin::pin!(connection)).await {
        Either::Left((told, _)) => told?,
        Either::Right((ended, asked)) => {
            ended?;
            asked.await?
        }
    };
    let lists_us = rows(&told).any(|(_, is_us, _)| is_us);
    Ok(lists_us.then(|| rows(&told).map(|(backend, _, works)| (backend, works)).collect()))
}

/// Who, whether that is who asks, and whether it is at work.
fn rows(told: &[SimpleQueryMessage]) -> impl Iterator<Item = (Backend, bool, bool)> {
    told.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => read(row),
        _ => None,
    })
}

fn read(row: &SimpleQueryRow) -> Option<(Backend, bool, bool)> {
    let backend = Backend { pid: row.get(0)?.parse().ok()?, begun: row.get(1)?.parse().ok()? };
    Some((backend, row.get(2)? == "t", row.get(3)? == "t"))
}

/// Why a session could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The server refused, or is not there.
    #[error(transparent)]
    Connection(#[from] Error),
    /// It does not list the session that it serves.
    #[error("the server does not list its own sessions in pg_stat_activity")]
    Unlisted,
}
