//! What the benches of one run stand on: a private PostgreSQL, the floor's database, the suite, and what it sells.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use embedded_postgres::Postgres;
use tokio::sync::OnceCell;
use tokio::time::sleep_until;

use super::assortment::Assortment;
use super::books::Books;
use super::floor::Floor;
use super::generator::{self, Request, Tally, Window};
use super::machine;
use super::measured::{Measured, Spent};
use super::order_writer::OrderWriter;
use super::suite::Suite;
use crate::arguments::{Bench, BenchName};
use crate::configuration::Configuration;
use crate::suite::Mode;

const CONNECTIONS_MAX: u32 = 250;
/// What the suite does before anything is measured.
const WARM_UP: Duration = Duration::from_secs(4);
/// What nothing is counted of at the beginning of a run.
const DISCARD: Duration = Duration::from_secs(1);
/// No more of it than such a part of a run: a short run is a trial.
const DISCARD_PART: u32 = 4;
/// Connections of an open loop. A request that finds none free waits, and that counts.
const OPEN_CLIENTS: usize = 256;
/// The part of what there is at which latencies are measured.
const CALM: f64 = 0.7;
/// Fewer requests than that tell nothing: the least that an open loop sends.
const ARRIVALS_MIN: f64 = 10.0;
/// A run in which nothing was answered is made anew: a short one on a busy machine may see that.
const RUNS_MAX: usize = 5;
/// How long what found no free connection is still sent after the end.
const LATE: Duration = Duration::from_secs(5);
const WARM_UP_CLIENTS: usize = 32;

/// What the benches of one run stand on.
pub struct Bed {
    /// The suite.
    pub suite: Suite,
    /// The server's database of the administrator.
    pub server: Books,
    /// What was asked for.
    pub wanted: Bench,
    postgres: Postgres,
    server_process: u32,
    floor: Floor,
    writer: OnceCell<Arc<OrderWriter>>,
}

impl Bed {
    /// Empties the directory of the benches and starts everything.
    pub async fn make(configuration: &Configuration, wanted: Bench) -> anyhow::Result<Self> {
        let directory = configuration.data_dir().with_file_name("korob-bench");
        if directory.exists() {
            std::fs::remove_dir_all(&directory).with_context(|| format!("empty {}", directory.display()))?;
        }
        let postgres = start_postgres(configuration, &directory, &wanted).await?;
        let url = postgres.ensure_database("bench").await?;
        let floor = Floor::prepare(url, configuration.postgres.bin_dir.as_deref(), &directory).await?;
        let server = Books::open(&postgres.admin_url("postgres")).await?;
        let mode = if wanted.processes { Mode::Processes } else { Mode::OneProcess };
        let suite = Suite::start(&postgres, directory, mode).await?;
        let server_process = machine::child_named(std::process::id(), "postgres").unwrap_or_default();
        Ok(Self { suite, server, wanted, postgres, server_process, floor, writer: OnceCell::new() })
    }

    /// Stops everything.
    pub async fn clear(mut self) -> anyhow::Result<()> {
        self.suite.stop().await?;
        Ok(self.postgres.stop().await?)
    }

    /// Who writes orders; the first who asks brings the goods in and warms the suite up.
    pub async fn writer(&self) -> anyhow::Result<Arc<OrderWriter>> {
        let make = async {
            let assortment = Assortment::of(self.wanted.skus);
            assortment.bring_in(&self.suite).await?;
            let writer = Arc::new(OrderWriter::of(&self.suite, assortment).await?);
            let window = Window::from_now(Duration::ZERO, self.at_most(WARM_UP));
            let request = {
                let writer = writer.clone();
                move |_| writer.order()
            };
            generator::closed(&self.suite.target, WARM_UP_CLIENTS, 1, window, request).await?;
            anyhow::Ok(writer)
        };
        self.writer.get_or_try_init(|| make).await.cloned()
    }

    /// The database of a service.
    pub async fn books(&self, service: &str) -> anyhow::Result<Books> {
        Books::open(self.suite.url(service)).await
    }

    /// The database that no service uses, as the administrator.
    pub fn idle_database_url(&self) -> String {
        self.postgres.admin_url("bench")
    }

