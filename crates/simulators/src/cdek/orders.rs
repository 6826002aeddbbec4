//! Takes orders in, works on them, finds them, deletes them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::book::{Book, Order, label};
use super::{Turn, order, refused, request, tracking, unknown};
use crate::answer::Answer;
use crate::fault::Fault;
use crate::ledger::{Deed, Effect};
use crate::lock;
use crate::parcels::travel;
use crate::system::System;
use crate::world::World;

/// Requests that are kept of one order.
const REQUESTS_MAX: usize = 50;

/// Accepted, which says nothing yet. Two requests are two orders: the vendor knows no repeats.
pub(super) fn create(turn: &mut Turn<'_>) -> Answer {
    let world = turn.world;
    let body = turn.asked.json().unwrap_or_default();
    let mut order = match order::read(turn, &body) {
        Ok(order) => order,
        Err(refusal) => return refusal,
    };
    let uuid = order.uuid.clone();
    order.requests.push(request(world, "CREATE", "ACCEPTED", &[]));
    let answer = json!({ "entity": { "uuid": uuid }, "requests": order.requests, "related_entities": [] });
    let strikes = |fault| world.faults.strikes(System::Cdek, fault, "create_order");
    if !strikes(Fault::SilentIgnore) {
        if strikes(Fault::LateFailure) {
            order.doubt = Some(("v2_recipient_location_not_recognized", "[to_location] is not recognized"));
        }
        tracking::note(world, &mut order, "ACCEPTED", "");
        let label = label(&turn.account, &order.number);
        turn.book.orders.put(&uuid, &label, order);
        if !strikes(Fault::NeverFinishes) {
            later(world, &uuid, work_on);
        }
    }
    Answer::json(202, &answer)
}

pub(super) fn get(turn: &mut Turn<'_>) -> Answer {
    let uuid = turn.asked.segment(2);
    match turn.book.orders.get(uuid).filter(|order| order.account == turn.account && order.uuid == uuid) {
        Some(order) if is_seen(turn.world, order, "get_order") => Answer::json(200, &order.to_json()),
        Some(_) | None => unknown(turn.world, "GET"),
    }
}

/// The newest with the number of the client or of the carrier.
pub(super) fn find(turn: &mut Turn<'_>) -> Answer {
    let found = match (turn.asked.query("im_number"), turn.asked.query("cdek_number")) {
        (Some(number), _) => turn.book.orders.labelled(&label(&turn.account, number)).next_back(),
        (None, Some(number)) => turn.book.orders.get(number).filter(|order| order.account == turn.account),
        (None, None) => None,
    };
    match found {
        Some(order) if is_seen(turn.world, order, "find_order") => Answer::json(200, &order.to_json()),
        Some(_) | None => unknown(turn.world, "GET"),
    }
}

/// What was accepted and is still worked on may not be there for those who ask.
fn is_seen(world: &World, order: &Order, operation: &str) -> bool {
    !(order.is_waiting() && world.faults.strikes(System::Cdek, Fault::InProgress, operation))
}

/// Accepted; whether it was possible is seen later.
pub(super) fn delete(turn: &mut Turn<'_>) -> Answer {
    let world = turn.world;
    let uuid = turn.asked.segment(2);
    let own =
        turn.book.orders.get_mut(uuid).filter(|order| order.account == turn.account && order.uuid == uuid);
    let Some(order) = own else { return unknown(world, "DELETE") };
    if order.is_waiting() {
        let why = [("v2_similar_request_still_processed", "An earlier request is still worked on")];
        let refused = request(world, "DELETE", "INVALID", &why);
        return Answer::json(202, &json!({ "entity": { "uuid": uuid }, "requests": [refused] }));
    }
    if order.requests.len() >= REQUESTS_MAX {
        return refused(world, "DELETE", &[("v2_too_many_requests", "Too many requests for this order")]);
    }
    let asked = request(world, "DELETE", "ACCEPTED", &[]);
    if !world.faults.strikes(System::Cdek, Fault::SilentIgnore, "delete_order") {
        order.requests.push(asked.clone());
        later(world, uuid, remove);
    }
    Answer::json(202, &json!({ "entity": { "uuid": uuid }, "requests": [asked] }))
}

fn later(world: &Arc<World>, uuid: &str, work: fn(&Arc<World>, &mut Book, &str)) {
    let uuid = uuid.to_owned();
    world.timers.at(world.now() + world.faults.settle(System::Cdek), move |world| {
        work(world, &mut lock(&world.cdek), &uuid);
    });
}

fn work_on(world: &Arc<World>, book: &mut Book, uuid: &str) {
    let number = format!("10{:08}", book.numbers + 1);
    let Some(order) = book.orders.get_mut(uuid) else { return };
    if let Some(doubt) = order.doubt {
        decide(order, "CREATE", "INVALID", &[doubt]);
        return tracking::happen(world, order, "INVALID", "");
    }
    decide(order, "CREATE", "SUCCESSFUL", &[]);
    order.cdek_number = Some(number.clone());
    write_down(world, order, Effect::WaybillCreated);
    tracking::happen(world, order, "CREATED", "");
    book.numbers += 1;
    book.orders.alias(uuid, &number);
    travel(world, System::Cdek, &number);
}

fn remove(world: &Arc<World>, book: &mut Book, uuid: &str) {
    let Some(order) = book.orders.get_mut(uuid) else { return };
    if order.removed || order.code() == "INVALID" {
        return decide(order, "DELETE", "SUCCESSFUL", &[]);
    }
    if order.code() != "CREATED" {
        let why = ("v2_entity_forbidden", "The parcel has left and the order cannot be deleted");
        return decide(order, "DELETE", "INVALID", &[why]);
    }
    decide(order, "DELETE", "SUCCESSFUL", &[]);
    order.removed = true;
    write_down(world, order, Effect::WaybillCancelled);
    tracking::happen(world, order, "REMOVED", "");
}

/// Ends the request of this kind that waits.
fn decide(order: &mut Order, kind: &str, state: &str, errors: &[(&str, &str)]) {
    let waits = |request: &&mut Value| request["type"] == kind && request["state"] == "ACCEPTED";
    if let Some(request) = order.requests.iter_mut().find(waits) {
        request["state"] = Value::from(state);
        request["errors"] = Value::from(super::listed(errors));
    }
}

fn write_down(world: &World, order: &Order, effect: Effect) {
    world.write_down(Deed {
        system: System::Cdek,
        effect,
        object: order.cdek_number.as_deref().unwrap_or(&order.uuid),
        reference: &order.number,
        key: "",
        amount_minor: order.price,
        currency: "RUB",
    });
}
