//! Changes an endpoint. Of a stream that it did not hear of before it is told what happens from now on.

use ::rpc::{Call, Fields, Invalid};
use proto::webhooks::v1 as pb;
use store::{Audit, Tx};
use types::WebhookEndpointId;

use crate::error::{Error, Result};
use crate::model::endpoint::{Details, Endpoint};
use crate::model::{endpoint_rows, place_rows};
use crate::{Webhooks, request, wire};

const METHOD: &str = "webhooks.update_webhook_endpoint";
const PATHS: [&str; 5] = ["url", "title", "shop_ids", "event_types", "except_key_ids"];

struct Wanted {
    id: WebhookEndpointId,
    mask: Vec<&'static str>,
    endpoint: pb::WebhookEndpoint,
}

pub(crate) async fn handle(
    webhooks: &Webhooks,
    call: &Call,
    request: pb::UpdateWebhookEndpointRequest,
) -> Result<pb::WebhookEndpoint> {
    let wanted = parse(request)?;
    // Asked for all that may be new, as nobody else is asked within a transaction.
    let ends = webhooks.ends_of(&request::streams_of(&wanted.endpoint.event_types)).await?;

    let store = &webhooks.store;
    let updated = store.transaction(call, async |tx: &mut Tx| {
        let before = request::lock(webhooks, tx, wanted.id).await?;
        // Where it leads decides who hears of everything it hears of.
        request::may_have(call, &before.details)?;
        if !wanted.endpoint.etag.is_empty() && wanted.endpoint.etag != before.version.to_string() {
            return Err(Error::EtagMismatch { current: before.version });
        }
        let merged = wanted.applied_to(wire::endpoint(&before));
        let details = request::details(&merged, &call.caller.shops, webhooks.client.reach())?;
        let details = keep_audience(&wanted, &before, details);
        request::may_have(call, &details)?;
        if details == before.details {
            return Ok(before);
        }

        let endpoint = Endpoint { details, version: before.version + 1, ..before.clone() };
        endpoint_rows::update(store, tx, &endpoint).await?;
        let heard = place_rows::streams_of(tx, endpoint.id).await?;
        let streams = request::streams_of(&endpoint.details.event_types);
        let new = ends.iter().filter(|(stream, _)| streams.contains(stream) && !heard.contains(*stream));
        place_rows::put(tx, endpoint.id, &new.cloned().collect::<Vec<_>>()).await?;
        place_rows::keep_only(tx, endpoint.id, &streams).await?;

        tx.audit(audit(&before.details, &endpoint));
        Ok(endpoint)
    });
    let endpoint = updated.await?;
    webhooks.note_change();
    Ok(wire::endpoint(&endpoint))
}

fn parse(request: pb::UpdateWebhookEndpointRequest) -> Result<Wanted, Invalid> {
    let mut fields = Fields::new();
    let mask = fields.update_mask(request.update_mask.as_ref(), &PATHS);
    let wanted = fields.present("webhook_endpoint", request.webhook_endpoint).and_then(|endpoint| {
        let id = fields.parse("webhook_endpoint.endpoint_id", &endpoint.endpoint_id)?;
        Some(Wanted { id, mask, endpoint })
    });
    fields.finish_with(wanted)
}

/// Shops that are not named stay as they are: that an endpoint is told of every shop has no name.
fn keep_audience(wanted: &Wanted, before: &Endpoint, mut details: Details) -> Details {
    if !wanted.mask.contains(&"shop_ids") {
        details.audience.all_shops = before.details.audience.all_shops;
        details.audience.shops.clone_from(&before.details.audience.shops);
    }
    details
}

impl Wanted {
    /// The endpoint as it is now with the masked fields as they are wanted.
    fn applied_to(&self, mut current: pb::WebhookEndpoint) -> pb::WebhookEndpoint {
        let wanted = self.endpoint.clone();
        let masked = |field: &str| self.mask.contains(&field);
        if masked("url") {
            current.url = wanted.url;
        }
        if masked("title") {
            current.title = wanted.title;
        }
        if masked("shop_ids") {
            current.shop_ids = wanted.shop_ids;
        }
        if masked("event_types") {
            current.event_types = wanted.event_types;
        }
        if masked("except_key_ids") {
            current.except_key_ids = wanted.except_key_ids;
        }
        current
    }
}

fn audit(before: &Details, endpoint: &Endpoint) -> Audit {
    let after = &endpoint.details;
    let shops =
        |details: &Details| details.audience.shops.iter().map(ToString::to_string).collect::<Vec<_>>();
    let keys =
        |details: &Details| details.audience.except_keys.iter().map(ToString::to_string).collect::<Vec<_>>();
    Audit::new(METHOD, endpoint.id)
        .change("url", &before.url, &after.url)
        .change("title", &before.title, &after.title)
        .change("all_shops", before.audience.all_shops, after.audience.all_shops)
        .change("shop_ids", shops(before), shops(after))
        .change("event_types", &before.event_types, &after.event_types)
        .change("except_key_ids", keys(before), keys(after))
}
