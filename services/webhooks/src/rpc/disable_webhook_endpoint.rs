//! Stops telling an endpoint; its places are kept.

use ::rpc::{Call, Fields};
use proto::webhooks::v1 as pb;
use store::{Audit, Tx};

use crate::error::{Error, Result};
use crate::model::endpoint::{Cause, Disabled};
use crate::model::endpoint_rows;
use crate::{Webhooks, request, wire};

const METHOD: &str = "webhooks.disable_webhook_endpoint";

pub(crate) async fn handle(
    webhooks: &Webhooks,
    call: &Call,
    request: pb::DisableWebhookEndpointRequest,
) -> Result<pb::WebhookEndpoint> {
    let mut fields = Fields::new();
    let id = request::endpoint_id(&mut fields, &request.endpoint_id);
    let id = fields.finish_with(id)?;

    let store = &webhooks.store;
    let disabled = store.transaction(call, async |tx: &mut Tx| {
        let mut endpoint = request::lock(webhooks, tx, id).await?;
        if endpoint.disabled.is_some() {
            return Ok(endpoint);
        }
        endpoint.disabled = Some(Disabled { cause: Cause::Asked, time: tx.now() });
        endpoint.version += 1;

        endpoint_rows::update(store, tx, &endpoint).await?;

        tx.audit(Audit::new(METHOD, id).change("disable_cause", "", Cause::Asked.code()));
        Ok::<_, Error>(endpoint)
    });
    let endpoint = disabled.await?;
    webhooks.note_change();
    Ok(wire::endpoint(&endpoint))
}
