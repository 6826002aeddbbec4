//! Gives money back, in parts and never more than was taken.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::book::{Book, Refund, Status};
use super::{Turn, invalid, not_found, notification, read_amount};
use crate::answer::Answer;
use crate::fault::Fault;
use crate::ledger::{Deed, Effect};
use crate::lock;
use crate::system::System;
use crate::world::World;

pub(super) fn create(turn: &mut Turn<'_>) -> Answer {
    let world = turn.world;
    let refund = match wanted(turn) {
        Ok(refund) => refund,
        Err(refusal) => return refusal,
    };
    let id = refund.id.clone();
    if let Some(payment) = turn.book.payments.get_mut(&refund.payment_id) {
        payment.refunding_minor += refund.amount_minor;
    }
    turn.book.refunds.put(&id, &refund.payment_id.clone(), refund);
    let strikes = |fault| world.faults.strikes(System::Yookassa, fault, "create_refund");
    if strikes(Fault::LateFailure) {
        let id = id.clone();
        world.timers.at(world.now() + world.faults.settle(System::Yookassa), move |world| {
            end(world, &mut lock(&world.yookassa), &id, "canceled");
        });
    } else if !strikes(Fault::NeverFinishes) {
        end(world, turn.book, &id, "succeeded");
    }
    match turn.book.refunds.get(&id) {
        Some(refund) => Answer::json(200, &refund.to_json()),
        None => not_found("refund_id"),
    }
}

pub(super) fn get(turn: &mut Turn<'_>) -> Answer {
    let found = turn.book.refunds.get(turn.asked.segment(2));
    match found.filter(|refund| refund.shop == turn.shop) {
        Some(refund) => Answer::json(200, &refund.to_json()),
        None => not_found("refund_id"),
    }
}

pub(super) fn list(turn: &mut Turn<'_>) -> Answer {
    let Some(payment_id) = turn.asked.query("payment_id") else {
        return invalid("payment_id", "The simulator lists refunds of one payment");
    };
    let found = turn.book.refunds.labelled(payment_id).filter(|refund| refund.shop == turn.shop);
    let items: Vec<Value> = found.map(Refund::to_json).collect();
    Answer::json(200, &json!({ "type": "list", "items": items }))
}

fn wanted(turn: &Turn<'_>) -> Result<Refund, Answer> {
    let body = turn.asked.json().unwrap_or_default();
    let payment_id = body["payment_id"].as_str().unwrap_or_default();
    let payment = turn.book.payments.get(payment_id).filter(|payment| payment.shop == turn.shop);
    let payment = payment.ok_or_else(|| not_found("payment_id"))?;
    let amount = read_amount(&body["amount"]);
    let (amount_minor, currency) = amount.ok_or_else(|| invalid("amount", "A value such as \"100.00\""))?;
    if payment.status != Status::Succeeded {
        return Err(invalid("payment_id", "The payment has not succeeded"));
    }
    if currency != payment.currency || amount_minor > payment.refundable_minor() {
        return Err(invalid("amount", "Not more than is left of the payment, in its currency"));
    }
    Ok(Refund {
        id: Uuid::new_v4().to_string(),
        shop: turn.shop.clone(),
        payment_id: payment_id.to_owned(),
        status: "pending",
        amount_minor,
        currency,
        description: body["description"].as_str().unwrap_or_default().to_owned(),
        key: turn.key.clone(),
        created_at: turn.world.now(),
    })
}

fn end(world: &Arc<World>, book: &mut Book, id: &str, status: &'static str) {
    let Some(refund) = book.refunds.get_mut(id) else { return };
    let Some(payment) = book.payments.get_mut(&refund.payment_id) else { return };
    refund.status = status;
    payment.refunding_minor -= refund.amount_minor;
    if status == "succeeded" {
        payment.refunded_minor += refund.amount_minor;
        world.write_down(Deed {
            system: System::Yookassa,
            effect: Effect::Refunded,
            object: &refund.id,
            reference: payment.reference(),
            key: &refund.key,
            amount_minor: refund.amount_minor,
            currency: &refund.currency,
        });
        notification::tell_refund(world, refund);
    }
}
