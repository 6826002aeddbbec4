//! Gives money back to cards, many times and in parts, never more than was taken.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::book::label;
use super::charge::{Refund, RefundStatus, Status};
use super::{Turn, error, invalid, not_found, webhook};
use crate::answer::Answer;
use crate::card::Book;
use crate::fault::Fault;
use crate::ledger::{Deed, Effect};
use crate::system::System;
use crate::world::World;
use crate::{lock, money};

pub(super) fn create(turn: &mut Turn<'_>) -> Answer {
    let world = turn.world;
    let refund = match wanted(turn) {
        Ok(refund) => refund,
        Err(refusal) => return refusal,
    };
    let refund_id = refund.refund_id.clone();
    if let Some(charge) = turn.book.charges.get_mut(&refund.charge_id) {
        charge.refunding_minor += refund.amount_minor;
    }
    turn.book.refunds.put(&refund_id, &label(&turn.account, &refund.reference), refund);

    let strikes = |fault| world.faults.strikes(System::Card, fault, "create_refund");
    if strikes(Fault::LateFailure) {
        settle(world, &refund_id, RefundStatus::Failed);
    } else if !strikes(Fault::NeverFinishes) {
        end(world, turn.book, &refund_id, RefundStatus::Succeeded);
    }
    match turn.book.refunds.get(&refund_id) {
        Some(refund) => Answer::json(201, &refund.to_json()),
        None => not_found(),
    }
}

pub(super) fn find(turn: &mut Turn<'_>) -> Answer {
    let Some(reference) = turn.asked.query("reference") else { return invalid("reference", "is needed") };
    let found: Vec<Value> =
        turn.book.refunds.labelled(&label(&turn.account, reference)).map(Refund::to_json).collect();
    Answer::json(200, &json!({ "refunds": found }))
}

pub(super) fn get(turn: &mut Turn<'_>) -> Answer {
    let found = turn.book.refunds.get(turn.asked.segment(2));
    match found.filter(|refund| refund.account == turn.account) {
        Some(refund) => Answer::json(200, &refund.to_json()),
        None => not_found(),
    }
}

fn wanted(turn: &Turn<'_>) -> Result<Refund, Answer> {
    let body = turn.asked.json().ok_or_else(|| invalid("", "the body is not JSON"))?;
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let reference = text("reference");
    if reference.is_empty() {
        return Err(invalid("reference", "is needed"));
    }
    if turn.book.refunds.labelled(&label(&turn.account, &reference)).next().is_some() {
        return Err(invalid("reference", "it names another refund"));
    }
    let amount_minor = body["amount_minor"].as_i64().filter(money::is_sum);
    let amount_minor = amount_minor.ok_or_else(|| invalid("amount_minor", "a whole number above 0"))?;
    let charge_id = text("charge_id");
    let charge = turn.book.charges.get(&charge_id).filter(|charge| charge.account == turn.account);
    let charge = charge.ok_or_else(not_found)?;
    if text("currency") != charge.currency {
        return Err(invalid("currency", "that of the charge"));
    }
    if charge.status != Status::Captured {
        return Err(error(409, "not_captured", "nothing was taken", ""));
    }
    if amount_minor > charge.refundable_minor() {
        let message = format!("{} is left of what was captured", charge.refundable_minor());
        return Err(error(409, "refund_exceeds_captured", &message, "amount_minor"));
    }
    Ok(Refund {
        refund_id: format!("crf_{}", Uuid::new_v4().simple()),
        account: turn.account.clone(),
        reference,
        charge_id,
        status: RefundStatus::Pending,
        sequence: 1,
        amount_minor,
        currency: charge.currency.clone(),
        decline: None,
        key: turn.key.clone(),
        create_time: turn.world.now(),
    })
}

/// Ends a pending refund a while later.
fn settle(world: &Arc<World>, refund_id: &str, status: RefundStatus) {
    let refund_id = refund_id.to_owned();
    world.timers.at(world.now() + world.faults.settle(System::Card), move |world| {
        end(world, &mut lock(&world.card), &refund_id, status);
    });
}

fn end(world: &Arc<World>, book: &mut Book, refund_id: &str, status: RefundStatus) {
    let Some(refund) = book.refunds.get_mut(refund_id) else { return };
    let Some(charge) = book.charges.get_mut(&refund.charge_id) else { return };
    refund.status = status;
    refund.sequence += 1;
    charge.refunding_minor -= refund.amount_minor;
    if status == RefundStatus::Succeeded {
        charge.refunded_minor += refund.amount_minor;
        charge.sequence += 1;
        world.write_down(Deed {
            system: System::Card,
            effect: Effect::Refunded,
            object: &refund.refund_id,
            reference: &refund.reference,
            key: &refund.key,
            amount_minor: refund.amount_minor,
            currency: &refund.currency,
        });
    } else {
        refund.decline = Some("account_closed");
    }
    webhook::tell_refund(world, refund);
}
