//! `kill -9` of PostgreSQL while orders come in: no process ends, clients are told to come back, and what was acknowledged
//! is there.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use embedded_postgres::{Durability, Postgres, Settings};
use http::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use testing::Proxy;

use crate::market::Market;
use crate::suite::{Mode, server_of, url_through};
use crate::{figure, verdict};

const CLIENTS: usize = 8;
/// How soon probes tell that the database is gone.
const TOLD_MAX: Duration = Duration::from_secs(2);
/// From the moment in which PostgreSQL takes connections again.
const RECONNECTED_MAX: Duration = Duration::from_secs(5);

/// A PostgreSQL of this test alone, at an address that it keeps when it is started anew.
pub struct Database {
    folder: PathBuf,
    server: Option<Postgres>,
    proxy: Proxy,
}

impl Database {
    /// Starts it.
    pub async fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("korob-faults-pg-{}", uuid::Uuid::new_v4().simple()));
        let server = Postgres::start(settings(&folder)).await.unwrap();
        let proxy = Proxy::to(SocketAddr::from(([127, 0, 0, 1], server.port()))).await;
        Self { folder, server: Some(server), proxy }
    }

    /// The administrator's URL.
    pub fn admin_url(&self) -> String {
        let url = self.server.as_ref().unwrap().admin_url("postgres");
        url_through(&url, self.proxy.address())
    }

    /// `kill -9` of the postmaster.
    pub async fn kill(&mut self) {
        let file = std::fs::read_to_string(self.folder.join("cluster/postmaster.pid")).unwrap();
        let pid: i32 = file.lines().next().unwrap().trim().parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        let server = self.server.take().unwrap();
        server.exited().await;
    }

    /// Starts it anew over the same data.
    pub async fn start_again(&mut self) {
        let server = Postgres::start(settings(&self.folder)).await.unwrap();
        self.proxy.lead_to(server_of(&server.admin_url("postgres")));
        self.server = Some(server);
    }

    /// Stops it and throws its data away.
    pub async fn stop(self) {
        self.server.unwrap().stop().await.unwrap();
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

fn settings(folder: &Path) -> Settings {
    let mut settings = Settings::at(folder);
    // Killed processes lose nothing.
    settings.durability = Durability::TestsOnly;
    settings.max_connections = 150;
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_dies_and_nothing_that_was_acknowledged_is_lost() {
    let mut database = Database::start().await;
    let mut market = Market::open_on(Mode::OneProcess, database.admin_url()).await;
    let (live, ready) = {
        let ops = market.suite.ops();
        (format!("http://{ops}/livez"), format!("http://{ops}/readyz"))
    };
    let probe = crate::rest::Client::new();
    let buyers = market.buyers(CLIENTS);
    let mut reconnected = Vec::new();
    for _ in 0..figure(3, 20) {
        buyers.more(20).await;
        database.kill().await;
        let killed = Instant::now();
        while probe.is_ok(&ready).await {
            assert!(killed.elapsed() < TOLD_MAX, "readiness tells nothing");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(probe.is_ok(&live).await, "a process is alive without its database");
        let refused = market
            .suite
            .rest
            .post("/v1/orders", "while-it-is-gone", &market.suite.order("TEA", 1))
            .await
            .unwrap();
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.body);
        assert!(refused.retry_after, "says when to come back: {}", refused.body);
        assert!(market.suite.is_running(), "no process ends");

        database.start_again().await;
        let back = Instant::now();
        let told = buyers.told();
        while buyers.told() == told || !probe.is_ok(&ready).await {
            assert!(
                back.elapsed() < RECONNECTED_MAX,
                "nothing goes on {RECONNECTED_MAX:?} after PostgreSQL is back"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        reconnected.push(back.elapsed());
    }
    let seen = buyers.finish().await;
    let took = verdict::clean(&market).await;
    println!("went on after {reconnected:.1?}, all well after {took:.1?}; clients saw {:?}", seen.answers);
    let unexpected: Vec<_> =
        seen.answers.keys().filter(|status| **status >= 500 && **status != 503 && **status != 504).collect();
    assert!(unexpected.is_empty(), "clients saw {:?}", seen.answers);
    assert_eq!(seen.without_retry_after, 0, "each 503 says when to come back");
    market.close().await;
    database.stop().await;
}
