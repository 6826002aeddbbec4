//! Returns one delivery with what is sent, as far as the caller's scopes show it.

use ::rpc::{Call, Fields};
use prost::Message;
use proto::webhooks::v1 as pb;

use crate::error::Result;
use crate::model::message_rows;
use crate::{Webhooks, kinds, request, wire};

pub(crate) async fn handle(
    webhooks: &Webhooks,
    call: &Call,
    request: pb::GetWebhookDeliveryRequest,
) -> Result<pb::WebhookDelivery> {
    let mut fields = Fields::new();
    let id = fields.parse("delivery_id", &request.delivery_id);
    let id = fields.finish_with(id)?;

    let (delivery, _endpoint) = request::find_delivery(webhooks, call, id).await?;
    let mut connection = webhooks.store.connection().await?;
    let message = message_rows::find(&mut connection, delivery.event.uuid()).await?;

    let shown = kinds::named(&delivery.kind).is_none_or(|kind| call.caller.may(kind.scope()));
    let event = message.filter(|_| shown).and_then(|bytes| pb::PublicEvent::decode(bytes.as_slice()).ok());
    Ok(wire::delivery(&delivery, event))
}
