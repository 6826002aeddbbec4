//! Sends what was given up again, with all its tries.

use ::rpc::{Call, Fields, Invalid};
use chrono::{DateTime, Utc};
use proto::webhooks::v1 as pb;
use store::{Audit, Once, Tx};
use types::WebhookEndpointId;

use crate::error::{Error, Result};
use crate::model::delivery_rows;
use crate::{Webhooks, request};

const METHOD: &str = "webhooks.retry_dead_webhook_deliveries";
const RETRIED_MAX: i64 = 10_000;

struct Wanted {
    id: WebhookEndpointId,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

pub(crate) async fn handle(
    webhooks: &Webhooks,
    call: &Call,
    request: pb::RetryDeadWebhookDeliveriesRequest,
) -> Result<pb::RetryDeadWebhookDeliveriesResponse> {
    let wanted = parse(&request)?;

    let scope = call.caller.actor.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &request.idempotency_key };
    let answer = webhooks.store.once(call, once, &request, async |tx: &mut Tx| {
        request::lock_enabled(webhooks, tx, wanted.id).await?;
        let span = (wanted.from, wanted.to);
        let retried = delivery_rows::renew_dead(tx, wanted.id, span, RETRIED_MAX).await?;

        tx.audit(Audit::new(METHOD, wanted.id).set("retried", retried));
        let retried = i32::try_from(retried).unwrap_or(i32::MAX);
        Ok::<_, Error>(pb::RetryDeadWebhookDeliveriesResponse { retried })
    });
    let answer = answer.await?;
    webhooks.due.notify_one();
    Ok(answer)
}

fn parse(request: &pb::RetryDeadWebhookDeliveriesRequest) -> Result<Wanted, Invalid> {
    let mut fields = Fields::new();
    fields.idempotency_key(&request.idempotency_key);
    let id = request::endpoint_id(&mut fields, &request.endpoint_id);
    let from = fields.time_optional("start_time", request.start_time).unwrap_or(DateTime::UNIX_EPOCH);
    let to = fields.time_optional("end_time", request.end_time);
    let to = to.or_else(|| DateTime::from_timestamp(253_402_300_799, 0)).unwrap_or(from);
    fields.check(from <= to, "end_time", "OUT_OF_RANGE", "not before start_time");
    let id = fields.finish_with(id)?;
    Ok(Wanted { id, from, to })
}
