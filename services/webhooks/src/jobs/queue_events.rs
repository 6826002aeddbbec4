//! Queues what happens for the endpoints that want to know: their place and what is queued move in one transaction.
//!
//! A log is read for as long as an enabled endpoint wants something of it, once for all endpoints that stand at the same
//! place; nobody reads for nobody. What comes close together is queued together, so that an order costs little.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use proto::events::v1::{Event, ReadEventsResponse};
use store::{Audit, Tx};
use tokio_util::sync::CancellationToken;
use types::{EventId, WebhookEndpointId};
use uuid::Uuid;

use super::{call, queue_replays};
use crate::Webhooks;
use crate::error::{Error, Result};
use crate::kinds::{self, EventKind};
use crate::model::delivery::NewDelivery;
use crate::model::endpoint::{Cause, Disabled};
use crate::model::message_rows::{self, Message};
use crate::model::place_rows::{self, Follower};
use crate::model::{Audience, endpoint_rows};
use crate::public;
use crate::streams::{Place, Stream, is_full};

/// How long one question to a log waits; another process may have changed who wants to know.
const WAIT: Duration = Duration::from_secs(5);
/// What is told within this time is queued together.
const GATHER: Duration = Duration::from_millis(200);
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);
/// A place past so many events that nobody wanted is stored, so that they are not looked at again.
const IDLE_ADVANCE: i64 = 500;
const ACTION: &str = "webhooks.queue_events";

/// Somebody who hears, of some kinds.
pub(super) struct Hearer<'a> {
    pub(super) endpoint: WebhookEndpointId,
    pub(super) audience: &'a Audience,
    pub(super) event_types: &'a [String],
}

/// Queues until `stop`.
pub(crate) async fn run(webhooks: Webhooks, stop: CancellationToken) {
    let following = webhooks.streams.all().iter().map(|stream| follow(&webhooks, stream));
    let _ = stop.run_until_cancelled(join_all(following)).await;
}

