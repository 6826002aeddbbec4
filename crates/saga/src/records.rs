//! The rows of sagas, as a runner needs them.

use std::time::Duration;

use diesel::OptionalExtension;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use store::{Result, Store, cached_sql};
use tonic::Status;
use uuid::Uuid;

/// Everything that a runner has from outside itself. The database's in the product; `tests/simulation` keeps them in memory,
/// where time and chance are its own.
pub trait Records: Send + Sync + 'static {
    /// The service whose sagas they are, as its calls name it.
    fn service(&self) -> &str;

    /// Takes over up to `limit` sagas of a kind whose lease has expired, oldest first, for [`crate::LEASE`].
    fn take_over(&self, kind: &str, limit: i64) -> impl Future<Output = Result<Vec<Orphan>>> + Send;

    /// Keeps the lease for `lease` from now, and tells what others did to the saga meanwhile.
    fn extend_lease(&self, saga_id: Uuid, lease: Duration) -> impl Future<Output = Result<Lease>> + Send;

    /// Decides that the saga unwinds, and why; from here it never goes forward again. `None` when the saga has ended: then
    /// there is nothing to undo.
    fn begin_unwinding(
        &self,
        saga_id: Uuid,
        refusal: &Status,
    ) -> impl Future<Output = Result<Option<Decision>>> + Send;

    /// A number from 0 to 1, another one each time, by which pauses differ.
    fn spread(&self) -> f64;
}

/// A saga that nobody runs.
#[derive(Debug, Clone)]
pub struct Orphan {
    /// Which.
    pub saga_id: Uuid,
    /// Encoded.
    pub input: Vec<u8>,
    /// Why it unwinds, if it does.
    pub refusal: Option<Status>,
    /// On whose behalf it runs.
    pub actor: String,
    /// The trace of the call that began it.
    pub traceparent: String,
}

/// What whoever runs a saga learns when he wants to go on.
#[derive(Debug, Clone)]
pub enum Lease {
    /// It goes forward.
    Held,
    /// It goes back, for this reason; who decided so may be dead.
    Unwinding(Status),
    /// It has ended.
    Ended,
}

/// The decision that a saga unwinds.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The first reason that was given.
    pub refusal: Status,
    /// Whether anybody took the saga over or tried it again since it was recorded. Then more may have been done than by the
    /// attempt that was refused: a process may be silent for longer than its lease, and still live.
    pub retried: bool,
}

impl Records for Store {
    fn service(&self) -> &str {
        Self::service(self)
    }

    async fn take_over(&self, kind: &str, limit: i64) -> Result<Vec<Orphan>> {
        let mut connection = self.connection().await?;
        let rows: Vec<OrphanRow> = cached_sql(
            "UPDATE sagas SET lease_until = clock_timestamp() + make_interval(secs => $3), attempts = attempts + 1
             WHERE saga_id IN (SELECT * FROM overdue_sagas($1, $2))
             RETURNING saga_id, input, refusal, actor, traceparent",
        )
        .bind::<Text, _>(kind)
        .bind::<BigInt, _>(limit)
        .bind::<diesel::sql_types::Double, _>(crate::LEASE.as_secs_f64())
        .returns::<(SqlUuid, Binary, Nullable<Binary>, Text, Text)>()
        .load(&mut *connection)
        .await?;
        Ok(rows.into_iter().map(orphan).collect())
    }

    async fn extend_lease(&self, saga_id: Uuid, lease: Duration) -> Result<Lease> {
        let mut connection = self.connection().await?;
        let open: Option<(Option<Vec<u8>>,)> = cached_sql(
            "UPDATE sagas SET lease_until = clock_timestamp() + make_interval(secs => $2), attempts = attempts + 1
             WHERE saga_id = $1 AND state IN ('running', 'unwinding') RETURNING refusal",
        )
        .bind::<SqlUuid, _>(saga_id)
        .bind::<diesel::sql_types::Double, _>(lease.as_secs_f64())
        .returns::<(Nullable<Binary>,)>()
        .get_result(&mut *connection)
        .await
        .optional()?;
        Ok(match open {
            None => Lease::Ended,
            Some((None,)) => Lease::Held,
            Some((Some(refusal),)) => Lease::Unwinding(decode(&refusal)),
        })
    }

    async fn begin_unwinding(&self, saga_id: Uuid, refusal: &Status) -> Result<Option<Decision>> {
        let mut connection = self.connection().await?;
        let marked: Option<(Vec<u8>, i32)> = cached_sql(
            "UPDATE sagas SET state = 'unwinding', refusal = coalesce(refusal, $2)
             WHERE saga_id = $1 AND state IN ('running', 'unwinding') RETURNING refusal, attempts",
        )
        .bind::<SqlUuid, _>(saga_id)
        .bind::<Binary, _>(encode(refusal))
        .returns::<(Binary, Integer)>()
        .get_result(&mut *connection)
        .await
        .optional()?;
        Ok(marked.map(|(refusal, attempts)| Decision { refusal: decode(&refusal), retried: attempts > 0 }))
    }

    fn spread(&self) -> f64 {
        f64::from(Uuid::new_v4().as_bytes()[0]) / 256.0
    }
}

type OrphanRow = (Uuid, Vec<u8>, Option<Vec<u8>>, String, String);

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
