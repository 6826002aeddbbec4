//! Sessions with PostgreSQL: opened, tried when they were idle, cancelled when nobody waits any more, given up when their
//! server is gone.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use diesel::ConnectionError;
use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel_async::{
    AnsiTransactionManager, AsyncConnection, AsyncPgConnection, SimpleAsyncConnection, TransactionManager,
};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_postgres::{CancelToken, Config, NoTls};

use crate::backend::{self, Backend, Driver};
use crate::silence::Watch;

/// Requests to cancel that are under way at once: each is a connection for a moment.
const CANCELS_MAX: usize = 4;
/// How long one may take. Later the server has noticed by itself that nobody is there any more.
const CANCEL_PATIENCE: Duration = Duration::from_secs(1);
/// A session that was taken from the pool this lately is taken again untried: under load nobody pays a round trip.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// How soon one that is tried must answer.
const TRIAL_PATIENCE: Duration = Duration::from_millis(500);

/// A session that knows whether a statement runs in it.
pub(crate) struct Session {
    connection: AsyncPgConnection,
    pulse: Arc<Pulse>,
    /// Ends with it.
    _driver: Driver,
    cancels: Arc<Semaphore>,
}

impl Session {
    pub(crate) fn connection(&self) -> &AsyncPgConnection {
        &self.connection
    }

    pub(crate) fn connection_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }

    pub(crate) fn is_running(&self) -> bool {
        self.pulse.is_running()
    }

    /// Closes the connection; a statement that runs is cancelled.
    pub(crate) fn end(self) {
        let token = self.is_running().then(|| self.connection.cancel_token());
        let cancels = self.cancels.clone();
        // With the connection its transaction and its locks end, at the latest when the server looks for its client.
        drop(self);
        // Outside a runtime the process is ending, and the server notices by itself.
        if let (Some(token), Ok(runtime)) = (token, Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(CANCEL_PATIENCE, cancel(token, cancels)));
        }
    }
}

async fn cancel(token: CancelToken, cancels: Arc<Semaphore>) {
    let Ok(_turn) = cancels.acquire().await else { return };
    match token.cancel_query(NoTls).await {
        Ok(()) => metrics::counter!("korob_statements_cancelled_total").increment(1),
        Err(error) => tracing::debug!(%error, "a statement could not be cancelled"),
    }
}

/// What is seen of a session without taking it from whoever works with it.
pub(crate) struct Pulse {
    /// Who serves it.
    pub(crate) backend: Backend,
    /// Grows with every beginning and every end of a statement.
    beats: AtomicU64,
    /// Statements that were sent and not answered yet: more than one while they do not wait for each other.
    running: AtomicUsize,
    driver: AbortHandle,
}

impl Pulse {
    pub(crate) fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed) > 0
    }

    /// Closes the connection: whoever waits for an answer is told that there will be none.
    pub(crate) fn cut(&self) {
        self.driver.abort();
    }

    fn is_cut(&self) -> bool {
        self.driver.is_finished()
    }

    fn begin(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
        self.beats.fetch_add(1, Ordering::Relaxed);
    }

    fn end(&self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
        self.beats.fetch_add(1, Ordering::Relaxed);
    }
}

/// Tells when a statement begins and when its answer is there.
struct Beats(Arc<Pulse>);

impl Instrumentation for Beats {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => self.0.begin(),
            InstrumentationEvent::FinishQuery { .. } => self.0.end(),
            _ => {}
        }
    }
}

/// Opens the sessions of a pool.
pub(crate) struct Sessions {
    config: Config,
    cancels: Arc<Semaphore>,
    /// Looks after them; begins with the first.
    watch: Watch,
    /// When one was last found dead. What has been idle since before is not trusted either.
    found_dead: Mutex<Option<Instant>>,
}

impl Sessions {
    pub(crate) fn new(config: Config) -> Self {
        let watch = Watch::new(config.clone());
        Self { config, cancels: Arc::new(Semaphore::new(CANCELS_MAX)), watch, found_dead: Mutex::default() }
    }

    fn is_suspect(&self, idle_for: Duration) -> bool {
        let found_dead = *self.found_dead.lock().unwrap_or_else(PoisonError::into_inner);
        found_dead.is_some_and(|found| found.elapsed() < idle_for)
    }

    async fn open(&self) -> Result<Session, ConnectionError> {
        let (client, driver, backend) = backend::connect(&self.config)
            .await
            .map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
        let mut connection = AsyncPgConnection::try_from(client).await?;
        let driving = driver.abort_handle();
        let pulse = Arc::new(Pulse {
            backend,
            beats: AtomicU64::default(),
            running: AtomicUsize::default(),
            driver: driving,
        });
        connection.set_instrumentation(Beats(pulse.clone()));
        self.watch.begin(&pulse);
        Ok(Session { connection, pulse, _driver: driver, cancels: self.cancels.clone() })
    }

    async fn try_out(&self, session: &mut Session) -> RecycleResult<ConnectionError> {
        match tokio::time::timeout(TRIAL_PATIENCE, session.connection.batch_execute("")).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(RecycleError::message("ended")),
            Err(_elapsed) => {
                tracing::warn!("an idle database connection does not answer and is given up");
                *self.found_dead.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                Err(RecycleError::message("silent"))
            }
        }
    }
}

impl Manager for Sessions {
    type Type = Session;
    type Error = ConnectionError;

    // Both are on the heap when there is anything to wait for: whatever takes a connection would carry their state along.
    async fn create(&self) -> Result<Session, ConnectionError> {
        Box::pin(self.open()).await
    }

    async fn recycle(&self, session: &mut Session, metrics: &Metrics) -> RecycleResult<ConnectionError> {
        if session.pulse.is_cut()
            || AnsiTransactionManager::is_broken_transaction_manager(&mut session.connection)
        {
            return Err(RecycleError::message("closed"));
        }
        let idle_for = metrics.last_used();
        if idle_for < TRUSTED_FOR {
            return Ok(());
        }
        if self.is_suspect(idle_for) {
            return Err(RecycleError::message("another one was found dead meanwhile"));
        }
        Box::pin(self.try_out(session)).await
    }
}
