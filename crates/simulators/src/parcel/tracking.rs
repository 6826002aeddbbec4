//! Moves parcels along their way, and tells where they are.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::book::{Event, Parcel, State};
use super::{Turn, cargo, webhook};
use crate::answer::Answer;
use crate::fault::Fault;
use crate::ledger::{Deed, Effect};
use crate::lock;
use crate::parcels::{Move, Moved, Stuck, weigh};
use crate::system::System;
use crate::world::World;

const NUMBERS_MAX: usize = 50;
/// Events of one parcel; a parcel that moved more often moves no further.
const EVENTS_MAX: usize = 200;
/// How long a parcel waits at a branch or in a locker.
const STORED: TimeDelta = TimeDelta::days(5);

/// Code, text and place of everything that may befall a parcel.
const CODES: [(&str, &str, &str); 18] = [
    ("100", "Registered", ""),
    ("200", "Handed over to the carrier", "Київ"),
    ("300", "On the way", "Київ"),
    ("310", "At the sorting centre", "Київ, сортувальний центр"),
    ("400", "Arrived at the branch", "Відділення"),
    ("410", "Laid into the locker", "Поштомат"),
    ("500", "With the courier", ""),
    ("510", "Delivery attempt failed", ""),
    ("520", "Delayed", ""),
    ("530", "Held", ""),
    ("600", "Handed to the recipient", ""),
    ("610", "Handed to the recipient, cash taken", ""),
    ("620", "Cash transferred to the sender", ""),
    ("700", "Refused, returning to the sender", ""),
    ("710", "Storage ended, returning to the sender", ""),
    ("800", "Cancelled", ""),
    ("900", "Lost", ""),
    ("950", "A code that nobody has announced", ""),
];

pub(super) fn track(turn: &mut Turn<'_>) -> Answer {
    let body = turn.asked.json().unwrap_or_default();
    let numbers = body["numbers"].as_array().map(Vec::as_slice).unwrap_or_default();
    if numbers.is_empty() || numbers.len() > NUMBERS_MAX {
        return cargo::invalid("numbers", "1 to 50 numbers");
    }
    let mut numbers: Vec<&str> = numbers.iter().filter_map(Value::as_str).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let parcels: Vec<Value> = numbers.into_iter().map(|number| whereabouts(turn, number)).collect();
    Answer::json(200, &json!({ "ok": true, "parcels": parcels }))
}

/// Moves a parcel by hand.
pub(crate) fn advance(world: &Arc<World>, number: &str, step: &Move) -> Result<Moved, Stuck> {
    let mut book = lock(&world.parcel);
    let parcel = book.parcels.get_mut(number);
    let parcel = parcel.ok_or_else(|| Stuck::Unknown { number: number.to_owned() })?;
    let ended = || Stuck::Ended { number: number.to_owned(), code: parcel.code().to_owned() };
    let code = match &step.to {
        Some(code) => known(code)?,
        None => next(parcel).ok_or_else(ended)?,
    };
    if parcel.state != State::Registered || parcel.events.len() >= EVENTS_MAX {
        return Err(ended());
    }
    happen(world, parcel, code, &step.reason);
    Ok(Moved { system: System::Parcel, number: number.to_owned(), code: code.to_owned() })
}

/// Notes an event without telling it.
pub(super) fn note(world: &World, parcel: &mut Parcel, code: &str, reason: &str) {
    let Some((code, text, place)) = CODES.into_iter().find(|(known, _, _)| *known == code) else { return };
    let event_id = Uuid::new_v4().simple().to_string();
    let occur_time = world.now();
    parcel.events.push(Event { event_id, code, text, place, reason: reason.to_owned(), occur_time });
}

fn happen(world: &Arc<World>, parcel: &mut Parcel, code: &'static str, reason: &str) {
    note(world, parcel, code, reason);
    if parcel.weighed_grams.is_none() {
        parcel.weighed_grams = Some(weigh(world, System::Parcel, parcel.weight_grams));
    }
    let mut kind = "parcel.tracked";
    parcel.storage_until = None;
    match code {
        "400" | "410" => store(world, parcel),
        "610" => collect(world, parcel),
        "620" => {
            kind = "cod.transferred";
            if let Some(cod) = &mut parcel.cod {
                cod.transferred = true;
            }
        }
        _ => {}
    }
    let event = parcel.events.last().cloned();
    webhook::tell(world, parcel, kind, event.as_ref());
}

/// Keeps it until its time is over; then it goes back.
fn store(world: &Arc<World>, parcel: &mut Parcel) {
    let until = world.now() + STORED;
    parcel.storage_until = Some(until);
    let parcel_id = parcel.parcel_id.clone();
    world.timers.at(until, move |world| {
        let mut book = lock(&world.parcel);
        let waiting = book.parcels.get_mut(&parcel_id).filter(|parcel| parcel.storage_until == Some(until));
        if let Some(parcel) = waiting {
            happen(world, parcel, "710", "");
        }
    });
}

fn collect(world: &World, parcel: &mut Parcel) {
    let Some(cod) = parcel.cod.as_mut().filter(|cod| !cod.collected) else { return };
    cod.collected = true;
    world.write_down(Deed {
        system: System::Parcel,
        effect: Effect::CashCollected,
        object: parcel.tracking_number.as_deref().unwrap_or_default(),
        reference: &parcel.reference,
        key: "",
        amount_minor: cod.expected_minor,
        currency: &cod.currency,
    });
}

/// The next code on the way of a parcel that everything goes well with.
fn next(parcel: &Parcel) -> Option<&'static str> {
    let locker = parcel.label.get(1).is_some_and(|kind| kind == "locker");
    match parcel.code() {
        "100" => Some("200"),
        "200" => Some("300"),
        "300" => Some("310"),
        "310" if locker => Some("410"),
        "310" if parcel.service == "point" => Some("400"),
        "310" | "510" | "520" | "530" => Some("500"),
        "400" | "410" | "500" if parcel.cod.is_some() => Some("610"),
        "400" | "410" | "500" => Some("600"),
        "610" => Some("620"),
        _ => None,
    }
}

fn known(code: &str) -> Result<&'static str, Stuck> {
    let found = CODES.iter().find(|(known, _, _)| *known == code && !["100", "800"].contains(known));
    found.map(|(code, _, _)| *code).ok_or_else(|| Stuck::NoSuchCode { code: code.to_owned() })
}

fn whereabouts(turn: &Turn<'_>, number: &str) -> Value {
    let found = turn.book.parcels.get(number);
    let own = found
        .filter(|parcel| parcel.account == turn.account && parcel.tracking_number.as_deref() == Some(number));
    let Some(parcel) = own else { return json!({ "tracking_number": number, "found": false, "events": [] }) };
    let as_text = parcel.weighed_grams.is_some()
        && turn.world.faults.strikes(System::Parcel, Fault::WeightAsText, "track");
    let weighed = match parcel.weighed_grams {
        Some(grams) if as_text => Value::from(format!("{grams} g")),
        grams => Value::from(grams),
    };
    let events: Vec<Value> = parcel.events.iter().map(Event::to_json).collect();
    json!({
        "tracking_number": number,
        "found": true,
        "events": events,
        "storage_until_time": parcel.storage_json(),
        "cod": parcel.cod_json(),
        "weighed_grams": weighed,
    })
}
