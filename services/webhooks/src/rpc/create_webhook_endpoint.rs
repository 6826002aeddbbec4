//! Adds an endpoint that is told what happens from now on, and shows its secret, once.
//!
//! The secret never enters the transaction's answer: a repeat finds the endpoint without it. Who lost it rotates.

use ::rpc::{Call, Fields, Invalid};
use proto::webhooks::v1 as pb;
use store::{Audit, Once, Tx};
use types::WebhookEndpointId;

use crate::error::{Error, Result};
use crate::model::endpoint::{Details, ENDPOINTS_MAX, Endpoint, Health};
use crate::model::signature::Secret;
use crate::model::{endpoint_rows, place_rows};
use crate::{Webhooks, request, wire};

const METHOD: &str = "webhooks.create_webhook_endpoint";

pub(crate) async fn handle(
    webhooks: &Webhooks,
    call: &Call,
    request: pb::CreateWebhookEndpointRequest,
) -> Result<pb::CreateWebhookEndpointResponse> {
    let details = parse(webhooks, call, &request)?;
    request::may_have(call, &details)?;

    let places = webhooks.ends_of(&request::streams_of(&details.event_types)).await?;
    let secret = Secret::mint();
    let mut made = false;
    let scope = call.caller.actor.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &request.idempotency_key };
    let store = &webhooks.store;
    let answer = store.once(call, once, &request, async |tx: &mut Tx| {
        if endpoint_rows::count(tx, &details.audience).await? >= ENDPOINTS_MAX {
            return Err(Error::TooManyEndpoints);
        }
        let endpoint = Endpoint {
            id: WebhookEndpointId::new(),
            details: details.clone(),
            made_by: scope.clone(),
            secret: secret.clone(),
            previous: None,
            disabled: None,
            version: 1,
            create_time: tx.now(),
            health: Health::default(),
        };

        endpoint_rows::insert(store, tx, &endpoint).await?;
        place_rows::put(tx, endpoint.id, &places).await?;

        tx.audit(audit(&endpoint));
        made = true;
        let webhook_endpoint = Some(wire::endpoint(&endpoint));
        Ok(pb::CreateWebhookEndpointResponse { webhook_endpoint, secret: String::new() })
    });
    let mut answer = answer.await?;
    if made {
        answer.secret = secret.reveal();
        webhooks.note_change();
    }
    Ok(answer)
}

fn parse(
    webhooks: &Webhooks,
    call: &Call,
    request: &pb::CreateWebhookEndpointRequest,
) -> Result<Details, Invalid> {
    let mut fields = Fields::new();
    fields.idempotency_key(&request.idempotency_key);
    let wanted = fields.present("webhook_endpoint", request.webhook_endpoint.as_ref());
    let wanted = fields.finish_with(wanted)?;
    request::details(wanted, &call.caller.shops, webhooks.client.reach())
}

/// That it has a secret, not which.
fn audit(endpoint: &Endpoint) -> Audit {
    let details = &endpoint.details;
    Audit::new(METHOD, endpoint.id)
        .set("url", &details.url)
        .set("title", &details.title)
        .set("all_shops", details.audience.all_shops)
        .set("shop_ids", details.audience.shops.iter().map(ToString::to_string).collect::<Vec<_>>())
        .set("event_types", &details.event_types)
        .set(
            "except_key_ids",
            details.audience.except_keys.iter().map(ToString::to_string).collect::<Vec<_>>(),
        )
}
