//! Sends the event of a delivery again: what waits or was given up is due at once, what was taken becomes a new delivery.

use ::rpc::{Call, Fields, Invalid};
use proto::webhooks::v1 as pb;
use store::{Audit, Once, Tx};
use types::WebhookDeliveryId;

use crate::error::{Error, Result};
use crate::model::delivery::{Delivery, NewDelivery, State};
use crate::model::{delivery_rows, message_rows};
use crate::{Webhooks, request, wire};

const METHOD: &str = "webhooks.replay_webhook_delivery";

pub(crate) async fn handle(
    webhooks: &Webhooks,
    call: &Call,
    request: pb::ReplayWebhookDeliveryRequest,
) -> Result<pb::WebhookDelivery> {
    let id = parse(&request)?;
    let (known, _) = request::find_delivery(webhooks, call, id).await?;

    let scope = call.caller.actor.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &request.idempotency_key };
    let answer = webhooks.store.once(call, once, &request, async |tx: &mut Tx| {
        request::lock_enabled(webhooks, tx, known.endpoint).await?;
        let found = delivery_rows::find(tx.conn(), id).await?;
        let delivery = found.ok_or(Error::DeliveryNotFound(id))?;

        let again = match delivery.state {
            State::Pending | State::Dead => {
                delivery_rows::renew(tx, id).await?;
                delivery_rows::find(tx.conn(), id).await?
            }
            State::Delivered => queue_anew(tx, &delivery).await?,
        };

        let again = again.ok_or(Error::DeliveryNotFound(id))?;
        tx.audit(Audit::new(METHOD, id).set("delivery_id", again.id.to_string()));
        Ok::<_, Error>(wire::delivery(&again, None))
    });
    let answer = answer.await?;
    webhooks.due.notify_one();
    Ok(answer)
}

fn parse(request: &pb::ReplayWebhookDeliveryRequest) -> Result<WebhookDeliveryId, Invalid> {
    let mut fields = Fields::new();
    fields.idempotency_key(&request.idempotency_key);
    let id = fields.parse("delivery_id", &request.delivery_id);
    fields.finish_with(id)
}

async fn queue_anew(tx: &mut Tx, delivery: &Delivery) -> Result<Option<Delivery>> {
    let message = message_rows::find(tx.conn(), delivery.event.uuid()).await?;
    let message = message.ok_or(Error::MessageForgotten(delivery.id))?;
    let new = NewDelivery {
        endpoint: delivery.endpoint,
        event: delivery.event,
        kind: delivery.kind.clone(),
        shop: delivery.shop,
        resource: delivery.resource.clone(),
        replayed: true,
    };
    message_rows::queue(tx, &[(delivery.event, message)], &[new]).await?;
    Ok(delivery_rows::list(tx.conn(), delivery.endpoint, None, None, 1).await?.pop())
}
