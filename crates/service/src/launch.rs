//! Starts a service and stops it.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use events::{EventLog, Subscription};
use futures_util::FutureExt;
use proto::events::v1::event_log_service_server::EventLogServiceServer;
use rpc::{Directory, Stack, StackLayer};
use store::{Settings, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tonic_health::server::HealthReporter;
use tower::Layer;
use types::Clock;

use crate::measure::{self, Measured};
use crate::parts::{Configured, Job, Parts, Platform, Service};

const READINESS_PERIOD: Duration = Duration::from_secs(1);
/// How often what is past its life is looked for.
const UPKEEP_PERIOD: Duration = Duration::from_secs(600);
const JOB_STOP_PATIENCE: Duration = Duration::from_secs(10);

/// A service that runs.
pub struct Running {
    name: &'static str,
    stack: Stack<Routes>,
    store: Store,
    stop: CancellationToken,
    tasks: TaskTracker,
    drains: Vec<futures_util::future::BoxFuture<'static, ()>>,
}

/// Migrates the database of `S`, starts it with its default settings, and opens it to the other services of this process.
pub async fn launch<S: Service>(
    database: &Settings,
    directory: &Directory,
    clock: Clock,
    secret: &[u8],
) -> anyhow::Result<Running> {
    launch_with::<S>(database, directory, clock, secret, Configured::default()).await
}

/// The same with what the configuration says to it.
pub async fn launch_with<S: Service>(
    database: &Settings,
    directory: &Directory,
    clock: Clock,
    secret: &[u8],
    configured: Configured,
) -> anyhow::Result<Running> {
    let applied = store::migrate(&database.url, S::migrations()).await?;
    if applied > 0 {
        tracing::info!(service = S::NAME, applied, "the database was migrated");
    }
    let store = Store::new(S::NAME, database, clock.clone(), secret)?;
    let directory = directory.for_issuer(S::NAME).calling(S::CALLS);
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let platform = Platform {
        store: store.clone(),
        directory: directory.clone(),
        clock,
        stop: stop.clone(),
        configured,
    };
    let upkeep = store.clone();
    let parts = S::start(platform)
        .await?
        .serve(EventLogServiceServer::new(EventLog::new(store.clone(), stop.clone())))
        .every(UPKEEP_PERIOD, "upkeep", move || forget_old(upkeep.clone()));

    let (health, health_server) = tonic_health::server::health_reporter();
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .build_v1()?;
    let Parts { mut routes, service_names, subscriptions, jobs, drains, figures } = parts;
    for producer in subscriptions.iter().map(Subscription::producer) {
        anyhow::ensure!(S::CALLS.contains(&producer), "{} does not say that it calls {producer}", S::NAME);
    }
    routes.add_service(health_server).add_service(reflection);
    let stack = StackLayer::new(S::NAME, directory.keys().clone()).layer(routes.routes().prepare());
    directory.serve(S::NAME, stack.clone());

    tasks.spawn(report_health(store.clone(), health, service_names, stop.clone()));
    let watched = subscriptions
        .iter()
        .map(|subscription| (subscription.clone(), directory.channel(subscription.producer())));
    let measured = Measured { store: store.clone(), figures, subscriptions: watched.collect() };
    tasks.spawn(measure::run(measured, stop.clone()));
    for subscription in subscriptions {
        let channel = directory.channel(subscription.producer());
        tasks.spawn(events::run(store.clone(), channel, subscription, stop.clone()));
    }
    for job in jobs {
        tasks.spawn(work(job, stop.clone()));
    }
    Ok(Running { name: S::NAME, stack, store, stop, tasks, drains })
}

impl Running {
    /// The service's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its routes behind the server stack.
    pub fn stack(&self) -> Stack<Routes> {
        self.stack.clone()
    }

    /// Its database.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Begins to stop: not ready any more, no new work of its own, readers that wait are answered. Calls are still served.
    pub fn begin_drain(&self) {
        self.stop.cancel();
    }

    /// Lets running work end, then stops.
    pub async fn drain(self) {
        self.stop.cancel();
        for drain in self.drains {
            drain.await;
        }
        self.tasks.close();
        if tokio::time::timeout(JOB_STOP_PATIENCE, self.tasks.wait()).await.is_err() {
            tracing::warn!(service = self.name, "some work did not end in time");
        }
    }
}

/// Tells the truth about readiness: serving while the database answers.
async fn report_health(
    store: Store,
    health: HealthReporter,
    names: Vec<&'static str>,
    stop: CancellationToken,
) {
    use tonic_health::ServingStatus::{NotServing, Serving};
    let mut status = NotServing;
    let told = metrics::gauge!("korob_serving", "at" => store.service().to_owned());
    loop {
        let answers = tokio::time::timeout(READINESS_PERIOD, store.ping()).await;
        status = match answers {
            Ok(Ok(())) => Serving,
            // Busy is not away: a service that looks away under load only moves the load.
            Ok(Err(store::Error::PoolExhausted)) => status,
            Ok(Err(_)) | Err(_) => NotServing,
        };
        told.set(f64::from(u8::from(status == Serving)));
        for name in names.iter().chain(&[""]) {
            health.set_service_status(name, status).await;
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(READINESS_PERIOD) => {}
        }
    }
    told.set(0.0);
    for name in names.iter().chain(&[""]) {
        health.set_service_status(name, NotServing).await;
    }
}

async fn forget_old(store: Store) -> anyhow::Result<()> {
    let forgotten = store.forget_old().await?;
    tracing::debug!(service = store.service(), forgotten, "upkeep");
    Ok(())
}

async fn work(job: Job, stop: CancellationToken) {
    metrics::counter!("korob_task_failures_total", "task" => job.name).increment(0);
    loop {
        let started = std::time::Instant::now();
        let ended = tokio::select! {
            // A job that runs always watches the stop itself and is awaited.
            () = stop.cancelled(), if job.period.is_some() => return,
            ended = AssertUnwindSafe((job.run)()).catch_unwind() => ended,
        };
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                metrics::counter!("korob_task_failures_total", "task" => job.name).increment(1);
                tracing::warn!(
                    job = job.name,
                    error = format!("{error:#}"),
                    "a job failed and will run again"
                );
            }
            Err(_panic) => {
                metrics::counter!("korob_task_failures_total", "task" => job.name).increment(1);
                tracing::error!(job = job.name, "a job panicked");
            }
        }
        let Some(period) = job.period else { return };
        metrics::histogram!("korob_task_duration_seconds", "task" => job.name)
            .record(started.elapsed().as_secs_f64());
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(period) => {}
        }
    }
}
