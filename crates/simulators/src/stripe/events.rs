//! Events: kept to be read, and sent to the endpoints of their account.

use std::sync::Arc;

use serde_json::{Value, json};

use super::book::{Book, Event, id};
use super::{Turn, limit, missing, page_of};
use crate::answer::Answer;
use crate::signature::Signature;
use crate::system::System;
use crate::webhooks::Notice;
use crate::world::World;

pub(super) fn get(turn: &mut Turn<'_>) -> Answer {
    let id = turn.asked.segment(2);
    match turn.book.events.get(id).filter(|event| event.account == turn.account) {
        Some(event) => Answer::json(200, &event.body),
        None => missing("event", id, "id"),
    }
}

/// Newest first.
pub(super) fn list(turn: &mut Turn<'_>) -> Answer {
    let limit = limit(turn.asked);
    let (kind, after) = (turn.asked.query("type"), turn.asked.query("starting_after"));
    let all = turn.book.events.labelled(&turn.account).rev();
    let mut past = after.is_none();
    let newer = |event: &&Event| {
        let skip = !past;
        past |= after.is_some_and(|after| event.body["id"] == after);
        skip
    };
    let found = all.skip_while(newer).filter(|event| kind.is_none_or(|kind| event.body["type"] == kind));
    let mut items: Vec<Value> = found.take(limit + 1).map(|event| event.body.clone()).collect();
    let has_more = items.len() > limit;
    items.truncate(limit);
    page_of(items, has_more, "/v1/events")
}

/// Keeps an event and sends it, with the lie that a stranger would tell in its place.
pub(super) fn tell(
    world: &Arc<World>,
    book: &mut Book,
    account: &str,
    key: &str,
    kind: &str,
    object: Value,
    lie: Option<(&str, Value)>,
) {
    let event_id = id("evt");
    let body = event(world, &event_id, key, kind, object);
    let lie = lie.map(|(kind, object)| event(world, &id("evt"), "", kind, object).to_string().into());
    let notice = Notice {
        system: System::Stripe,
        account: account.to_owned(),
        event_id: event_id.clone(),
        event: kind.to_owned(),
        body: body.to_string().into(),
        signature: Signature::Stripe,
        headers: Vec::new(),
        lie,
    };
    book.events.put_and_forget(&event_id, account, Event { account: account.to_owned(), body });
    world.webhooks.tell(world, &notice);
}

pub(super) fn request_id(key: &str) -> String {
    if key.is_empty() {
        id("req")
    } else {
        format!("req_{}", crate::signature::hmac_hex("request", key.as_bytes()))
    }
}

fn event(world: &World, event_id: &str, key: &str, kind: &str, object: Value) -> Value {
    json!({
        "id": event_id,
        "object": "event",
        "api_version": "2024-06-20",
        "created": world.now().timestamp(),
        "data": { "object": object },
        "livemode": false,
        "pending_webhooks": 1,
        "request": { "id": request_id(key), "idempotency_key": (!key.is_empty()).then_some(key) },
        "type": kind,
    })
}
