//! Sends an endpoint an event that says nothing, to see whether it works.

use ::rpc::{Call, Fields};
use proto::webhooks::v1 as pb;
use store::{Audit, Once, Tx};
use types::EventId;

use crate::error::{Error, Result};
use crate::kinds::PING;
use crate::model::delivery::NewDelivery;
use crate::model::{delivery_rows, message_rows};
use crate::{Webhooks, public, request, wire};

const METHOD: &str = "webhooks.ping_webhook_endpoint";

pub(crate) async fn handle(
    webhooks: &Webhooks,
    call: &Call,
    request: pb::PingWebhookEndpointRequest,
) -> Result<pb::WebhookDelivery> {
    let mut fields = Fields::new();
    fields.idempotency_key(&request.idempotency_key);
    let id = request::endpoint_id(&mut fields, &request.endpoint_id);
    let id = fields.finish_with(id)?;

    let scope = call.caller.actor.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &request.idempotency_key };
    let answer = webhooks.store.once(call, once, &request, async |tx: &mut Tx| {
        request::lock_enabled(webhooks, tx, id).await?;
        let event = EventId::new();
        let told = public::ping(event, ::rpc::wire::time(tx.now()), &id.to_string());

        let delivery = NewDelivery {
            endpoint: id,
            event,
            kind: PING.to_owned(),
            shop: None,
            // Of its own, so that no other ping holds it up.
            resource: event.to_string(),
            replayed: false,
        };
        message_rows::queue(tx, &[(event, public::bytes(&told))], &[delivery]).await?;
        let newest = delivery_rows::list(tx.conn(), id, None, None, 1).await?;

        tx.audit(Audit::new(METHOD, id).set("event_id", event.to_string()));
        let queued = newest.first().ok_or(Error::EndpointNotFound(id))?;
        Ok::<_, Error>(wire::delivery(queued, Some(told)))
    });
    let answer = answer.await?;
    webhooks.due.notify_one();
    Ok(answer)
}
