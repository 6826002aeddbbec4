//! Opens payments, takes and releases their money.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};
use uuid::Uuid;

use super::book::{Confirmation, Course, Payment, Status};
use super::{Turn, invalid, not_found, notification, read_amount, receipts};
use crate::answer::Answer;
use crate::fault::Fault;
use crate::ledger::{Deed, Effect};
use crate::lock;
use crate::system::System;
use crate::world::World;

/// How long a buyer may take to confirm.
const CONFIRMED_WITHIN: TimeDelta = TimeDelta::hours(1);
/// How long money waits to be captured.
const CAPTURED_WITHIN: TimeDelta = TimeDelta::days(7);
const DESCRIPTION_CHARS_MAX: usize = 128;
const METADATA_KEYS_MAX: usize = 16;
const LIST_LIMIT_MAX: usize = 100;

pub(super) fn create(turn: &mut Turn<'_>) -> Answer {
    let (world, body) = (turn.world, turn.asked.json().unwrap_or_default());
    let payment = match wanted(turn, &body) {
        Ok(payment) => payment,
        Err(refusal) => return refusal,
    };
    let id = payment.id.clone();
    let asks_buyer = payment.confirmation.is_some();
    turn.book.payments.put(&id, &turn.shop, payment);
    let Some(payment) = turn.book.payments.get_mut(&id) else { return not_found("payment_id") };
    if asks_buyer {
        later(world, CONFIRMED_WITHIN, &id, Status::Pending, |world, payment| {
            cancel_for(world, payment, "yoo_money", "expired_on_confirmation");
        });
    } else {
        proceed(world, payment);
    }
    Answer::json(200, &payment.to_json())
}

pub(super) fn get(turn: &mut Turn<'_>) -> Answer {
    match own(turn) {
        Some(payment) => Answer::json(200, &payment.to_json()),
        None => not_found("payment_id"),
    }
}

/// Newest first, by pages. There is no way to ask by idempotence key or metadata.
pub(super) fn list(turn: &mut Turn<'_>) -> Answer {
    let limit = turn.asked.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(10);
    let limit: usize = limit;
    if !(1..=LIST_LIMIT_MAX).contains(&limit) {
        return invalid("limit", "1 to 100");
    }
    let since = turn.asked.query("created_at.gte").and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    let (status, cursor) = (turn.asked.query("status"), turn.asked.query("cursor"));
    let all = turn.book.payments.labelled(&turn.shop).rev();
    let mut page: Vec<&Payment> = all
        .skip_while(|payment| cursor.is_some_and(|cursor| payment.id != cursor))
        .filter(|payment| status.is_none_or(|status| payment.status.name() == status))
        .filter(|payment| since.is_none_or(|since| payment.created_at >= since))
        .take(limit + 1)
        .collect();
    let next = (page.len() > limit).then(|| page.pop().map(|payment| payment.id.clone())).flatten();
    let items: Vec<Value> = page.into_iter().map(Payment::to_json).collect();
    let mut body = json!({ "type": "list", "items": items });
    if let Some(next) = next {
        body["next_cursor"] = Value::from(next);
    }
    Answer::json(200, &body)
}

pub(super) fn capture(turn: &mut Turn<'_>) -> Answer {
    let (world, key) = (turn.world, turn.key.clone());
    let body = turn.asked.json().unwrap_or_default();
    let Some(payment) = own(turn) else { return not_found("payment_id") };
    if payment.status != Status::WaitingForCapture {
        return invalid("payment_id", "The payment is not waiting for capture");
    }
    let wanted = match &body["amount"] {
        Value::Null => Some((payment.amount_minor, payment.currency.clone())),
        amount => read_amount(amount),
    };
    let fits =
        |(minor, currency): &(i64, String)| *minor <= payment.amount_minor && *currency == payment.currency;
    let Some((minor, _)) = wanted.filter(fits) else {
        return invalid("amount", "Not more than was authorized, in the same currency");
    };
    take(world, payment, minor, &key);
    Answer::json(200, &payment.to_json())
}

pub(super) fn cancel(turn: &mut Turn<'_>) -> Answer {
    let (world, key) = (turn.world, turn.key.clone());
    let Some(payment) = own(turn) else { return not_found("payment_id") };
    match payment.status {
        Status::Canceled => {}
        Status::WaitingForCapture => {
            write_down(world, payment, Effect::Voided, payment.amount_minor, &key);
            cancel_for(world, payment, "merchant", "canceled_by_merchant");
        }
        Status::Pending | Status::Succeeded => {
            return invalid("payment_id", "Only a payment that waits for capture can be canceled");
        }
    }
    Answer::json(200, &payment.to_json())
}

/// The buyer has confirmed, or need not.
pub(super) fn proceed(world: &Arc<World>, payment: &mut Payment) {
    match payment.course {
        Course::Pays => pay(world, payment),
        Course::Declined => cancel_for(world, payment, "payment_network", "general_decline"),
        Course::DeclinedLater => {
            let wait = TimeDelta::from_std(world.faults.settle(System::Yookassa)).unwrap_or_default();
            later(world, wait, &payment.id, Status::Pending, |world, payment| {
                cancel_for(world, payment, "payment_network", "insufficient_funds");
            });
        }
        Course::Hangs => {}
    }
}

pub(super) fn cancel_for(
    world: &Arc<World>,
    payment: &mut Payment,
    party: &'static str,
    reason: &'static str,
) {
    payment.status = Status::Canceled;
    payment.cancellation = Some((party, reason));
    notification::tell_payment(world, payment);
}

