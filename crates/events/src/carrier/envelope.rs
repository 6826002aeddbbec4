//! An event as a message: CloudEvents 1.0 in the binary mode, attributes as headers, the encoded message as it is.
//!
//! docs/events-over-nats.md is the description for others.

use async_nats::HeaderMap;
use async_nats::header::{IntoHeaderName, NATS_MESSAGE_ID};
use chrono::{DateTime, SecondsFormat, Utc};
use proto::events::v1::Event;

use super::seal::Seal;

/// What the body is.
const CONTENT_TYPE: &str = "application/protobuf";
const SPEC_VERSION: &str = "1.0";
/// Says that the body is not everything one must know to use an event as one's own.
const SEAL: &str = "korob-seal";

/// The subject of an event: `korob.orders.OrderPlaced`. A service tells events of its own package only, so the name of the
/// message is enough.
pub(crate) fn subject(prefix: &str, producer: &str, event: &Event) -> String {
    let name = event.r#type.rsplit('.').next().unwrap_or_default();
    format!("{prefix}.{producer}.{name}")
}

/// The headers of an event of the log `epoch`; `None` if something in it cannot stand in a header.
pub(crate) fn headers(producer: &str, epoch: &str, event: &Event, seal: &Seal) -> Option<HeaderMap> {
    let mut headers = Headers { map: HeaderMap::new(), fits: true };
    // The broker keeps what it knows by this header once.
    headers.add(NATS_MESSAGE_ID, &event.event_id);
    headers.add("content-type", CONTENT_TYPE);
    headers.add("ce-specversion", SPEC_VERSION);
    headers.add("ce-id", &event.event_id);
    headers.add("ce-source", &source(producer));
    headers.add("ce-type", &event.r#type);
    headers.add("ce-subject", &event.aggregate_id);
    if let Some(time) = time(event) {
        headers.add("ce-time", &time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    }
    headers.add("ce-position", &event.position.to_string());
    headers.add("ce-epoch", epoch);
    headers.add("ce-version", &event.aggregate_version.to_string());
    headers.add("ce-shop", &event.shop_id);
    headers.add("ce-actor", &event.actor);
    headers.add("ce-traceparent", &event.traceparent);
    headers.add("ce-causation", &event.causation_id);
    headers.add("ce-origin", &event.origin);
    headers.add(SEAL, &seal.of(producer, epoch, event));
    headers.fits.then_some(headers.map)
}

/// The event of a message, and the epoch of its log; `None` when it is not one of `producer`'s, told by this installation.
pub(crate) fn open(message: &async_nats::Message, producer: &str, seal: &Seal) -> Option<(Event, String)> {
    let headers = message.headers.as_ref()?;
    let text = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
    let optional = |name: &str| text(name).unwrap_or_default();
    let create_time = match text("ce-time") {
        Some(time) => Some(rpc::wire::time(time.parse::<DateTime<Utc>>().ok()?)),
        None => None,
    };
    let event = Event {
        position: text("ce-position")?.parse().ok()?,
        event_id: text("ce-id")?,
        aggregate_id: text("ce-subject")?,
        aggregate_version: text("ce-version")?.parse().ok()?,
        r#type: text("ce-type")?,
        body: message.payload.clone(),
        shop_id: optional("ce-shop"),
        actor: optional("ce-actor"),
        traceparent: optional("ce-traceparent"),
        causation_id: optional("ce-causation"),
        origin: optional("ce-origin"),
        create_time,
    };
    let epoch = text("ce-epoch")?;
    let sealed = text(SEAL)?;
    seal.fits(&sealed, producer, &epoch, &event).then_some((event, epoch))
}

/// The position and the epoch that a message names, whoever has sent it.
pub(crate) fn place(headers: &HeaderMap) -> Option<(i64, String)> {
    let position = headers.get("ce-position")?.as_str().parse().ok()?;
    Some((position, headers.get("ce-epoch")?.as_str().to_owned()))
}

fn source(producer: &str) -> String {
    format!("/korob/{producer}")
}

fn time(event: &Event) -> Option<DateTime<Utc>> {
    let time = event.create_time?;
    DateTime::from_timestamp(time.seconds, time.nanos.try_into().ok()?)
}

struct Headers {
    map: HeaderMap,
    fits: bool,
}

impl Headers {
    /// Silence and an empty value mean the same.
    fn add(&mut self, name: impl IntoHeaderName, value: &str) {
        if value.is_empty() {
            return;
        }
        match value.parse::<async_nats::HeaderValue>() {
            // What surrounds a value is not kept on its way.
            Ok(parsed) if value.trim() == value => self.map.insert(name, parsed),
            _ => self.fits = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event {
            position: 7,
            event_id: "0192a5c4-0000-7000-8000-000000000001".to_owned(),
            aggregate_id: "ord_1".to_owned(),
            aggregate_version: 3,
            r#type: "korob.orders.v1.OrderPlaced".to_owned(),
            body: vec![1, 2, 3].into(),
            shop_id: String::new(),
            actor: "key:1".to_owned(),
            traceparent: String::new(),
            causation_id: String::new(),
            origin: "ринок".to_owned(),
            create_time: Some(rpc::wire::time(
                DateTime::from_timestamp(1_800_000_000, 123_456_000).expect("a time"),
            )),
        }
    }

    fn message(headers: HeaderMap, payload: &[u8]) -> async_nats::Message {
        async_nats::Message {
            subject: "korob.orders.OrderPlaced".into(),
            reply: None,
            payload: payload.to_vec().into(),
            headers: Some(headers),
            status: None,
            description: None,
            length: 0,
        }
    }

    #[test]
    fn an_event_arrives_as_it_was_told() {
        let seal = Seal::new(b"secret");
        let headers = headers("orders", "e1", &event(), &seal).expect("it fits");
        assert_eq!(subject("korob", "orders", &event()), "korob.orders.OrderPlaced");
        assert_eq!(place(&headers), Some((7, "e1".to_owned())));
        let opened = open(&message(headers, &[1, 2, 3]), "orders", &seal);
        assert_eq!(opened, Some((event(), "e1".to_owned())));
    }

    #[test]
    fn what_somebody_else_has_told_or_changed_is_nothing() {
        let seal = Seal::new(b"secret");
        let made = || headers("orders", "e1", &event(), &seal).expect("it fits");
        assert_eq!(open(&message(made(), &[1, 2, 4]), "orders", &seal), None, "another body");
        assert_eq!(open(&message(made(), &[1, 2, 3]), "payments", &seal), None, "another producer");
        assert_eq!(
            open(&message(made(), &[1, 2, 3]), "orders", &Seal::new(b"other")),
            None,
            "another installation"
        );
        for (name, value) in
            [("ce-position", "8"), ("ce-epoch", "e2"), ("ce-actor", "key:2"), ("ce-shop", "shp_1")]
        {
            let mut changed = made();
            changed.insert(name, value);
            assert_eq!(open(&message(changed, &[1, 2, 3]), "orders", &seal), None, "{name}");
        }
        assert_eq!(open(&message(HeaderMap::new(), &[]), "orders", &seal), None, "no event at all");
    }

    #[test]
    fn what_cannot_stand_in_a_header_is_not_carried() {
        let seal = Seal::new(b"secret");
        for origin in ["two\nlines", " spaces around "] {
            let event = Event { origin: origin.to_owned(), ..event() };
            assert!(headers("orders", "e1", &event, &seal).is_none());
        }
    }
}
