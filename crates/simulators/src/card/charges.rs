//! Takes, reserves, finds, captures and releases money on cards.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::book::label;
use super::charge::{Capture, Charge, Status};
use super::{Turn, error, invalid, not_found, webhook};
use crate::answer::Answer;
use crate::fault::Fault;
use crate::ledger::{Deed, Effect};
use crate::system::System;
use crate::world::World;
use crate::{lock, money};

/// How long a buyer may take on the page.
const ABANDONED_AFTER: TimeDelta = TimeDelta::hours(1);
/// How long money stays reserved.
const RELEASED_AFTER: TimeDelta = TimeDelta::days(7);
const REFERENCE_CHARS_MAX: usize = 100;

/// What becomes of a charge right away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Pays,
    Declined(&'static str),
    Page,
    PaysLater,
    DeclinedLater(&'static str),
    Hangs,
}

pub(super) fn create(turn: &mut Turn<'_>) -> Answer {
    let now = turn.world.now();
    let wanted = match wanted(turn, now) {
        Ok(wanted) => wanted,
        Err(refusal) => return refusal,
    };
    let course = course(turn.world, &wanted.token);
    let charge_id = wanted.charge.charge_id.clone();
    let label = label(&turn.account, &wanted.charge.reference);
    turn.book.charges.put(&charge_id, &label, wanted.charge);
    let Some(charge) = turn.book.charges.get_mut(&charge_id) else { return not_found() };
    match course {
        Course::Pays => pay(turn.world, charge),
        Course::Declined(code) => fail(turn.world, charge, code),
        Course::Page => require_action(turn.world, charge),
        Course::PaysLater => settle(turn.world, &charge_id, pay),
        Course::DeclinedLater(code) => {
            settle(turn.world, &charge_id, move |world, charge| fail(world, charge, code));
        }
        Course::Hangs => {}
    }
    Answer::json(201, &charge.to_json())
}

pub(super) fn find(turn: &mut Turn<'_>) -> Answer {
    let Some(reference) = turn.asked.query("reference") else { return invalid("reference", "is needed") };
    let found: Vec<Value> =
        turn.book.charges.labelled(&label(&turn.account, reference)).map(Charge::to_json).collect();
    Answer::json(200, &json!({ "charges": found }))
}

pub(super) fn get(turn: &mut Turn<'_>) -> Answer {
    match own(turn) {
        Some(charge) => Answer::json(200, &charge.to_json()),
        None => not_found(),
    }
}

pub(super) fn capture(turn: &mut Turn<'_>) -> Answer {
    let (world, key) = (turn.world, turn.key.clone());
    let body = turn.asked.json().unwrap_or_default();
    let Some(charge) = own(turn) else { return not_found() };
    let Some(amount_minor) = body["amount_minor"].as_i64().filter(money::is_sum) else {
        return invalid("amount_minor", "a whole number above 0");
    };
    if body["currency"] != charge.currency.as_str() {
        return invalid("currency", "that of the charge");
    }
    match charge.status {
        Status::Authorized => {}
        Status::Captured => return error(409, "already_captured", "it is captured already", ""),
        _ => return error(409, "not_authorized", "there is no reserved sum", ""),
    }
    if amount_minor > charge.amount_minor {
        return error(409, "amount_too_large", "more than is reserved", "amount_minor");
    }
    charge.captured_minor = amount_minor;
    write_down(world, charge, Effect::Captured, amount_minor, &key);
    change(world, charge, Status::Captured);
    Answer::json(200, &charge.to_json())
}

pub(super) fn void(turn: &mut Turn<'_>) -> Answer {
    let (world, key) = (turn.world, turn.key.clone());
    let Some(charge) = own(turn) else { return not_found() };
    match charge.status {
        Status::Voided => {}
        Status::Authorized => {
            write_down(world, charge, Effect::Voided, charge.amount_minor, &key);
            change(world, charge, Status::Voided);
        }
        Status::RequiresAction | Status::Pending => change(world, charge, Status::Voided),
        Status::Captured => return error(409, "already_captured", "give the money back instead", ""),
        Status::Failed => return error(409, "not_authorized", "there is no reserved sum", ""),
    }
    Answer::json(200, &charge.to_json())
}

/// The buyer has confirmed, or nobody needed to.
pub(super) fn pay(world: &Arc<World>, charge: &mut Charge) {
    match charge.capture {
        Capture::AtOnce => {
            charge.captured_minor = charge.amount_minor;
            write_down(world, charge, Effect::Captured, charge.amount_minor, &charge.key);
            change(world, charge, Status::Captured);
        }
        Capture::Later => {
            write_down(world, charge, Effect::Authorized, charge.amount_minor, &charge.key);
            change(world, charge, Status::Authorized);
            later(world, RELEASED_AFTER, &charge.charge_id, Status::Authorized, |world, charge| {
                write_down(world, charge, Effect::Voided, charge.amount_minor, "");
                change(world, charge, Status::Voided);
            });
        }
    }
}

pub(super) fn fail(world: &Arc<World>, charge: &mut Charge, code: &'static str) {
    charge.decline = Some(code);
    change(world, charge, Status::Failed);
}

fn require_action(world: &Arc<World>, charge: &mut Charge) {
    change(world, charge, Status::RequiresAction);
    later(world, ABANDONED_AFTER, &charge.charge_id, Status::RequiresAction, |world, charge| {
        fail(world, charge, "abandoned");
    });
}

/// Ends a pending charge a while later.
fn settle(world: &Arc<World>, charge_id: &str, end: impl FnOnce(&Arc<World>, &mut Charge) + Send + 'static) {
    let wait = TimeDelta::from_std(world.faults.settle(System::Card)).unwrap_or_default();
    later(world, wait, charge_id, Status::Pending, end);
}

/// Does something to a charge later, if it still is as it was.
fn later(
    world: &Arc<World>,
    wait: TimeDelta,
    charge_id: &str,
    still: Status,
    work: impl FnOnce(&Arc<World>, &mut Charge) + Send + 'static,
) {
    let charge_id = charge_id.to_owned();
    world.timers.at(world.now() + wait, move |world| {
        let mut book = lock(&world.card);
        if let Some(charge) = book.charges.get_mut(&charge_id).filter(|charge| charge.status == still) {
            work(world, charge);
        }
    });
}

/// Every change of a charge passes here: it counts, and is told.
fn change(world: &Arc<World>, charge: &mut Charge, status: Status) {
    charge.status = status;
    charge.sequence += 1;
    webhook::tell_charge(world, charge);
}

fn write_down(world: &World, charge: &Charge, effect: Effect, amount_minor: i64, key: &str) {
    world.write_down(Deed {
        system: System::Card,
        effect,
        object: &charge.charge_id,
        reference: &charge.reference,
        key,
        amount_minor,
        currency: &charge.currency,
    });
}

struct Wanted {
    charge: Charge,
    token: String,
}

fn wanted(turn: &Turn<'_>, now: DateTime<Utc>) -> Result<Wanted, Answer> {
    let body = turn.asked.json().ok_or_else(|| invalid("", "the body is not JSON"))?;
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let reference = text("reference");
    if reference.is_empty() || reference.chars().count() > REFERENCE_CHARS_MAX {
        return Err(invalid("reference", "1 to 100 characters"));
    }
    let amount_minor = body["amount_minor"].as_i64().filter(money::is_sum);
    let amount_minor = amount_minor.ok_or_else(|| invalid("amount_minor", "a whole number above 0"))?;
    let currency = text("currency");
    if !money::is_currency(&currency) {
        return Err(invalid("currency", "three capital letters"));
    }
    if currency == "XTS" || currency == "XXX" {
        return Err(error(400, "currency_not_supported", "no such money is taken", "currency"));
    }
    let capture = body["capture"].as_bool().ok_or_else(|| invalid("capture", "true or false"))?;
    let valid_until = DateTime::parse_from_rfc3339(&text("valid_until_time"));
    let valid_until = valid_until.map_err(|_| invalid("valid_until_time", "a time after RFC 3339"))?;
    let return_url = body["return_url"].as_str().filter(|url| !url.is_empty()).map(str::to_owned);
    if return_url.as_deref().is_some_and(|url| !is_web_address(url)) {
        return Err(invalid("return_url", "begins with http:// or https://"));
    }
    if valid_until < now {
        return Err(error(410, "expired", "it came after its time and is never carried out", ""));
    }
    if turn.book.charges.labelled(&label(&turn.account, &reference)).next().is_some() {
        return Err(invalid("reference", "it names another charge"));
    }
    let charge_id = format!("chg_{}", Uuid::new_v4().simple());
    let charge = Charge {
        redirect_url: Some(format!("{}/card/pay/{charge_id}", turn.asked.base_url())),
        charge_id,
        account: turn.account.clone(),
        reference,
        status: Status::Pending,
        sequence: 1,
        amount_minor,
        captured_minor: 0,
        refunded_minor: 0,
        refunding_minor: 0,
        currency,
        capture: if capture { Capture::AtOnce } else { Capture::Later },
        return_url,
        description: text("description"),
        decline: None,
        key: turn.key.clone(),
        create_time: now,
    };
    Ok(Wanted { charge, token: text("payment_token") })
}

/// What the token says, unless a fault strikes.
fn course(world: &World, token: &str) -> Course {
    let strikes = |fault| world.faults.strikes(System::Card, fault, "create_charge");
    if strikes(Fault::Decline) {
        return Course::Declined("card_declined");
    }
    if strikes(Fault::ThreeDSecure) {
        return Course::Page;
    }
    if strikes(Fault::LateFailure) {
        return Course::DeclinedLater("card_declined");
    }
    if strikes(Fault::NeverFinishes) {
        return Course::Hangs;
    }
    match token {
        "" | "tok_3ds" => Course::Page,
        "tok_declined" => Course::Declined("card_declined"),
        "tok_insufficient" => Course::Declined("insufficient_funds"),
        "tok_pending" => Course::PaysLater,
        "tok_pending_declined" => Course::DeclinedLater("card_declined"),
        "tok_no_acquirer" => Course::Declined("acquirer_unavailable"),
        _ => Course::Pays,
    }
}

fn own<'a>(turn: &'a mut Turn<'_>) -> Option<&'a mut Charge> {
    let charge = turn.book.charges.get_mut(turn.asked.segment(2))?;
    (charge.account == turn.account).then_some(charge)
}

fn is_web_address(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}