async fn follow(webhooks: &Webhooks, stream: &Stream) {
    let mut changed = webhooks.changed.subscribe();
    loop {
        let worked = tokio::select! {
            // Who wants to know is another now: what was asked for is asked anew.
            _ = changed.changed() => continue,
            worked = work(webhooks, stream) => worked,
        };
        match worked {
            Ok(pause) if pause.is_zero() => {}
            Ok(pause) => {
                let _ = tokio::time::timeout(pause, changed.changed()).await;
            }
            Err(error) => {
                tracing::warn!(error = error.to_string(), stream = stream.name, "changes wait to be queued");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }
}

/// Queues one page; answers how long to wait before the next.
async fn work(webhooks: &Webhooks, stream: &Stream) -> Result<Duration> {
    let replayed = queue_replays::run(webhooks, stream).await?;
    let followers = place_rows::followers(&webhooks.store, stream.name).await?;
    let Some(last) = followers.first() else {
        return Ok(if replayed { Duration::ZERO } else { WAIT });
    };
    let same = followers.iter().take_while(|one| one.place == last.place).count();
    let (group, ahead) = followers.split_at(same);
    // Up to where others stand already, so that all go on together from there.
    let up_to = ahead.first().map(|next| next.place.position).filter(|next| *next > last.place.position);

    let wait = if replayed || up_to.is_some() { Duration::ZERO } else { WAIT };
    let types = wanted_types(stream, group);
    let page = stream.read(last.place.position, types, wait).await;
    let page = page.map_err(|status| Error::Upstream(Box::new(status)))?;
    if is_lost(&last.place, &page) {
        tracing::error!(
            stream = stream.name,
            position = last.place.position,
            "endpoints have lost their place"
        );
        for follower in group {
            disable(webhooks, follower.endpoint, Cause::PlaceLost).await?;
        }
        return Ok(Duration::ZERO);
    }
    let full = is_full(&page);
    let ReadEventsResponse { mut events, read_position, epoch, .. } = page;
    let position = up_to.map_or(read_position, |up_to| read_position.min(up_to));
    events.retain(|event| event.position <= position);
    if events.is_empty() && up_to.is_none() && position - last.place.position < IDLE_ADVANCE {
        return Ok(Duration::ZERO);
    }
    apply(webhooks, stream, group, &Place { epoch, position }, &events).await?;
    Ok(if full || up_to.is_some() || replayed { Duration::ZERO } else { GATHER })
}

async fn apply(
    webhooks: &Webhooks,
    stream: &Stream,
    group: &[Follower],
    next: &Place,
    events: &[Event],
) -> Result<()> {
    let call = call();
    let queued = webhooks.store.transaction(&call, async |tx: &mut Tx| {
        // First, so that of two processes the second finds the places moved and queues nothing.
        let moved = place_rows::advance(tx, stream.name, group, next).await?;
        let hearers = group.iter().filter(|one| moved.contains(&one.endpoint.uuid())).map(|one| Hearer {
            endpoint: one.endpoint,
            audience: &one.audience,
            event_types: &one.event_types,
        });
        let hearers: Vec<Hearer<'_>> = hearers.collect();
        let (messages, deliveries) = queued(events, &hearers, false, None);
        message_rows::queue(tx, &messages, &deliveries).await
    });
    let queued: usize = queued.await?;
    if queued > 0 {
        metrics::counter!("korob_webhooks_queued_total").increment(queued as u64);
        webhooks.due.notify_one();
    }
    Ok(())
}

/// What is to be stored and queued of these events, in their order; within `span` when there is one.
pub(super) fn queued(
    events: &[Event],
    hearers: &[Hearer<'_>],
    replayed: bool,
    span: Option<(DateTime<Utc>, DateTime<Utc>)>,
) -> (Vec<Message>, Vec<NewDelivery>) {
    let (mut messages, mut deliveries) = (BTreeMap::<Uuid, Vec<u8>>::new(), Vec::new());
    for event in events {
        let Some(kind) = kinds::of_type(&event.r#type).filter(|_| is_within(event, span)) else { continue };
        let hearing: Vec<&Hearer<'_>> = hearers.iter().filter(|one| hears(one, kind, event)).collect();
        let Some(told) = (if hearing.is_empty() { None } else { public::tell(kind, event) }) else {
            continue;
        };
        messages.insert(told.id.uuid(), public::bytes(&told.event));
        deliveries.extend(hearing.iter().map(|hearer| NewDelivery {
            endpoint: hearer.endpoint,
            event: told.id,
            kind: kind.name.to_owned(),
            shop: told.shop,
            resource: event.aggregate_id.clone(),
            replayed,
        }));
    }
    // By id, so that two processes that store the same events do not wait for each other in a circle.
    let messages = messages.into_iter().map(|(id, body)| (EventId::from_uuid(id), body));
    (messages.collect(), deliveries)
}

fn hears(hearer: &Hearer<'_>, kind: &EventKind, event: &Event) -> bool {
    hearer.event_types.iter().any(|wanted| wanted == kind.name)
        && public::may_hear(hearer.audience, kind, event)
}

fn is_within(event: &Event, span: Option<(DateTime<Utc>, DateTime<Utc>)>) -> bool {
    let Some((start, end)) = span else { return true };
    let told = event.create_time.and_then(|time| DateTime::from_timestamp(time.seconds, time.nanos as u32));
    told.is_some_and(|told| start <= told && told < end)
}

fn wanted_types(stream: &Stream, group: &[Follower]) -> Vec<String> {
    let wanted = |kind: &&EventKind| {
        let named = |one: &Follower| one.event_types.iter().any(|name| name == kind.name);
        kind.stream == stream.name && group.iter().any(named)
    };
    kinds::all().iter().filter(wanted).map(|kind| kind.type_name.clone()).collect()
}

/// Whether a log has no longer, or never had, what is behind a place.
pub(super) fn is_lost(place: &Place, page: &ReadEventsResponse) -> bool {
    place.epoch != page.epoch || page.read_position < place.position || page.trimmed_position > place.position
}

/// Disables an endpoint that cannot go on.
pub(crate) async fn disable(webhooks: &Webhooks, id: WebhookEndpointId, cause: Cause) -> Result<()> {
    let store = &webhooks.store;
    let call = call();
    let disabled = store.transaction(&call, async |tx: &mut Tx| {
        let Some(mut endpoint) = endpoint_rows::lock(store, tx, id).await? else { return Ok(()) };
        if endpoint.disabled.is_some() {
            return Ok(());
        }
        endpoint.disabled = Some(Disabled { cause, time: tx.now() });
        endpoint.version += 1;
        endpoint_rows::update(store, tx, &endpoint).await?;
        tx.audit(Audit::new(ACTION, id).change("disable_cause", "", cause.code()));
        Ok(())
    });
    let disabled: Result<()> = disabled.await;
    disabled?;
    webhooks.changed.send_modify(|times| *times += 1);
    Ok(())
}
