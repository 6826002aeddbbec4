//! The rows of sagas.

use std::time::Duration;

use diesel::OptionalExtension;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use prost::Message;
use rpc::Call;
use store::{Result, Store, Tx, cached_sql};
use tonic::Status;
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
pub async fn record(tx: &mut Tx, sagas: &[NewSaga]) -> Result<()> {
    write(tx, sagas, crate::runner::LEASE).await
}

/// Writes sagas that nobody runs yet: whoever looks next takes them over. For those who cannot start one after the commit,
/// such as consumers.
pub async fn record_for_anybody(tx: &mut Tx, sagas: &[NewSaga]) -> Result<()> {
    write(tx, sagas, Duration::ZERO).await
}

async fn write(tx: &mut Tx, sagas: &[NewSaga], lease: Duration) -> Result<()> {
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
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Closes sagas in the transaction of their last effect. Answers the ids that were still open: for any other, somebody
/// else has finished it and this transaction must not repeat its effect.
pub async fn finish(tx: &mut Tx, saga_ids: &[Uuid], outcome: Finished) -> Result<Vec<Uuid>> {
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
    .load(tx.conn())
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

/// A saga that nobody runs.
pub(crate) struct Orphan {
    pub(crate) saga_id: Uuid,
    pub(crate) input: Vec<u8>,
    pub(crate) refusal: Option<Status>,
    pub(crate) actor: String,
    pub(crate) traceparent: String,
}

type OrphanRow = (Uuid, Vec<u8>, Option<Vec<u8>>, String, String);

/// Takes over sagas whose lease has expired, oldest first.
pub(crate) async fn take_over(store: &Store, kind: &str, limit: i64) -> Result<Vec<Orphan>> {
    let mut connection = store.connection().await?;
    let rows: Vec<OrphanRow> = cached_sql(
        "UPDATE sagas SET lease_until = clock_timestamp() + make_interval(secs => $3), attempts = attempts + 1
         WHERE saga_id IN (SELECT saga_id FROM sagas WHERE state IN ('running', 'unwinding') AND kind = $1
                           AND lease_until < clock_timestamp() ORDER BY lease_until LIMIT $2 FOR UPDATE SKIP LOCKED)
         RETURNING saga_id, input, refusal, actor, traceparent",
    )
    .bind::<Text, _>(kind)
    .bind::<BigInt, _>(limit)
    .bind::<diesel::sql_types::Double, _>(crate::runner::LEASE.as_secs_f64())
    .returns::<(SqlUuid, Binary, Nullable<Binary>, Text, Text)>()
    .load(&mut *connection)
    .await?;
    Ok(rows.into_iter().map(orphan).collect())
}

/// Keeps the lease for `lease` from now; false when the saga has ended meanwhile.
pub(crate) async fn extend_lease(store: &Store, saga_id: Uuid, lease: Duration) -> Result<bool> {
    let mut connection = store.connection().await?;
    let held = cached_sql(
        "UPDATE sagas SET lease_until = clock_timestamp() + make_interval(secs => $2), attempts = attempts + 1
         WHERE saga_id = $1 AND state IN ('running', 'unwinding')",
    )
    .bind::<SqlUuid, _>(saga_id)
    .bind::<diesel::sql_types::Double, _>(lease.as_secs_f64())
    .execute(&mut *connection)
    .await?;
    Ok(held == 1)
}

/// Decides that the saga unwinds, and why; from here it never goes forward again. Answers the first reason that was
/// given, or `None` when the saga has ended: then there is nothing to undo.
pub(crate) async fn begin_unwinding(
    store: &Store,
    saga_id: Uuid,
    refusal: &Status,
) -> Result<Option<Status>> {
    let mut connection = store.connection().await?;
    let marked: Option<(Vec<u8>,)> = cached_sql(
        "UPDATE sagas SET state = 'unwinding', refusal = coalesce(refusal, $2)
         WHERE saga_id = $1 AND state IN ('running', 'unwinding') RETURNING refusal",
    )
    .bind::<SqlUuid, _>(saga_id)
    .bind::<Binary, _>(encode(refusal))
    .returns::<(Binary,)>()
    .get_result(&mut *connection)
    .await
    .optional()?;
    Ok(marked.map(|(refusal,)| decode(&refusal)))
}

fn orphan((saga_id, input, refusal, actor, traceparent): OrphanRow) -> Orphan {
    Orphan { saga_id, input, refusal: refusal.map(|bytes| decode(&bytes)), actor, traceparent }
}

fn encode(status: &Status) -> Vec<u8> {
    let text = status.message().as_bytes();
    let mut bytes = (status.code() as i32).to_be_bytes().to_vec();
    bytes.extend_from_slice(&(text.len() as u32).to_be_bytes());
    bytes.extend_from_slice(text);
    bytes.extend_from_slice(status.details());
    bytes
}

fn decode(bytes: &[u8]) -> Status {
    let number =
        |at: usize| bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_be_bytes);
    let (code, length) = (number(0).unwrap_or(2), number(4).unwrap_or(0) as usize);
    let text = bytes.get(8..8 + length).map(String::from_utf8_lossy).unwrap_or_default();
    let details = bytes.get(8 + length..).unwrap_or_default().to_vec();
    Status::with_details(tonic::Code::from_i32(code as i32), text, details.into())
}

fn beginner(call: &Call) -> String {
    call.caller.on_behalf_of.clone().unwrap_or_else(|| call.caller.actor.to_string())
}
