//! Tells an account what became of its charges and refunds.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use super::charge::{Charge, Refund, RefundStatus, Status, time};
use super::{Turn, invalid};
use crate::answer::Answer;
use crate::signature::Signature;
use crate::system::System;
use crate::webhooks::{Notice, Target};
use crate::world::World;

/// Sets where the account's webhooks go; an empty URL ends them.
pub(super) fn set(turn: &mut Turn<'_>) -> Answer {
    let body = turn.asked.json().unwrap_or_default();
    let (Some(url), secret) = (body["url"].as_str(), body["secret"].as_str().unwrap_or_default()) else {
        return invalid("url", "is needed");
    };
    if !url.is_empty() && !url.starts_with("http") {
        return invalid("url", "begins with http:// or https://");
    }
    if !url.is_empty() && secret.is_empty() {
        return invalid("secret", "is needed");
    }
    let webhooks = &turn.world.webhooks;
    webhooks.unregister(System::Card, |target| target.account == turn.account);
    if !url.is_empty() {
        let target = Target {
            url: url.to_owned(),
            secret: secret.to_owned(),
            account: turn.account.clone(),
            events: Vec::new(),
        };
        if !webhooks.register(System::Card, target) {
            return invalid("url", "too many receivers");
        }
    }
    Answer::json(200, &json!({}))
}

/// Tells the state a charge is in now; nobody is told that work goes on.
pub(super) fn tell_charge(world: &Arc<World>, charge: &Charge) {
    let kind = match charge.status {
        Status::Pending => return,
        told => format!("charge.{}", told.name()),
    };
    // The lie: what failed was paid.
    let mut lie = charge.clone();
    lie.status = Status::Captured;
    lie.captured_minor = charge.amount_minor;
    lie.sequence += 100;
    let forged = body(world, "charge.captured", lie.to_json(), Value::Null);
    let told = body(world, &kind, charge.to_json(), Value::Null);
    tell(world, &charge.account, kind, told, Some(forged));
}

pub(super) fn tell_refund(world: &Arc<World>, refund: &Refund) {
    let kind = match refund.status {
        RefundStatus::Pending => return,
        told => format!("refund.{}", told.name()),
    };
    let mut lie = refund.clone();
    lie.status = RefundStatus::Succeeded;
    lie.sequence += 100;
    let forged = body(world, "refund.succeeded", Value::Null, lie.to_json());
    let told = body(world, &kind, Value::Null, refund.to_json());
    tell(world, &refund.account, kind, told, Some(forged));
}

fn body(world: &World, kind: &str, charge: Value, refund: Value) -> (String, Bytes) {
    let event_id = format!("evt_{}", Uuid::new_v4().simple());
    let body = json!({
        "event_id": event_id,
        "type": kind,
        "charge": charge,
        "refund": refund,
        "create_time": time(world.now()),
    });
    (event_id, body.to_string().into())
}

fn tell(
    world: &Arc<World>,
    account: &str,
    event: String,
    (event_id, body): (String, Bytes),
    lie: Option<(String, Bytes)>,
) {
    let notice = Notice {
        system: System::Card,
        account: account.to_owned(),
        event_id,
        event,
        body,
        signature: Signature::Card,
        headers: Vec::new(),
        lie: lie.map(|(_, body)| body),
    };
    world.webhooks.tell(world, &notice);
}