fn pay(world: &Arc<World>, payment: &mut Payment) {
    if payment.capture {
        let key = payment.key.clone();
        return take(world, payment, payment.amount_minor, &key);
    }
    payment.status = Status::WaitingForCapture;
    payment.expires_at = Some(world.now() + CAPTURED_WITHIN);
    write_down(world, payment, Effect::Authorized, payment.amount_minor, &payment.key);
    notification::tell_payment(world, payment);
    later(world, CAPTURED_WITHIN, &payment.id, Status::WaitingForCapture, |world, payment| {
        write_down(world, payment, Effect::Voided, payment.amount_minor, "");
        cancel_for(world, payment, "yoo_money", "expired_on_capture");
    });
}

fn take(world: &Arc<World>, payment: &mut Payment, minor: i64, key: &str) {
    payment.status = Status::Succeeded;
    payment.captured_minor = minor;
    payment.captured_at = Some(world.now());
    write_down(world, payment, Effect::Captured, minor, key);
    receipts::register_of_payment(world, payment);
    notification::tell_payment(world, payment);
}

/// Does something to a payment later, if it still is as it was.
fn later(
    world: &Arc<World>,
    wait: TimeDelta,
    id: &str,
    still: Status,
    work: impl FnOnce(&Arc<World>, &mut Payment) + Send + 'static,
) {
    let id = id.to_owned();
    world.timers.at(world.now() + wait, move |world| {
        let mut book = lock(&world.yookassa);
        if let Some(payment) = book.payments.get_mut(&id).filter(|payment| payment.status == still) {
            work(world, payment);
        }
    });
}

fn write_down(world: &World, payment: &Payment, effect: Effect, amount_minor: i64, key: &str) {
    world.write_down(Deed {
        system: System::Yookassa,
        effect,
        object: &payment.id,
        reference: payment.reference(),
        key,
        amount_minor,
        currency: &payment.currency,
    });
}

fn wanted(turn: &Turn<'_>, body: &Value) -> Result<Payment, Answer> {
    let (world, now) = (turn.world, turn.world.now());
    let amount = read_amount(&body["amount"]);
    let (amount_minor, currency) = amount.ok_or_else(|| invalid("amount", "A value such as \"100.00\""))?;
    let capture = match &body["capture"] {
        Value::Null => false,
        Value::Bool(capture) => *capture,
        _ => return Err(invalid("capture", "true or false")),
    };
    let description = body["description"].as_str().unwrap_or_default().to_owned();
    if description.chars().count() > DESCRIPTION_CHARS_MAX {
        return Err(invalid("description", "At most 128 characters"));
    }
    let metadata = if body["metadata"].is_null() { json!({}) } else { body["metadata"].clone() };
    if metadata.as_object().is_none_or(|map| map.len() > METADATA_KEYS_MAX) {
        return Err(invalid("metadata", "At most 16 keys"));
    }
    let receipt = (!body["receipt"].is_null()).then(|| body["receipt"].clone());
    if let Some(receipt) = &receipt {
        receipts::check(receipt, amount_minor, &currency)?;
    }
    let id = Uuid::new_v4().to_string();
    let confirmation = confirmation(turn, body, &id)?;
    let strikes = |fault| world.faults.strikes(System::Yookassa, fault, "create_payment");
    let course = match (strikes(Fault::Decline), strikes(Fault::LateFailure), strikes(Fault::NeverFinishes)) {
        (true, _, _) => Course::Declined,
        (_, true, _) => Course::DeclinedLater,
        (_, _, true) => Course::Hangs,
        _ => Course::Pays,
    };
    Ok(Payment {
        id,
        shop: turn.shop.clone(),
        status: Status::Pending,
        amount_minor,
        captured_minor: 0,
        refunded_minor: 0,
        refunding_minor: 0,
        currency,
        capture,
        confirmation,
        course,
        description,
        metadata,
        cancellation: None,
        receipt_registration: receipt.as_ref().map(|_| "pending"),
        receipt,
        key: turn.key.clone(),
        created_at: now,
        captured_at: None,
        expires_at: None,
    })
}

/// Where the buyer confirms. Who shows a token or a saved method may go without, unless the bank insists.
fn confirmation(turn: &Turn<'_>, body: &Value, id: &str) -> Result<Option<Confirmation>, Answer> {
    let wanted = &body["confirmation"];
    let has_method = body["payment_token"].is_string() || body["payment_method_id"].is_string();
    let insists = turn.world.faults.strikes(System::Yookassa, Fault::ThreeDSecure, "create_payment");
    if wanted.is_null() && !has_method {
        return Err(invalid("confirmation", "Confirmation is needed"));
    }
    let return_url = wanted["return_url"].as_str().map(str::to_owned);
    match wanted["type"].as_str() {
        Some("redirect") if !return_url.as_deref().is_some_and(|url| url.starts_with("http")) => {
            return Err(invalid("confirmation.return_url", "A web address"));
        }
        Some("redirect" | "embedded") => {}
        None if wanted.is_null() => {}
        _ => return Err(invalid("confirmation.type", "redirect or embedded")),
    }
    if has_method && !insists {
        return Ok(None);
    }
    let kind = wanted["type"].as_str().unwrap_or("redirect").to_owned();
    let url = format!("{}/yookassa/checkout/{id}", turn.asked.base_url());
    Ok(Some(Confirmation { kind, url, return_url }))
}

fn own<'a>(turn: &'a mut Turn<'_>) -> Option<&'a mut Payment> {
    let payment = turn.book.payments.get_mut(turn.asked.segment(2))?;
    (payment.shop == turn.shop).then_some(payment)
}
