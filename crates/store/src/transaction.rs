//! Transactions: what changed, what is told and who did it are committed together.

use std::ops::{Deref, DerefMut};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{
    AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, TransactionManager,
};
use rpc::Call;
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::audit::{Audit, AuditRow};
use crate::cached_sql::cached_sql;
use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::pool::Store;
use crate::tail::{AppendedEvent, LogState, Run};

/// An open transaction. Everything a verb writes goes through it.
pub struct Tx {
    connection: Held,
    call: Call,
    now: DateTime<Utc>,
    events: Vec<EventRow>,
    audits: Vec<AuditRow>,
    comes_again: bool,
}

/// A transaction that has begun before it is known what for: see [`Store::begin_ahead`]. Whoever drops it closes its
/// connection.
pub struct Begun(Held);

/// An event to publish; `events::append` makes it from a message.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// The text id of what changed, such as `ord_…`.
    pub aggregate_id: String,
    /// The aggregate's after the change; grows, not always by one.
    pub version: i64,
    /// The full message name.
    pub type_name: String,
    /// The encoded message.
    pub body: Vec<u8>,
    /// The shop it belongs to.
    pub shop_id: Option<Uuid>,
    /// The system the change came from, so that it is not echoed there.
    pub origin: Option<String>,
}

/// The connection of an open transaction. Dropped before the transaction has ended, it is closed: back in the pool it
/// would keep its locks, until somebody happens to take it out again.
struct Held(Option<Connection>);

impl Held {
    /// Gives the connection back to the pool: the transaction has ended.
    fn release(&mut self) {
        self.0 = None;
    }
}

impl Deref for Held {
    type Target = AsyncPgConnection;

    #[allow(clippy::expect_used)]
    fn deref(&self) -> &AsyncPgConnection {
        self.0.as_ref().expect("released only when the transaction is over")
    }
}

impl DerefMut for Held {
    #[allow(clippy::expect_used)]
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        self.0.as_mut().expect("released only when the transaction is over")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            connection.close();
        }
    }
}

struct EventRow {
    event_id: Uuid,
    event: NewEvent,
    actor: String,
    traceparent: String,
    causation_id: Option<String>,
}

/// The body of a transaction: an `async |tx| …` closure whose future is `Send`.
///
/// `AsyncFnOnce` alone cannot state the `Send`; this is the same workaround as diesel-async's private trait.
pub trait TxBody<T, R>: AsyncFnOnce(T) -> R + FnOnce(T) -> <Self as TxBody<T, R>>::Fut {
    /// The closure's future.
    type Fut: Future<Output = R>;
}

impl<F, T, Fut, R> TxBody<T, R> for F
where
    F: AsyncFnOnce(T) -> R + FnOnce(T) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}

