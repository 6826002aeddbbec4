//! A connection that a verb works with. When the verb is cut off, so is the statement that it was waiting for.
//!
//! A future that is dropped says nothing to PostgreSQL: the statement would run on, and whoever got the connection next
//! would wait for it. So every session knows whether a statement runs in it; a connection that is given back with one
//! is closed instead, and the server is asked to cancel. That costs a flag per statement, and only who is cut off pays
//! more.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Object, RecycleResult};
use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, PoolError};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_postgres::{CancelToken, NoTls};

/// Requests to cancel that are under way at once: each is a connection for a moment.
const CANCELS_MAX: usize = 4;
/// How long one may take. Later the server has noticed by itself that nobody is there any more.
const CANCEL_PATIENCE: Duration = Duration::from_secs(1);

/// A connection to a service's database; dereferences to [`AsyncPgConnection`].
pub struct Connection(Option<Held>);

enum Held {
    Pooled(Object<Sessions>),
    Own(Session),
}

impl Connection {
    pub(crate) fn pooled(session: Object<Sessions>) -> Self {
        Self(Some(Held::Pooled(session)))
    }

    /// Takes it out of the pool, which may open another in its place.
    #[must_use]
    pub(crate) fn into_own(mut self) -> Self {
        let session = self.0.take().map(Held::into_session);
        Self(session.map(Held::Own))
    }

    /// Ends the session with all that it holds, and the statement that may run in it.
    pub fn close(mut self) {
        if let Some(held) = self.0.take() {
            held.into_session().end();
        }
    }
}

impl Deref for Connection {
    type Target = AsyncPgConnection;

    #[allow(clippy::expect_used)]
    fn deref(&self) -> &AsyncPgConnection {
        match self.0.as_ref().expect("taken only when it ends") {
            Held::Pooled(session) => &session.connection,
            Held::Own(session) => &session.connection,
        }
    }
}

impl DerefMut for Connection {
    #[allow(clippy::expect_used)]
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        match self.0.as_mut().expect("taken only when it ends") {
            Held::Pooled(session) => &mut session.connection,
            Held::Own(session) => &mut session.connection,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        match self.0.take() {
            Some(Held::Pooled(session)) if !session.is_running() => drop(session),
            Some(held) => held.into_session().end(),
            None => {}
        }
    }
}

impl Held {
    fn into_session(self) -> Session {
        match self {
            Self::Pooled(session) => Object::take(session),
            Self::Own(session) => session,
        }
    }
}

/// A session with PostgreSQL that knows whether a statement runs in it.
pub(crate) struct Session {
    connection: AsyncPgConnection,
    running: Arc<AtomicBool>,
    cancels: Arc<Semaphore>,
}

impl Session {
    fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed)
    }

    /// Closes the connection; a statement that runs is cancelled.
    fn end(self) {
        let token = self.is_running().then(|| self.connection.cancel_token());
        // With the connection its transaction and its locks end, at the latest when the server looks for its client.
        drop(self.connection);
        // Outside a runtime the process is ending, and the server notices by itself.
        if let (Some(token), Ok(runtime)) = (token, Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(CANCEL_PATIENCE, cancel(token, self.cancels)));
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

/// Opens the sessions of a pool.
pub(crate) struct Sessions {
    manager: AsyncDieselConnectionManager<AsyncPgConnection>,
    cancels: Arc<Semaphore>,
}

impl Sessions {
    pub(crate) fn new(manager: AsyncDieselConnectionManager<AsyncPgConnection>) -> Self {
        Self { manager, cancels: Arc::new(Semaphore::new(CANCELS_MAX)) }
    }
}

impl Manager for Sessions {
    type Type = Session;
    type Error = PoolError;

    async fn create(&self) -> Result<Session, PoolError> {
        let mut connection = self.manager.create().await?;
        let running = Arc::new(AtomicBool::new(false));
        connection.set_instrumentation(Watch(running.clone()));
        Ok(Session { connection, running, cancels: self.cancels.clone() })
    }

    async fn recycle(&self, session: &mut Session, metrics: &Metrics) -> RecycleResult<PoolError> {
        self.manager.recycle(&mut session.connection, metrics).await
    }
}

/// Notes when a statement begins and when its answer is there.
struct Watch(Arc<AtomicBool>);

impl Instrumentation for Watch {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => self.0.store(true, Ordering::Relaxed),
            InstrumentationEvent::FinishQuery { .. } => self.0.store(false, Ordering::Relaxed),
            _ => {}
        }
    }
}
