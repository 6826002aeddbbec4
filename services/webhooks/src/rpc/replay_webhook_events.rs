//! Sends all that happened in a span of time again; a job reads it from the logs, as far back as they go.

use ::rpc::{Call, Fields, Invalid};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::try_join_all;
use proto::webhooks::v1 as pb;
use store::{Audit, Once, Tx};
use types::{WebhookEndpointId, WebhookReplayId};

use crate::error::{Error, Result};
use crate::model::replay_rows;
use crate::streams::Place;
use crate::{Webhooks, request, wire};

const METHOD: &str = "webhooks.replay_webhook_events";
/// Events are told a moment after they are timed: looked for from a little before.
const MARGIN: TimeDelta = TimeDelta::minutes(1);

struct Wanted {
    id: WebhookEndpointId,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

pub(crate) async fn handle(
    webhooks: &Webhooks,
    call: &Call,
    request: pb::ReplayWebhookEventsRequest,
) -> Result<pb::WebhookReplay> {
    let wanted = parse(webhooks, &request)?;
    let known = request::find(webhooks, call, wanted.id).await?;
    let streams = request::streams_of(&known.details.event_types);
    let spans = spans(webhooks, &streams, &wanted).await?;

    let scope = call.caller.actor.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &request.idempotency_key };
    let answer = webhooks.store.once(call, once, &request, async |tx: &mut Tx| {
        let endpoint = request::lock_enabled(webhooks, tx, wanted.id).await?;
        let (id, span) = (WebhookReplayId::new(), (wanted.from, wanted.to));
        replay_rows::insert(tx, id, wanted.id, &spans, span).await?;

        let audit = Audit::new(METHOD, wanted.id).set("start_time", wanted.from);
        tx.audit(audit.set("end_time", wanted.to));
        let now = tx.now();
        Ok::<_, Error>(wire::replay(id, &endpoint, span, now))
    });
    let answer = answer.await?;
    webhooks.note_change();
    Ok(answer)
}

fn parse(webhooks: &Webhooks, request: &pb::ReplayWebhookEventsRequest) -> Result<Wanted, Invalid> {
    let mut fields = Fields::new();
    fields.idempotency_key(&request.idempotency_key);
    let id = request::endpoint_id(&mut fields, &request.endpoint_id);
    let from = fields.present("start_time", request.start_time);
    let from = fields.time_optional("start_time", from);
    let to = fields.time_optional("end_time", request.end_time);
    let to = to.unwrap_or_else(|| webhooks.store.clock().now());
    if let Some(from) = from {
        fields.check(from < to, "end_time", "OUT_OF_RANGE", "after start_time");
    }
    let (id, from) = fields.finish_with(id.zip(from))?;
    Ok(Wanted { id, from, to })
}

/// From where to where each stream has to be read.
async fn spans(
    webhooks: &Webhooks,
    streams: &[&'static str],
    wanted: &Wanted,
) -> Result<Vec<(&'static str, Place, i64)>> {
    // Years before the first event there is nothing to look for.
    let from = (wanted.from.max(DateTime::UNIX_EPOCH + MARGIN)) - MARGIN;
    let from = ::rpc::wire::time(from);
    let asked = streams.iter().filter_map(|name| webhooks.streams.named(name)).map(async |stream| {
        let start = stream.place_at(&from).await?;
        let end = stream.end().await?;
        Ok::<_, tonic::Status>((stream.name, start, end.position))
    });
    let spans = try_join_all(asked).await.map_err(|status| Error::Upstream(Box::new(status)))?;
    Ok(spans.into_iter().filter(|(_, start, end)| start.position < *end).collect())
}
