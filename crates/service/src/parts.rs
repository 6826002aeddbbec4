//! What a service is given, and what it is made of.

use std::sync::Arc;
use std::time::Duration;

use events::Subscription;
use futures_util::future::BoxFuture;
use rpc::{Callee, Callers, Directory, Server, Servers};
use serde::de::DeserializeOwned;
use store::{EmbeddedMigrations, Figure, Store};
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService;
use types::Clock;

/// A service of the suite.
pub trait Service: Send + Sync + 'static {
    /// Its name: that of its database, its folder and its package, such as `inventory`.
    const NAME: &'static str;

    /// Which methods of whom it calls, [`events::READ_EVENTS`] of those it subscribes to: nothing else can be called, nothing else is
    /// answered where processes prove who they are, and on Kubernetes nobody else can be reached. All of it is the call graph that
    /// `korob call-graph` prints.
    const CALLS: &'static [Callee] = &[];

    /// Its own migrations.
    fn migrations() -> EmbeddedMigrations;

    /// Puts it together. The database is migrated; the other services may still be starting.
    fn start(platform: Platform) -> impl Future<Output = anyhow::Result<Parts>> + Send;
}

/// What a service is given.
#[derive(Clone)]
pub struct Platform {
    /// Its database.
    pub store: Store,
    /// The services of [`Service::CALLS`], called in its name.
    pub directory: Directory,
    /// The time.
    pub clock: Clock,
    /// Cancelled when the service drains.
    pub stop: CancellationToken,
    /// What the configuration says to it.
    pub configured: Configured,
}

/// What the configuration says to a service, besides where it is and where its database is.
#[derive(Debug, Clone, Default)]
pub struct Configured {
    /// `services.<name>.settings`; null when there are none.
    pub settings: serde_json::Value,
    /// `outbound`: whom those who call systems outside may reach.
    pub outbound: outbound::Reach,
    /// `events`: what carries them.
    pub events: events::Settings,
    /// Which roles may call it, where processes prove theirs.
    pub callers: Callers,
}

impl Platform {
    /// The service's own settings; silence means the defaults.
    pub fn settings<T: DeserializeOwned + Default>(&self) -> anyhow::Result<T> {
        match &self.configured.settings {
            serde_json::Value::Null => Ok(T::default()),
            said => Ok(serde_json::from_value(said.clone())?),
        }
    }
}

/// What a service is made of.
#[derive(Default)]
pub struct Parts {
    pub(crate) servers: Servers,
    pub(crate) service_names: Vec<&'static str>,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) drains: Vec<BoxFuture<'static, ()>>,
    pub(crate) figures: Vec<Figure>,
}

type Run = dyn Fn() -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync;

/// Work by the clock.
#[derive(Clone)]
pub struct Job {
    pub(crate) name: &'static str,
    pub(crate) period: Option<Duration>,
    pub(crate) run: Arc<Run>,
}

impl Parts {
    /// A service of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves a generated gRPC server.
    #[must_use]
    pub fn serve<S: Server + NamedService>(mut self, server: S) -> Self {
        self.service_names.push(S::NAME);
        self.servers = self.servers.and(server);
        self
    }

    /// Applies another service's events, in the one process of this service that is on duty.
    #[must_use]
    pub fn consume(mut self, subscription: Subscription) -> Self {
        self.subscriptions.push(subscription);
        self
    }

    /// Runs `job` every `period` in the one process of this service that is on duty; an error is logged and the next run comes
    /// all the same. It may be cut off at any await, and another process may begin it anew.
    #[must_use]
    pub fn every<F, Fut>(mut self, period: Duration, name: &'static str, job: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.jobs.push(Job { name, period: Some(period), run: Arc::new(move || Box::pin(job())) });
        self
    }

    /// Runs `task` from start to drain, in every process of this service: it claims what it works on, so that several share it. It
    /// watches [`Platform::stop`] itself.
    #[must_use]
    pub fn always<F>(mut self, name: &'static str, task: F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let task = std::sync::Mutex::new(Some(task));
        let run = move || -> BoxFuture<'static, anyhow::Result<()>> {
            let task = task.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
            Box::pin(async move {
                if let Some(task) = task {
                    task.await;
                }
                Ok(())
            })
        };
        self.jobs.push(Job { name, period: None, run: Arc::new(run) });
        self
    }

    /// Shows operators figures that are read from the service's database now and then.
    #[must_use]
    pub fn measure(mut self, figures: &[Figure]) -> Self {
        self.figures.extend_from_slice(figures);
        self
    }

    /// Awaited when the service drains, before its database is left.
    #[must_use]
    pub fn drain<F>(mut self, drain: F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.drains.push(Box::pin(drain));
        self
    }
}
