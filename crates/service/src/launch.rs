//! Starts a service and stops it.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use events::{Carrier, CursorDesk, EventLog, READ_EVENTS, Subscription};
use futures_util::FutureExt;
use proto::events::v1::cursor_service_server::CursorServiceServer;
use proto::events::v1::event_log_service_server::EventLogServiceServer;
use rpc::{Callee, Directory, Servers, Stack, StackLayer};
use store::{Settings, Store};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tonic_health::server::HealthReporter;
use tower::Layer;
use types::Clock;

use crate::duty::Duty;
use crate::measure::{self, Measured};
use crate::parts::{Configured, Job, Parts, Platform, Service};

const READINESS_PERIOD: Duration = Duration::from_secs(1);
/// How often what is past its life is looked for.
const UPKEEP_PERIOD: Duration = Duration::from_secs(600);
const JOB_STOP_PATIENCE: Duration = Duration::from_secs(10);

/// A service that runs; dropped, it stops without a farewell.
pub struct Running {
    name: &'static str,
    stack: Stack<Servers>,
    store: Store,
    stop: CancellationToken,
    tasks: TaskTracker,
    drains: Vec<futures_util::future::BoxFuture<'static, ()>>,
    /// What is left of a service that nobody has any more must not stay on duty.
    _end: DropGuard,
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
    let callers = configured.callers.clone();
    let carrier = Carrier::open(&configured.events, S::NAME, secret).await?;
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
        .serve(CursorServiceServer::new(CursorDesk::new(store.clone())))
        .every(UPKEEP_PERIOD, "upkeep", move || forget_old(upkeep.clone()));

    let (health, health_server) = tonic_health::server::health_reporter();
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .build_v1()?;
    let Parts { servers, service_names, subscriptions, jobs, drains, figures } = parts;
    for producer in subscriptions.iter().map(Subscription::producer) {
        anyhow::ensure!(
            reads_events(S::CALLS, producer),
            "{} does not say that it reads the events of {producer}",
            S::NAME
        );
    }
    let servers = servers.and(health_server).and(reflection);
    let stack = StackLayer::for_callers(S::NAME, directory.keys().clone(), callers).layer(servers);
    directory.serve(S::NAME, stack.clone());

    tasks.spawn(report_health(store.clone(), health, service_names, stop.clone()));
    let watched = subscriptions
        .iter()
        .map(|subscription| (subscription.clone(), directory.channel(subscription.producer())));
    let measured = Measured { store: store.clone(), figures, subscriptions: watched.collect() };
    tasks.spawn(measure::run(measured, stop.clone()));
    let duty = Duty::start(store.clone(), &tasks, stop.clone());
    for subscription in subscriptions {
        let channel = directory.channel(subscription.producer());
        let (carrier, store, stopped) = (carrier.clone(), store.clone(), stop.clone());
        duty.run(stop.clone(), move || {
            let (carrier, store, subscription) = (carrier.clone(), store.clone(), subscription.clone());
            events::run_over(carrier, store, channel.clone(), subscription, stopped.clone())
        });
    }
    if let Some(carrier) = carrier {
        let store = store.clone();
        duty.run(stop.clone(), move || events::publish(store.clone(), carrier.clone()));
    }
    for job in jobs {
        match job.period {
            Some(period) => duty.run(stop.clone(), move || work_by_the_clock(job.clone(), period)),
            None => _ = tasks.spawn(async move { work(&job).await }),
        }
    }
    let _end = stop.clone().drop_guard();
    Ok(Running { name: S::NAME, stack, store, stop, tasks, drains, _end })
}

impl Running {
    /// The service's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its servers behind the server stack.
    pub fn stack(&self) -> Stack<Servers> {
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

fn reads_events(calls: &[Callee], producer: &str) -> bool {
    calls.iter().any(|callee| callee.service == producer && callee.methods.contains(&READ_EVENTS))
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

/// What only the process on duty does; dropped when it is not any more.
async fn work_by_the_clock(job: Job, period: Duration) {
    loop {
        let started = std::time::Instant::now();
        work(&job).await;
        metrics::histogram!("korob_task_duration_seconds", "task" => job.name)
            .record(started.elapsed().as_secs_f64());
        tokio::time::sleep(period).await;
    }
}

async fn work(job: &Job) {
    let failures = metrics::counter!("korob_task_failures_total", "task" => job.name);
    failures.increment(0);
    match AssertUnwindSafe((job.run)()).catch_unwind().await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            failures.increment(1);
            tracing::warn!(job = job.name, error = format!("{error:#}"), "a job failed and will run again");
        }
        Err(_panic) => {
            failures.increment(1);
            tracing::error!(job = job.name, "a job panicked");
        }
    }
}
