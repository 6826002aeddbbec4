//! What a partner is shown of an event, and whether at all.

use prost::Message;
use proto::events::v1::Event;
use proto::webhooks::v1::{EventData, PublicEvent};
use transcode::Api;
use types::{EventId, KeyId, ShopId};
use uuid::Uuid;

use crate::kinds::EventKind;
use crate::model::Audience;

/// An event that may be told.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) id: EventId,
    pub(crate) shop: Option<ShopId>,
    pub(crate) event: PublicEvent,
}

/// The event as it is told; none for one that cannot be read, which a newer release of its service may have written.
pub(crate) fn tell(kind: &EventKind, event: &Event) -> Option<Told> {
    let id: Uuid = event.event_id.parse().ok()?;
    let data = kind.read(&event.body).inspect_err(|error| {
        tracing::error!(%error, event_id = event.event_id, kind = kind.name, "an event cannot be told");
    });
    let shop: Option<ShopId> = event.shop_id.parse().ok().filter(|_| kind.of_shop);
    let id = EventId::from_uuid(id);
    Some(Told {
        id,
        shop,
        event: PublicEvent {
            event_id: id.to_string(),
            r#type: kind.name.to_owned(),
            stream: kind.stream.to_owned(),
            sequence: event.position,
            shop_id: shop.map(String::from).unwrap_or_default(),
            resource_id: event.aggregate_id.clone(),
            version: event.aggregate_version,
            event_time: event.create_time,
            data: Some(data.ok()?),
        },
    })
}

/// Whether `audience` may be told an event of `kind` that a call of `actor` made.
pub(crate) fn may_hear(audience: &Audience, kind: &EventKind, event: &Event) -> bool {
    if !kind.of_shop {
        return !echoes(&audience.except_keys, &event.actor);
    }
    let shop: Option<ShopId> = event.shop_id.parse().ok();
    let visible = shop.map_or(audience.all_shops, |shop| audience.hears_of(shop));
    visible && !echoes(&audience.except_keys, &event.actor)
}

/// Whether one of `keys` made the change, itself or through a service that went on with it.
fn echoes(keys: &[KeyId], actor: &str) -> bool {
    let made_by = actor.rsplit(' ').next().and_then(|who| who.strip_prefix("key:"));
    made_by.and_then(|key| key.parse().ok()).is_some_and(|key: KeyId| keys.contains(&key))
}

/// What only tries an endpoint out.
pub(crate) fn ping(id: EventId, now: prost_types::Timestamp, endpoint: &str) -> PublicEvent {
    PublicEvent {
        event_id: id.to_string(),
        r#type: crate::kinds::PING.to_owned(),
        stream: "webhooks".to_owned(),
        resource_id: endpoint.to_owned(),
        event_time: Some(now),
        data: Some(EventData::default()),
        ..PublicEvent::default()
    }
}

/// The event as JSON, as the feed writes it, too.
pub(crate) fn json(event: &[u8]) -> Option<Vec<u8>> {
    let message = Api::suite().message(&<PublicEvent as prost::Name>::full_name())?;
    let mut text = Vec::new();
    Api::suite().write_json(message, event, &mut text).ok()?;
    Some(text)
}

/// The stored form of an event.
pub(crate) fn bytes(event: &PublicEvent) -> Vec<u8> {
    event.encode_to_vec()
}
