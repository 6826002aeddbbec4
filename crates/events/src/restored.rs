//! What becomes of a log that was restored to an earlier moment: another epoch, so that no cursor fits it unawares.

use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use rpc::Call;
use store::{Audit, Result, Store, Tx, cached_sql};
use uuid::Uuid;

/// A log under its new epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestoredLog {
    /// The new one.
    pub epoch: Uuid,
    /// Its last event: what comes after it was told under the new epoch.
    pub position: i64,
}

/// Gives the log in `store` another epoch and remembers where it ends. To be called before anything new is told, so before
/// the service starts over the restored database.
pub async fn restored(store: &Store, call: &Call) -> Result<RestoredLog> {
    store
        .transaction(call, async |tx: &mut Tx| {
            // That of whoever appends: nothing is told meanwhile.
            cached_sql("SELECT pg_advisory_xact_lock(7001)").execute(tx.conn()).await?;
            let (epoch, position): (Uuid, i64) = cached_sql(
                "UPDATE event_stream SET epoch = gen_random_uuid(),
                        epoch_position = coalesce((SELECT max(position) FROM event_log), trimmed)
                 RETURNING epoch, epoch_position",
            )
            .returns::<(SqlUuid, BigInt)>()
            .get_result(tx.conn())
            .await?;
            tx.audit(
                Audit::new("events.restored", "event_log")
                    .set("epoch", epoch.to_string())
                    .set("position", position),
            );
            Ok(RestoredLog { epoch, position })
        })
        .await
}
