//! Tells an account what became of its parcels.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::book::{Event, Parcel, time};
use super::{Turn, cargo};
use crate::answer::Answer;
use crate::signature::Signature;
use crate::system::System;
use crate::webhooks::{Notice, Target};
use crate::world::World;

/// Sets where the account's webhooks go; an empty URL ends them.
pub(super) fn set(turn: &mut Turn<'_>) -> Answer {
    let body = turn.asked.json().unwrap_or_default();
    let (Some(url), secret) = (body["url"].as_str(), body["secret"].as_str().unwrap_or_default()) else {
        return cargo::invalid("url", "is needed");
    };
    if !url.is_empty() && (!url.starts_with("http") || secret.is_empty()) {
        return cargo::invalid("url", "begins with http:// or https:// and comes with a secret");
    }
    let webhooks = &turn.world.webhooks;
    webhooks.unregister(System::Parcel, |target| target.account == turn.account);
    if !url.is_empty() {
        let target = Target {
            url: url.to_owned(),
            secret: secret.to_owned(),
            account: turn.account.clone(),
            events: Vec::new(),
        };
        if !webhooks.register(System::Parcel, target) {
            return cargo::invalid("url", "too many receivers");
        }
    }
    Answer::json(200, &json!({ "ok": true }))
}

pub(super) fn tell(world: &Arc<World>, parcel: &Parcel, kind: &str, event: Option<&Event>) {
    let delivery_id = Uuid::new_v4().simple().to_string();
    let body = |kind: &str, delivery_id: &str, event: Value| {
        json!({
            "delivery_id": delivery_id,
            "type": kind,
            "parcel": parcel.to_json(),
            "event": event,
            "storage_until_time": parcel.storage_json(),
            "cod": parcel.cod_json(),
            "weighed_grams": parcel.weighed_grams,
        })
    };
    // The lie: it was handed over.
    let forged = json!({
        "event_id": format!("forged{delivery_id}"), "code": "600", "occur_time": time(world.now()),
        "text": "Handed to the recipient", "place": "", "reason": "",
    });
    let lie = body("parcel.tracked", &format!("forged{delivery_id}"), forged).to_string();
    let told = body(kind, &delivery_id, event.map_or(Value::Null, Event::to_json)).to_string();
    let notice = Notice {
        system: System::Parcel,
        account: parcel.account.clone(),
        event_id: delivery_id,
        event: kind.to_owned(),
        body: told.into(),
        signature: Signature::Parcel,
        headers: Vec::new(),
        lie: Some(lie.into()),
    };
    world.webhooks.tell(world, &notice);
}