impl Store {
    /// Runs `body` in one transaction for `call`: commits when it succeeds, rolls back when it fails.
    ///
    /// Never await another service inside.
    pub async fn transaction<R, E, F>(&self, call: &Call, body: F) -> Result<R, E>
    where
        for<'t> F:
            AsyncFnOnce(&'t mut Tx) -> Result<R, E> + TxBody<&'t mut Tx, Result<R, E>, Fut: Send> + Send,
        E: From<Error> + Send,
        R: Send,
    {
        // A batch serves many traces and is in none: there its requesters' spans tell of it.
        let span = if Span::current().is_none() {
            Span::none()
        } else {
            tracing::debug_span!("transaction", otel.kind = "client", db.system.name = "postgresql")
        };
        let run = async { self.transaction_in(self.begin_ahead().await?, call, body).await };
        run.instrument(span).await
    }

    /// Begins a transaction while what it is for is still being gathered: so nobody waits for its first round trip.
    pub async fn begin_ahead(&self) -> Result<Begun> {
        let mut connection = self.connection().await?;
        AnsiTransactionManager::begin_transaction(&mut *connection).await?;
        Ok(Begun(Held(Some(connection))))
    }

    /// Runs `body` for `call` in a transaction that has begun; see [`Self::transaction`].
    pub async fn transaction_in<R, E, F>(&self, begun: Begun, call: &Call, body: F) -> Result<R, E>
    where
        for<'t> F:
            AsyncFnOnce(&'t mut Tx) -> Result<R, E> + TxBody<&'t mut Tx, Result<R, E>, Fut: Send> + Send,
        E: From<Error> + Send,
        R: Send,
    {
        let mut tx = Tx {
            connection: begun.0,
            call: call.clone(),
            now: self.clock().now(),
            events: Vec::new(),
            audits: Vec::new(),
            comes_again: false,
        };
        match body(&mut tx).await {
            Ok(value) => {
                failpoint::hit!(
                    "store.commit.before",
                    self.service(),
                    Error::Unreachable("a failpoint".into())
                );
                let appended = tx.commit().await?;
                failpoint::hit!(
                    "store.commit.after",
                    self.service(),
                    Error::Unreachable("a failpoint".into())
                );
                if let Some(run) = appended {
                    self.note_appended(run);
                }
                Ok(value)
            }
            Err(refusal) => {
                tx.roll_back().await;
                Err(refusal)
            }
        }
    }
}

impl Tx {
    /// The connection, for diesel: `.execute(tx.conn())`.
    pub fn conn(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }

    /// The connection, for statements that need nothing of each other: `.execute(&mut tx.shared())` in futures that are
    /// joined. They are sent at once and answered one after the other, so that all cost one round trip. After a failure
    /// the server refuses whatever was sent later: look at the answers in the order of the join, and the first is the cause.
    pub fn shared(&self) -> &AsyncPgConnection {
        &self.connection
    }

    /// The call this transaction serves.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// From here on the transaction serves `call`: history and events name it.
    pub fn serve(&mut self, call: Call) {
        self.call = call;
    }

    /// The one time of everything that happens in this transaction.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Commits without waiting for the disk, if nothing is told. A server that crashes may lose the last half second of such
    /// transactions, never a part of one: whoever asks for this does the same again, and what he writes nobody acts on.
    pub fn comes_again(&mut self) {
        self.comes_again = true;
    }

    /// Publishes an event when the transaction commits; use `events::append`.
    pub fn publish(&mut self, event: NewEvent) {
        let call = self.call.clone();
        self.publish_for(&call, event);
    }

    /// Publishes an event of another call, for transactions that serve a batch of calls.
    pub fn publish_for(&mut self, call: &Call, event: NewEvent) {
        let traceparent = call.trace.or_current_span().to_string();
        let causation_id = call.causation.clone();
        let (event_id, actor) = (Uuid::now_v7(), call.caller.who());
        self.events.push(EventRow { event_id, event, actor, traceparent, causation_id });
    }

    /// Writes a row of history when the transaction commits.
    pub fn audit(&mut self, audit: Audit) {
        let call = self.call.clone();
        self.audit_for(&call, audit);
    }

    /// Writes a row of history of another call, for transactions that serve a batch of calls.
    pub fn audit_for(&mut self, call: &Call, audit: Audit) {
        self.audits.push(audit.into_row(call));
    }

    /// Writes what is told and commits. Answers the events as they are in the log.
    async fn commit(mut self) -> Result<Option<Run>> {
        let appended = self.tell().await?;
        AnsiTransactionManager::commit_transaction(&mut *self.connection).await?;
        self.connection.release();
        Ok(appended)
    }

    async fn roll_back(mut self) {
        match AnsiTransactionManager::rollback_transaction(&mut *self.connection).await {
            Ok(()) => self.connection.release(),
            // The connection is broken and is closed; the server rolls back when it sees that.
            Err(error) => tracing::debug!(%error, "a rollback was not confirmed"),
        }
    }

    async fn tell(&mut self) -> Result<Option<Run>> {
        if self.events.is_empty() && self.audits.is_empty() {
            // COMMIT of a failed transaction is a silent rollback. A statement after a swallowed failure fails.
            let statement = if self.comes_again { "SET LOCAL synchronous_commit = off" } else { "SELECT 1" };
            self.conn().batch_execute(statement).await?;
            return Ok(None);
        }
        let now = self.now;
        let (mut events, mut audits) = (std::mem::take(&mut self.events), std::mem::take(&mut self.audits));
        if failpoint::planted!("store.event_not_told") {
            events.pop();
        }
        if failpoint::planted!("store.history_not_written") {
            audits.pop();
        }
        let personal: Vec<_> = audits.iter().flat_map(|audit| audit.personal.iter()).collect();
        // Most transactions remember nothing personal, and a table that is only named costs a tenth of the statement.
        let statement = cached_sql(if personal.is_empty() { TELL } else { TELL_AND_REMEMBER });
        let statement = statement
            .bind::<Array<SqlUuid>, _>(events.iter().map(|row| row.event_id).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(of(&events, |row| row.event.aggregate_id.as_str()))
            .bind::<Array<BigInt>, _>(of(&events, |row| row.event.version))
            .bind::<Array<Text>, _>(of(&events, |row| row.event.type_name.as_str()))
            .bind::<Array<Binary>, _>(of(&events, |row| row.event.body.as_slice()))
            .bind::<Array<Nullable<SqlUuid>>, _>(of(&events, |row| row.event.shop_id))
            .bind::<Array<Text>, _>(of(&events, |row| row.actor.as_str()))
            .bind::<Array<Text>, _>(of(&events, |row| row.traceparent.as_str()))
            .bind::<Array<Nullable<Text>>, _>(of(&events, |row| row.causation_id.as_deref()))
            .bind::<Array<Nullable<Text>>, _>(of(&events, |row| row.event.origin.as_deref()))
            .bind::<Timestamptz, _>(now)
            .bind::<Array<Text>, _>(of(&audits, |row| row.actor.as_str()))
            .bind::<Array<Text>, _>(of(&audits, |row| row.action))
            .bind::<Array<Text>, _>(of(&audits, |row| row.resource_id.as_str()))
            .bind::<Array<Nullable<SqlUuid>>, _>(of(&audits, |row| row.shop_id))
            .bind::<Array<Text>, _>(of(&audits, |row| &row.changes))
            .bind::<Array<Text>, _>(of(&audits, |row| row.trace_id.as_str()));
        type Appended = (Nullable<BigInt>, Nullable<SqlUuid>, Nullable<BigInt>);
        let appended: (Option<i64>, Option<Uuid>, Option<i64>) = if personal.is_empty() {
            statement.returns::<Appended>().get_result(self.conn()).await?
        } else {
            let statement = statement
                .bind::<Array<Text>, _>(of(&personal, |value| value.person_id.as_str()))
                .bind::<Array<Text>, _>(of(&personal, |value| value.digest.as_str()))
                .bind::<Array<Text>, _>(of(&personal, |value| value.value.as_str()));
            statement.returns::<Appended>().get_result(self.conn()).await?
        };
        let (Some(last), Some(epoch), Some(trimmed)) = appended else { return Ok(None) };
        let first = last + 1 - events.len() as i64;
        let numbered = events.into_iter().zip(first..);
        let events = numbered.map(|(row, position)| row.appended(position, now)).collect();
        Ok(Some(Run { log: LogState { epoch, trimmed }, events }))
    }
}

/// Numbers and writes the events of a transaction, and its history.
const TELL: &str = "WITH audited AS (
        INSERT INTO audit_log (change_time, actor, action, resource_id, shop_id, changes, trace_id)
        SELECT $11, * FROM unnest($12, $13, $14, $15, $16, $17)
     )
     SELECT last_position, log_epoch, log_trimmed
     FROM append_to_event_log($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// The same, and what is personal in the history.
const TELL_AND_REMEMBER: &str = "WITH audited AS (
        INSERT INTO audit_log (change_time, actor, action, resource_id, shop_id, changes, trace_id)
        SELECT $11, * FROM unnest($12, $13, $14, $15, $16, $17)
     ), remembered AS (
        INSERT INTO audit_personal (person_id, digest, value)
        SELECT DISTINCT * FROM unnest($18, $19, $20) ON CONFLICT DO NOTHING
     )
     SELECT last_position, log_epoch, log_trimmed
     FROM append_to_event_log($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// One column of the rows.
fn of<'r, R, C>(rows: &'r [R], pick: impl Fn(&'r R) -> C) -> Vec<C> {
    rows.iter().map(pick).collect()
}

impl EventRow {
    fn appended(self, position: i64, create_time: DateTime<Utc>) -> AppendedEvent {
        let Self { event_id, event, actor, traceparent, causation_id } = self;
        AppendedEvent { position, event_id, event, actor, traceparent, causation_id, create_time }
    }
}
