//! Labels: asked for, made after a moment, fetched with the token.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::book::{Book, Print, time};
use super::{Turn, refused, request, unknown, webhook};
use crate::answer::Answer;
use crate::fault::Fault;
use crate::lock;
use crate::pdf;
use crate::system::System;
use crate::world::World;

const ORDERS_MAX: usize = 100;

pub(super) fn create(turn: &mut Turn<'_>) -> Answer {
    let world = turn.world;
    let body = turn.asked.json().unwrap_or_default();
    let orders = body["orders"].as_array().map(Vec::as_slice).unwrap_or_default();
    if orders.is_empty() || orders.len() > ORDERS_MAX {
        return refused(world, "CREATE", &[("v2_field_is_empty", "[orders] is empty or too long")]);
    }
    let lines = lines(turn, orders);
    let (uuid, form) = (Uuid::new_v4().to_string(), turn.asked.segment(2).to_owned());
    let print = Print {
        url: format!("{}/cdek/v2/print/{form}/{uuid}.pdf", turn.asked.base_url()),
        uuid: uuid.clone(),
        account: turn.account.clone(),
        form,
        state: "ACCEPTED",
        lines,
    };
    turn.book.prints.put(&uuid, "", print);
    if !world.faults.strikes(System::Cdek, Fault::NeverFinishes, "create_print") {
        let fails = world.faults.strikes(System::Cdek, Fault::LateFailure, "create_print");
        let later = uuid.clone();
        world.timers.at(world.now() + world.faults.settle(System::Cdek), move |world| {
            finish(world, &mut lock(&world.cdek), &later, fails);
        });
    }
    let asked = request(world, "CREATE", "ACCEPTED", &[]);
    Answer::json(202, &json!({ "entity": { "uuid": uuid }, "requests": [asked] }))
}

/// The state of a print, or with `.pdf` the print itself.
pub(super) fn get(turn: &mut Turn<'_>) -> Answer {
    let name = turn.asked.segment(3);
    let uuid = name.strip_suffix(".pdf").unwrap_or(name);
    let own = turn.book.prints.get(uuid).filter(|print| print.account == turn.account);
    let Some(print) = own else { return unknown(turn.world, "GET") };
    if name.ends_with(".pdf") {
        return match print.state {
            "READY" => Answer::pdf(pdf::page(&print.lines)),
            _ => unknown(turn.world, "GET"),
        };
    }
    let statuses = ["ACCEPTED", print.state]
        .map(|code| json!({ "code": code, "name": code, "date_time": time(turn.world.now()) }));
    let mut entity = json!({ "uuid": uuid, "statuses": statuses });
    if print.state == "READY" {
        entity["url"] = Value::from(print.url.as_str());
    }
    let state = if print.state == "INVALID" { "INVALID" } else { "SUCCESSFUL" };
    Answer::json(200, &json!({ "entity": entity, "requests": [request(turn.world, "CREATE", state, &[])] }))
}

/// What is printed; nothing when an order has no number yet.
fn lines(turn: &Turn<'_>, orders: &[Value]) -> Vec<String> {
    let mut lines = Vec::new();
    for wanted in orders {
        let name = wanted["order_uuid"]
            .as_str()
            .map(str::to_owned)
            .unwrap_or_else(|| wanted["cdek_number"].to_string());
        let order =
            turn.book.orders.get(&name).filter(|order| order.account == turn.account && !order.removed);
        let Some(order) = order else { return Vec::new() };
        let Some(number) = &order.cdek_number else { return Vec::new() };
        lines.push(number.clone());
        lines.extend(order.label.iter().cloned());
    }
    lines
}

fn finish(world: &Arc<World>, book: &mut Book, uuid: &str, fails: bool) {
    let Some(print) = book.prints.get_mut(uuid) else { return };
    print.state = if fails || print.lines.is_empty() { "INVALID" } else { "READY" };
    if print.state == "READY" {
        webhook::tell_print(world, print);
    }
}
