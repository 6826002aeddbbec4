//! Where an account's events go, and the secret that signs them.

use serde_json::json;
use uuid::Uuid;

use super::book::{Endpoint, id};
use super::form::Form;
use super::{Turn, invalid, missing};
use crate::answer::Answer;
use crate::system::System;
use crate::webhooks::Target;

/// Answers the secret, this once.
pub(super) fn create(turn: &mut Turn<'_>) -> Answer {
    let known = ["url", "enabled_events", "description", "api_version", "metadata", "expand"];
    let form = match Form::read(turn.asked, &known) {
        Ok(form) => form,
        Err(refusal) => return refusal,
    };
    let events = form.list("enabled_events");
    let Some(url) = form.get("url").filter(|url| url.starts_with("http")) else {
        return invalid("url_invalid", "Invalid URL", "url");
    };
    if events.is_empty() {
        return invalid("parameter_missing", "Missing required param: enabled_events.", "enabled_events");
    }
    let secret = format!("whsec_{}", Uuid::new_v4().simple());
    let target = Target {
        url: url.to_owned(),
        secret: secret.clone(),
        account: turn.account.clone(),
        events: events.clone(),
    };
    if !turn.world.webhooks.register(System::Stripe, target) {
        return invalid("", "You have reached the maximum number of webhook endpoints.", "");
    }
    let endpoint = Endpoint { id: id("we"), account: turn.account.clone(), url: url.to_owned() };
    turn.book.endpoints.retain(|known| (&known.account, &known.url) != (&endpoint.account, &endpoint.url));
    let body = json!({
        "id": endpoint.id, "object": "webhook_endpoint", "url": url, "enabled_events": events,
        "status": "enabled", "livemode": false, "secret": secret,
    });
    turn.book.endpoints.push(endpoint);
    Answer::json(200, &body)
}

pub(super) fn delete(turn: &mut Turn<'_>) -> Answer {
    let id = turn.asked.segment(2);
    let own = |endpoint: &Endpoint| endpoint.id == id && endpoint.account == turn.account;
    let Some(at) = turn.book.endpoints.iter().position(own) else {
        return missing("webhook endpoint", id, "id");
    };
    let endpoint = turn.book.endpoints.remove(at);
    turn.world.webhooks.unregister(System::Stripe, |target| {
        target.account == endpoint.account && target.url == endpoint.url
    });
    Answer::json(200, &json!({ "id": id, "object": "webhook_endpoint", "deleted": true }))
}
