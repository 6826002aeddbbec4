//! Makes a process due that has not ended and that nobody runs.

use diesel::OptionalExtension;
use diesel::sql_types::{Bool, Double, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Tx, cached_sql};
use uuid::Uuid;

use crate::Orders;
use crate::error::{Error, Result};

const METHOD: &str = "orders.resume_process";

/// A process whose lease is no longer than leases are may be running, and is left alone: it is taken over when it is not.
pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::ResumeProcessRequest,
) -> Result<pb::ResumeProcessResponse> {
    let mut fields = Fields::new();
    let process_id: Option<Uuid> = fields.parse("process_id", &request.process_id);
    let process_id = fields.finish_with(process_id)?;

    let resume = orders.store.transaction(call, async |tx: &mut Tx| {
        let found: Option<(String, bool)> = cached_sql(
            "WITH found AS (
                 SELECT saga_id, kind, lease_until > clock_timestamp() + make_interval(secs => $2) AS lost FROM sagas
                 WHERE saga_id = $1 AND state IN ('running', 'unwinding') FOR UPDATE
             ), due AS (
                 UPDATE sagas s SET lease_until = clock_timestamp() FROM found WHERE s.saga_id = found.saga_id AND found.lost
             )
             SELECT kind, lost FROM found",
        )
        .bind::<SqlUuid, _>(process_id)
        .bind::<Double, _>(saga::LEASE.as_secs_f64())
        .returns::<(Text, Bool)>()
        .get_result(tx.conn())
        .await
        .optional()?;
        let (kind, lost) = found.ok_or(Error::ProcessNotFound)?;
        if lost {
            tx.audit(Audit::new(METHOD, process_id).set("kind", &kind));
        }
        Ok::<_, Error>(kind)
    });
    Ok(pb::ResumeProcessResponse { kind: resume.await? })
}