    /// The floor's transactions per second.
    pub async fn floor(&self, clients: usize) -> anyhow::Result<f64> {
        // pgbench knows whole seconds only.
        self.floor.measure(clients, self.wanted.seconds.ceil() as u64).await
    }

    /// How long each run counts.
    pub fn time(&self) -> Duration {
        Duration::from_secs_f64(self.wanted.seconds)
    }

    /// `usual`, or the time of a run when that is shorter: a short run is a trial.
    pub fn at_most(&self, usual: Duration) -> Duration {
        usual.min(self.time())
    }

    /// How many clients a bench has that does not say how many.
    pub fn clients(&self, usual: usize) -> usize {
        self.wanted.clients.unwrap_or(usual)
    }

    fn window(&self) -> Window {
        Window::from_now(DISCARD.min(self.time() / DISCARD_PART), self.time())
    }

    /// The rate at which latencies are measured when `per_second` is what there is.
    pub fn calm(&self, per_second: f64) -> f64 {
        (per_second * CALM).max(ARRIVALS_MIN / self.wanted.seconds)
    }

    /// Requests of one kind from clients that ask again when they are answered.
    pub async fn closed<F>(&self, clients: usize, request: F) -> anyhow::Result<Measured>
    where
        F: Fn(u64) -> Request + Clone + Send + Sync + 'static,
    {
        for _ in 0..RUNS_MAX {
            let window = self.window();
            let run = generator::closed(&self.suite.target, clients, 1, window, request.clone());
            let measured = self.metered(window, run).await?;
            if measured.answered() > 0 {
                return Ok(measured);
            }
            anyhow::ensure!(measured.errors().is_empty(), "nothing but {:?}", measured.errors());
        }
        anyhow::bail!("nothing was answered")
    }

    /// Requests of one kind, so many per second.
    pub async fn open<F>(&self, per_second: f64, request: F) -> anyhow::Result<Measured>
    where
        F: Fn(u64) -> Request + Send + Sync + 'static,
    {
        let window = self.window();
        let target = &self.suite.target;
        let run = generator::open(target, OPEN_CLIENTS, 1, per_second, window, LATE, request);
        self.metered(window, run).await
    }

    /// Runs the generator and reads the meters when counting begins and ends.
    pub async fn metered(
        &self,
        window: Window,
        run: impl Future<Output = anyhow::Result<Vec<Tally>>>,
    ) -> anyhow::Result<Measured> {
        let process = self.suite.process_id();
        machine::forget_peak(process);
        let meters = async {
            sleep_until(window.counts_from()).await;
            let before = self.spent().await?;
            sleep_until(window.end()).await;
            Ok([before, self.spent().await?])
        };
        let (tallies, spent) = tokio::try_join!(run, meters)?;
        Ok(Measured::new(tallies, window.measure, spent, machine::peak_bytes(process)))
    }

    async fn spent(&self) -> anyhow::Result<Spent> {
        Ok(Spent {
            ours: machine::cpu_seconds(self.suite.process_id()),
            postgres: machine::cpu_seconds(self.server_process),
            generator: machine::own_cpu_seconds(),
            writing_transactions: self.server.writing_transactions().await?,
        })
    }
}

async fn start_postgres(
    configuration: &Configuration,
    directory: &std::path::Path,
    wanted: &Bench,
) -> anyhow::Result<Postgres> {
    let mut settings = embedded_postgres::Settings::at(PathBuf::from(directory).join("postgres"));
    settings.max_connections = CONNECTIONS_MAX;
    settings.bin_dir.clone_from(&configuration.postgres.bin_dir);
    let postgres = Postgres::start(settings.clone()).await?;
    if !wanted.measures(BenchName::Events) {
        return Ok(postgres);
    }
    // When a transaction was committed is asked of the server; it notes that only if it is told to before it starts.
    Books::open(&postgres.admin_url("postgres"))
        .await?
        .run("ALTER SYSTEM SET track_commit_timestamp = on")
        .await?;
    postgres.stop().await?;
    Ok(Postgres::start(settings).await?)
}
