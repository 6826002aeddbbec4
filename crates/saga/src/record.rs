//! Sagas begin and end in transactions of their service.

use std::time::Duration;

use diesel::OptionalExtension;
use diesel::sql_types::{Array, Binary, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use prost::Message;
use rpc::Call;
use store::{Result, Store, Tx, cached_sql};
use uuid::Uuid;

use crate::definition::Definition;

/// A process to start once the transaction commits.
#[derive(Debug, Clone)]
pub struct NewSaga {
    /// Names the saga, and usually what it is about.
    pub saga_id: Uuid,
    /// [`crate::Definition::KIND`].
    pub kind: &'static str,
    /// The encoded input.
    pub input: Vec<u8>,
    /// The call that began it.
    pub call: Call,
}

impl NewSaga {
    /// A process of kind `D` that `call` begins.
    pub fn of<D: Definition>(saga_id: Uuid, input: &D::Input, call: &Call) -> Self {
        Self { saga_id, kind: D::KIND, input: input.encode_to_vec(), call: call.clone() }
    }
}

/// Writes sagas, leased to this process; start each with [`crate::Runner::start`] after the commit.
pub async fn record(tx: &Tx, sagas: &[NewSaga]) -> Result<()> {
    write(tx, sagas, crate::runner::LEASE).await
}

/// Writes sagas that nobody runs yet: whoever looks next takes them over. For those who cannot start one after the commit,
/// such as consumers.
pub async fn record_for_anybody(tx: &Tx, sagas: &[NewSaga]) -> Result<()> {
    write(tx, sagas, Duration::ZERO).await
}

async fn write(tx: &Tx, sagas: &[NewSaga], lease: Duration) -> Result<()> {
    let now = tx.now();
    cached_sql(
        "INSERT INTO sagas (saga_id, kind, state, input, actor, traceparent, lease_until, create_time)
         SELECT saga_id, kind, 'running', input, actor, traceparent, clock_timestamp() + make_interval(secs => $6), $7
         FROM unnest($1, $2, $3, $4, $5) AS new (saga_id, kind, input, actor, traceparent)",
    )
    .bind::<Array<SqlUuid>, _>(sagas.iter().map(|saga| saga.saga_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(sagas.iter().map(|saga| saga.kind).collect::<Vec<_>>())
    .bind::<Array<Binary>, _>(sagas.iter().map(|saga| saga.input.as_slice()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(sagas.iter().map(|saga| beginner(&saga.call)).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(sagas.iter().map(|saga| saga.call.trace.to_string()).collect::<Vec<_>>())
    .bind::<diesel::sql_types::Double, _>(lease.as_secs_f64())
    .bind::<Timestamptz, _>(now)
    .execute(&mut tx.shared())
    .await?;
    Ok(())
}

/// Closes sagas in the transaction of their last effect. Answers the ids that were still open: for any other, somebody
/// else has finished it and this transaction must not repeat its effect.
pub async fn finish(tx: &Tx, saga_ids: &[Uuid], outcome: Finished) -> Result<Vec<Uuid>> {
    let now = tx.now();
    let (state, from) = match outcome {
        Finished::Done => ("done", "running"),
        Finished::Undone => ("undone", "unwinding"),
    };
    let closed: Vec<(Uuid,)> = cached_sql(
        "UPDATE sagas SET state = $2, finish_time = $3 WHERE saga_id = ANY($1) AND state = $4 RETURNING saga_id",
    )
    .bind::<Array<SqlUuid>, _>(saga_ids)
    .bind::<Text, _>(state)
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>(from)
    .returns::<(SqlUuid,)>()
    .load(&mut tx.shared())
    .await?;
    Ok(closed.into_iter().map(|row| row.0).collect())
}

/// How a saga ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// All steps were done.
    Done,
    /// All that was done was undone.
    Undone,
}

/// Whether the saga has ended.
pub async fn was_finished(store: &Store, saga_id: Uuid) -> Result<bool> {
    let mut connection = store.connection().await?;
    let state: Option<(String,)> = cached_sql("SELECT state FROM sagas WHERE saga_id = $1")
        .bind::<SqlUuid, _>(saga_id)
        .returns::<(Text,)>()
        .get_result(&mut *connection)
        .await
        .optional()?;
    Ok(state.is_none_or(|(state,)| state == "done" || state == "undone"))
}

fn beginner(call: &Call) -> String {
    call.caller.on_behalf_of.clone().unwrap_or_else(|| call.caller.actor.to_string())
}
