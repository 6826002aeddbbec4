//! Removes an endpoint with what waits for it. A repeat finds it gone.

use ::rpc::{Call, Fields};
use proto::webhooks::v1 as pb;
use store::{Audit, Tx};

use crate::error::{Error, Result};
use crate::model::{delivery_rows, endpoint_rows, place_rows, replay_rows};
use crate::{Webhooks, request, wire};

const METHOD: &str = "webhooks.delete_webhook_endpoint";

pub(crate) async fn handle(
    webhooks: &Webhooks,
    call: &Call,
    request: pb::DeleteWebhookEndpointRequest,
) -> Result<pb::WebhookEndpoint> {
    let mut fields = Fields::new();
    let id = request::endpoint_id(&mut fields, &request.endpoint_id);
    let id = fields.finish_with(id)?;

    let deleted = webhooks.store.transaction(call, async |tx: &mut Tx| {
        let endpoint = request::lock(webhooks, tx, id).await?;

        let now = tx.now();
        endpoint_rows::delete(tx, id, now).await?;
        place_rows::keep_only(tx, id, &[]).await?;
        replay_rows::end_all(tx, id).await?;
        delivery_rows::drop_pending(tx, id).await?;

        tx.audit(Audit::new(METHOD, id).change("url", Some(&endpoint.details.url), None));
        Ok::<_, Error>(endpoint)
    });
    let endpoint = deleted.await?;
    webhooks.note_change();
    Ok(wire::endpoint(&endpoint))
}
