//! Tells an endpoint again: what waits is due at once, and what happened meanwhile follows. One that lost its place begins
//! now.

use ::rpc::{Call, Fields};
use proto::webhooks::v1 as pb;
use store::{Audit, Tx};

use crate::error::{Error, Result};
use crate::model::endpoint::{Cause, Health};
use crate::model::{delivery_rows, endpoint_rows, place_rows};
use crate::{Webhooks, request, wire};

const METHOD: &str = "webhooks.enable_webhook_endpoint";

pub(crate) async fn handle(
    webhooks: &Webhooks,
    call: &Call,
    request: pb::EnableWebhookEndpointRequest,
) -> Result<pb::WebhookEndpoint> {
    let mut fields = Fields::new();
    let id = request::endpoint_id(&mut fields, &request.endpoint_id);
    let id = fields.finish_with(id)?;
    let known = request::find(webhooks, call, id).await?;
    let ends = webhooks.ends_of(&request::streams_of(&known.details.event_types)).await?;

    let store = &webhooks.store;
    let enabled = store.transaction(call, async |tx: &mut Tx| {
        let mut endpoint = request::lock(webhooks, tx, id).await?;
        let Some(disabled) = endpoint.disabled.take() else { return Ok(endpoint) };
        // Whoever enables it hears of nothing, but lets it hear: with a revoked key's rights nobody does.
        request::may_have(call, &endpoint.details)?;
        if disabled.cause == Cause::KeyRevoked {
            endpoint.made_by = call.caller.actor.to_string();
        }
        endpoint.version += 1;
        endpoint.health = Health {
            last_success_time: endpoint.health.last_success_time,
            last_failure: std::mem::take(&mut endpoint.health.last_failure),
            ..Health::default()
        };

        endpoint_rows::update(store, tx, &endpoint).await?;
        if disabled.cause == Cause::PlaceLost {
            place_rows::put(tx, id, &ends).await?;
        }
        delivery_rows::release(tx, id).await?;

        tx.audit(Audit::new(METHOD, id).change("disable_cause", disabled.cause.code(), ""));
        Ok::<_, Error>(endpoint)
    });
    let endpoint = enabled.await?;
    webhooks.note_change();
    Ok(wire::endpoint(&endpoint))
}
