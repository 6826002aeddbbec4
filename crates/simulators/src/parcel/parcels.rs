//! Takes parcels in, finds them, lets them be cancelled, and prints their labels.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::book::{Book, Parcel, State, label as label_of};
use super::cargo::{self, Cargo, Service};
use super::points::Kind;
use super::{Turn, refused, refused_with, tracking, webhook};
use crate::answer::Answer;
use crate::fault::Fault;
use crate::ledger::{Deed, Effect};
use crate::parcels::travel;
use crate::system::System;
use crate::world::World;
use crate::{lock, pdf};

pub(super) fn create(turn: &mut Turn<'_>) -> Answer {
    let world = turn.world;
    let body = turn.asked.json().unwrap_or_default();
    let cargo = match cargo::read(&body) {
        Ok(cargo) => cargo,
        Err(refusal) => return refusal,
    };
    let parcel = accepted(turn, cargo);
    let (parcel_id, answer) = (parcel.parcel_id.clone(), parcel.to_json());
    let strikes = |fault| world.faults.strikes(System::Parcel, fault, "create_parcel");
    if !strikes(Fault::SilentIgnore) {
        turn.book.parcels.put(&parcel_id, &label_of(&turn.account, &parcel.reference), parcel);
        if strikes(Fault::LateFailure) {
            settle(world, &parcel_id, reject);
        } else if !strikes(Fault::NeverFinishes) {
            settle(world, &parcel_id, register);
        }
    }
    Answer::json(202, &json!({ "ok": true, "parcel": answer }))
}

/// Oldest first, whatever became of them.
pub(super) fn find(turn: &mut Turn<'_>) -> Answer {
    let Some(reference) = turn.asked.query("reference") else {
        return cargo::invalid("reference", "is needed");
    };
    let label = label_of(&turn.account, reference);
    let found: Vec<Value> = turn.book.parcels.labelled(&label).map(Parcel::to_json).collect();
    Answer::json(200, &json!({ "ok": true, "parcels": found }))
}

pub(super) fn get(turn: &mut Turn<'_>) -> Answer {
    match own(turn) {
        Some(parcel) => answer(parcel),
        None => not_found(),
    }
}

pub(super) fn cancel(turn: &mut Turn<'_>) -> Answer {
    let world = turn.world;
    let Some(parcel) = own(turn) else { return not_found() };
    let left = !matches!(parcel.code(), "" | "100" | "800");
    if left {
        return refused("already_left", "the parcel is on its way", "");
    }
    if matches!(parcel.state, State::Cancelled | State::Rejected) {
        return answer(parcel);
    }
    if world.faults.strikes(System::Parcel, Fault::SilentIgnore, "cancel_parcel") {
        let mut told = parcel.clone();
        told.state = State::Cancelled;
        return answer(&told);
    }
    if parcel.state == State::Registered {
        write_down(world, parcel, Effect::WaybillCancelled);
    }
    parcel.state = State::Cancelled;
    tracking::note(world, parcel, "800", "");
    webhook::tell(world, parcel, "parcel.cancelled", None);
    answer(parcel)
}

pub(super) fn label(turn: &mut Turn<'_>) -> Answer {
    let Some(parcel) = own(turn) else { return not_found() };
    match &parcel.tracking_number {
        Some(number) => Answer::pdf(pdf::page(&[std::slice::from_ref(number), &parcel.label].concat())),
        None => refused("label_not_ready", "the parcel is not registered yet", ""),
    }
}

fn accepted(turn: &Turn<'_>, cargo: Cargo) -> Parcel {
    let Cargo { reference, service, weight_grams, currency, cod, recipient, phone, place } = cargo;
    let kind = match service {
        Service::Point(Kind::Locker) => "locker",
        other => other.name(),
    };
    Parcel {
        parcel_id: format!("prc_{}", Uuid::new_v4().simple()),
        account: turn.account.clone(),
        label: vec![reference.clone(), kind.to_owned(), recipient, phone, place, format!("{weight_grams} g")],
        reference,
        service: service.name().to_owned(),
        state: State::Accepted,
        tracking_number: None,
        currency,
        price_minor: service.price_minor(weight_grams),
        error: None,
        cod,
        weight_grams,
        weighed_grams: None,
        events: Vec::new(),
        storage_until: None,
        create_time: turn.world.now(),
    }
}

/// Decides on an accepted parcel a while later, unless it was cancelled meanwhile.
fn settle(world: &Arc<World>, parcel_id: &str, decide: fn(&Arc<World>, &mut Book, &str)) {
    let parcel_id = parcel_id.to_owned();
    world.timers.at(world.now() + world.faults.settle(System::Parcel), move |world| {
        let book = &mut *lock(&world.parcel);
        let waits = book.parcels.get(&parcel_id).is_some_and(|parcel| parcel.state == State::Accepted);
        if waits {
            decide(world, book, &parcel_id);
        }
    });
}

fn register(world: &Arc<World>, book: &mut Book, parcel_id: &str) {
    book.numbers += 1;
    let number = format!("PC{:010}", book.numbers);
    book.parcels.alias(parcel_id, &number);
    let Some(parcel) = book.parcels.get_mut(parcel_id) else { return };
    parcel.tracking_number = Some(number);
    parcel.state = State::Registered;
    write_down(world, parcel, Effect::WaybillCreated);
    tracking::note(world, parcel, "100", "");
    webhook::tell(world, parcel, "parcel.registered", None);
    travel(world, System::Parcel, parcel_id);
}

fn reject(world: &Arc<World>, book: &mut Book, parcel_id: &str) {
    let Some(parcel) = book.parcels.get_mut(parcel_id) else { return };
    parcel.state = State::Rejected;
    parcel.error = Some(("invalid_data", "the address was not found", "address.line"));
    webhook::tell(world, parcel, "parcel.rejected", None);
}

fn write_down(world: &World, parcel: &Parcel, effect: Effect) {
    world.write_down(Deed {
        system: System::Parcel,
        effect,
        object: parcel.tracking_number.as_deref().unwrap_or(&parcel.parcel_id),
        reference: &parcel.reference,
        key: "",
        amount_minor: parcel.price_minor,
        currency: &parcel.currency,
    });
}

fn own<'a>(turn: &'a mut Turn<'_>) -> Option<&'a mut Parcel> {
    let parcel = turn.book.parcels.get_mut(turn.asked.segment(2))?;
    (parcel.account == turn.account && parcel.parcel_id == turn.asked.segment(2)).then_some(parcel)
}

fn answer(parcel: &Parcel) -> Answer {
    Answer::json(200, &json!({ "ok": true, "parcel": parcel.to_json() }))
}

fn not_found() -> Answer {
    refused_with(404, "not_found", "no such parcel", "")
}
