//! Reads the endpoints that requests carry, and finds those that requests name.

use ::rpc::{Call, Fields, Invalid, Shops};
use outbound::Reach;
use proto::webhooks::v1 as pb;
use store::Tx;
use types::{KeyId, ShopId, WebhookDeliveryId, WebhookEndpointId};

use crate::Webhooks;
use crate::error::{Error, Result};
use crate::kinds;
use crate::model::Audience;
use crate::model::delivery::Delivery;
use crate::model::endpoint::{Details, EVENT_TYPES_MAX, Endpoint};
use crate::model::{delivery_rows, endpoint_rows};

const URL_LENGTH_MAX: usize = 2_000;
const TITLE_LENGTH_MAX: usize = 200;
const SHOPS_MAX: usize = 100;
const EXCEPT_KEYS_MAX: usize = 20;

/// Everything a caller may set on an endpoint.
pub(crate) fn details(
    endpoint: &pb::WebhookEndpoint,
    shops: &Shops,
    reach: &Reach,
) -> Result<Details, Invalid> {
    let mut fields = Fields::new();
    let url = url(&mut fields, &endpoint.url, reach);
    let title = fields.text("webhook_endpoint.title", &endpoint.title, TITLE_LENGTH_MAX);
    let named: Vec<ShopId> = ids(&mut fields, "webhook_endpoint.shop_ids", &endpoint.shop_ids, SHOPS_MAX);
    let except_keys: Vec<KeyId> =
        ids(&mut fields, "webhook_endpoint.except_key_ids", &endpoint.except_key_ids, EXCEPT_KEYS_MAX);
    let event_types = event_types(&mut fields, &endpoint.event_types);
    fields.finish()?;
    let (all_shops, shops) = match (named.is_empty(), shops) {
        (true, Shops::All) => (true, Vec::new()),
        (true, Shops::Only(own)) => (false, own.clone()),
        (false, _) => (false, named),
    };
    let mut audience = Audience { all_shops, shops, except_keys };
    audience.shops.sort();
    Ok(Details { url, title, audience, event_types })
}

/// What a caller must hold to have an endpoint told so: its shops and the scopes of the kinds.
pub(crate) fn may_have(call: &Call, details: &Details) -> Result<()> {
    let foreign = details.audience.shops.iter().find(|shop| !call.caller.shops.allow(**shop));
    if let Some(foreign) = foreign {
        return Err(Error::ShopNotFound(*foreign));
    }
    let kinds = details.event_types.iter().filter_map(|name| kinds::named(name));
    match kinds.map(|kind| kind.scope()).find(|scope| !call.caller.may(scope)) {
        Some(scope) => Err(Error::ScopeNotHeld { scope }),
        None => Ok(()),
    }
}

/// The streams of these kinds.
pub(crate) fn streams_of(event_types: &[String]) -> Vec<&'static str> {
    let mut streams: Vec<&'static str> =
        event_types.iter().filter_map(|name| kinds::named(name)).map(|kind| kind.stream).collect();
    streams.sort_unstable();
    streams.dedup();
    streams
}

/// The id of an endpoint.
pub(crate) fn endpoint_id(fields: &mut Fields, id: &str) -> Option<WebhookEndpointId> {
    fields.parse("endpoint_id", id)
}

/// An endpoint that the caller sees.
pub(crate) async fn find(webhooks: &Webhooks, call: &Call, id: WebhookEndpointId) -> Result<Endpoint> {
    let mut connection = webhooks.store.connection().await?;
    let found = endpoint_rows::find(&webhooks.store, &mut connection, id).await?;
    let visible = found.filter(|endpoint| endpoint.is_visible_to(&call.caller.shops));
    visible.ok_or(Error::EndpointNotFound(id))
}

/// The same, locked.
pub(crate) async fn lock(webhooks: &Webhooks, tx: &mut Tx, id: WebhookEndpointId) -> Result<Endpoint> {
    let found = endpoint_rows::lock(&webhooks.store, tx, id).await?;
    let visible = found.filter(|endpoint| endpoint.is_visible_to(&tx.call().caller.shops));
    visible.ok_or(Error::EndpointNotFound(id))
}

/// The same, of one that is told: to the others nothing is sent.
pub(crate) async fn lock_enabled(
    webhooks: &Webhooks,
    tx: &mut Tx,
    id: WebhookEndpointId,
) -> Result<Endpoint> {
    let endpoint = lock(webhooks, tx, id).await?;
    match endpoint.disabled {
        None => Ok(endpoint),
        Some(_) => Err(Error::EndpointDisabled(id)),
    }
}

/// A delivery to an endpoint that the caller sees, with the endpoint.
pub(crate) async fn find_delivery(
    webhooks: &Webhooks,
    call: &Call,
    id: WebhookDeliveryId,
) -> Result<(Delivery, Endpoint)> {
    let mut connection = webhooks.store.connection().await?;
    let found = delivery_rows::find(&mut connection, id).await?;
    let delivery = found.ok_or(Error::DeliveryNotFound(id))?;
    let endpoint = endpoint_rows::find(&webhooks.store, &mut connection, delivery.endpoint).await?;
    let endpoint = endpoint.filter(|endpoint| endpoint.is_visible_to(&call.caller.shops));
    Ok((delivery, endpoint.ok_or(Error::DeliveryNotFound(id))?))
}

fn url(fields: &mut Fields, url: &str, reach: &Reach) -> String {
    const FIELD: &str = "webhook_endpoint.url";
    let url = fields.required_text(FIELD, url, URL_LENGTH_MAX);
    let has_scheme = url.starts_with("https://") || url.starts_with("http://");
    // A user in it would be a secret that shows, and a fragment is never sent.
    let clean = url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'@' | b'#' | b'\\'));
    if url.trim().is_empty() {
        return url;
    }
    if !has_scheme || !clean {
        fields.refuse(FIELD, "MALFORMED", "an address such as https://partner.example/korob, without a user");
    } else if let Err(forbidden) = reach.check_url(&url) {
        fields.refuse(FIELD, "ADDRESS_NOT_ALLOWED", forbidden.to_string());
    }
    url
}

fn event_types(fields: &mut Fields, names: &[String]) -> Vec<String> {
    const FIELD: &str = "webhook_endpoint.event_types";
    fields.list_length(FIELD, names.len(), EVENT_TYPES_MAX);
    for (at, name) in names.iter().enumerate().take(EVENT_TYPES_MAX) {
        if kinds::named(name).is_none() {
            let problem = "no kind of change; GET /v1/event-types lists them";
            fields.refuse(format!("{FIELD}[{at}]"), "UNKNOWN_VALUE", problem);
        }
    }
    let mut names = names.to_vec();
    names.sort();
    names.dedup();
    names
}

fn ids<T: std::str::FromStr<Err: std::fmt::Display> + PartialEq>(
    fields: &mut Fields,
    field: &str,
    texts: &[String],
    max: usize,
) -> Vec<T> {
    if texts.len() > max {
        fields.list_length(field, texts.len(), max);
        return Vec::new();
    }
    let mut ids = Vec::with_capacity(texts.len());
    for (at, text) in texts.iter().enumerate() {
        let field = format!("{field}[{at}]");
        match fields.parse::<T>(&field, text) {
            Some(id) if ids.contains(&id) => fields.refuse(field, "DUPLICATE", "is named twice"),
            Some(id) => ids.push(id),
            None => {}
        }
    }
    ids
}
