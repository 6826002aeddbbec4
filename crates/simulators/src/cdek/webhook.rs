//! Where an account is told, and what: unsigned, at least once, in no order.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::book::{Order, Print, Webhook, time};
use super::tracking::CODES;
use super::{Turn, refused, request, unknown};
use crate::answer::Answer;
use crate::signature::Signature;
use crate::system::System;
use crate::webhooks::{Notice, Target};
use crate::world::World;

pub(super) fn create(turn: &mut Turn<'_>) -> Answer {
    let body = turn.asked.json().unwrap_or_default();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let (kind, url) = (text("type"), text("url"));
    if !["ORDER_STATUS", "PRINT_FORM"].contains(&&*kind) {
        return refused(turn.world, "CREATE", &[("v2_wrong_value", "[type] is ORDER_STATUS or PRINT_FORM")]);
    }
    if !url.starts_with("http") {
        return refused(turn.world, "CREATE", &[("v2_wrong_value", "[url] is not a web address")]);
    }
    turn.book
        .webhooks
        .retain(|known| (&known.account, &known.kind, &known.url) != (&turn.account, &kind, &url));
    let webhook = Webhook { uuid: Uuid::new_v4().to_string(), account: turn.account.clone(), kind, url };
    let uuid = webhook.uuid.clone();
    turn.book.webhooks.push(webhook);
    if !register(turn) {
        turn.book.webhooks.pop();
        return refused(turn.world, "CREATE", &[("v2_too_many", "too many webhooks")]);
    }
    let done = request(turn.world, "CREATE", "SUCCESSFUL", &[]);
    Answer::json(200, &json!({ "entity": { "uuid": uuid }, "requests": [done] }))
}

pub(super) fn list(turn: &mut Turn<'_>) -> Answer {
    let own = turn.book.webhooks.iter().filter(|webhook| webhook.account == turn.account);
    let own = own.map(|webhook| json!({ "uuid": webhook.uuid, "type": webhook.kind, "url": webhook.url }));
    Answer::json(200, &Value::from(own.collect::<Vec<_>>()))
}

pub(super) fn delete(turn: &mut Turn<'_>) -> Answer {
    let uuid = turn.asked.segment(2);
    let own = |webhook: &Webhook| webhook.uuid == uuid && webhook.account == turn.account;
    let Some(at) = turn.book.webhooks.iter().position(own) else { return unknown(turn.world, "DELETE") };
    turn.book.webhooks.remove(at);
    register(turn);
    let done = request(turn.world, "DELETE", "SUCCESSFUL", &[]);
    Answer::json(200, &json!({ "entity": { "uuid": uuid }, "requests": [done] }))
}

/// Hands over where the account is told now: each address once, with all its kinds.
fn register(turn: &Turn<'_>) -> bool {
    let webhooks = &turn.world.webhooks;
    let own = || turn.book.webhooks.iter().filter(|webhook| webhook.account == turn.account);
    webhooks.unregister(System::Cdek, |target| target.account == turn.account);
    own().all(|webhook| {
        let events = own().filter(|other| other.url == webhook.url).map(|other| other.kind.clone()).collect();
        let target =
            Target { url: webhook.url.clone(), secret: String::new(), account: turn.account.clone(), events };
        webhooks.register(System::Cdek, target)
    })
}

pub(super) fn tell_status(world: &Arc<World>, order: &Order, code: &str) {
    let body = |code: &str| {
        let number = CODES.iter().find(|(known, _)| *known == code).map_or("", |(_, number)| number);
        let attributes = json!({
            "is_return": false, "is_reverse": false, "cdek_number": order.cdek_number, "number": order.number,
            "code": code, "status_code": number, "status_date_time": time(world.now()), "city_name": order.city,
        });
        json!({ "type": "ORDER_STATUS", "date_time": time(world.now()), "uuid": order.uuid, "attributes": attributes })
    };
    // The lie: it was delivered.
    tell(world, &order.account, "ORDER_STATUS", &body(code), Some(body("DELIVERED")));
}

pub(super) fn tell_print(world: &Arc<World>, print: &Print) {
    let kind = if print.form == "barcodes" { "BARCODE" } else { "WAYBILL" };
    let attributes = json!({ "type": kind, "url": print.url });
    let body = json!({
        "type": "PRINT_FORM", "date_time": time(world.now()), "uuid": print.uuid, "attributes": attributes,
    });
    tell(world, &print.account, "PRINT_FORM", &body, None);
}

fn tell(world: &Arc<World>, account: &str, kind: &str, body: &Value, lie: Option<Value>) {
    let notice = Notice {
        system: System::Cdek,
        account: account.to_owned(),
        event_id: Uuid::new_v4().to_string(),
        event: kind.to_owned(),
        body: body.to_string().into(),
        signature: Signature::None,
        headers: Vec::new(),
        lie: lie.map(|lie| lie.to_string().into()),
    };
    world.webhooks.tell(world, &notice);
}
