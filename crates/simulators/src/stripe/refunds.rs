//! Gives money back, in parts and never more than was taken.

use std::sync::Arc;

use serde_json::Value;

use super::book::{Book, Refund, id};
use super::form::Form;
use super::{Turn, events, invalid, limit, missing, page_of};
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
    let refund_id = refund.id.clone();
    if let Some(intent) = turn.book.intents.get_mut(&refund.intent) {
        intent.amount_refunding += refund.amount;
    }
    turn.book.refunds.put(&refund_id, &refund.intent.clone(), refund);
    let strikes = |fault| world.faults.strikes(System::Stripe, fault, "create_refund");
    if strikes(Fault::LateFailure) {
        let later = refund_id.clone();
        world.timers.at(world.now() + world.faults.settle(System::Stripe), move |world| {
            end(world, &mut lock(&world.stripe), &later, "failed");
        });
    } else if !strikes(Fault::NeverFinishes) {
        end(world, turn.book, &refund_id, "succeeded");
    }
    match turn.book.refunds.get(&refund_id) {
        Some(refund) => Answer::json(200, &refund.to_json()),
        None => missing("refund", &refund_id, "id"),
    }
}

pub(super) fn get(turn: &mut Turn<'_>) -> Answer {
    let id = turn.asked.segment(2);
    match turn.book.refunds.get(id).filter(|refund| refund.account == turn.account) {
        Some(refund) => Answer::json(200, &refund.to_json()),
        None => missing("refund", id, "id"),
    }
}

/// Newest first.
pub(super) fn list(turn: &mut Turn<'_>) -> Answer {
    let Some(intent) = turn.asked.query("payment_intent") else {
        return invalid(
            "parameter_missing",
            "The simulator lists refunds of one payment_intent.",
            "payment_intent",
        );
    };
    let limit = limit(turn.asked);
    let own = |refund: &&Refund| refund.account == turn.account;
    let found = turn.book.refunds.labelled(intent).rev().filter(own).map(Refund::to_json);
    let mut items: Vec<Value> = found.take(limit + 1).collect();
    let has_more = items.len() > limit;
    items.truncate(limit);
    page_of(items, has_more, "/v1/refunds")
}

fn wanted(turn: &Turn<'_>) -> Result<Refund, Answer> {
    let known = ["payment_intent", "charge", "amount", "reason", "metadata", "expand"];
    let form = Form::read(turn.asked, &known)?;
    let intent_id = form.get("payment_intent").ok_or_else(|| {
        let message = "One of the following params should be provided: payment_intent.";
        invalid("parameter_missing", message, "payment_intent")
    })?;
    let intent = turn.book.intents.get(intent_id).filter(|intent| intent.account == turn.account);
    let intent = intent.ok_or_else(|| missing("payment_intent", intent_id, "payment_intent"))?;
    let reason = form.get("reason");
    if reason.is_some_and(|reason| !["duplicate", "fraudulent", "requested_by_customer"].contains(&reason)) {
        return Err(invalid("", "Invalid reason", "reason"));
    }
    if intent.amount_received == 0 {
        let message = format!("PaymentIntent {intent_id} does not have a successful charge to refund.");
        return Err(invalid("", &message, "payment_intent"));
    }
    if intent.refundable() == 0 {
        return Err(invalid("charge_already_refunded", "The charge has already been refunded.", ""));
    }
    let amount = form.number("amount")?.unwrap_or_else(|| intent.refundable());
    if amount <= 0 || amount > intent.refundable() {
        let message = format!("Refund amount ({amount}) is greater than unrefunded amount on charge.");
        return Err(invalid("amount_too_large", &message, "amount"));
    }
    Ok(Refund {
        id: id("re"),
        account: turn.account.clone(),
        intent: intent_id.to_owned(),
        charge: intent.latest_charge.clone().unwrap_or_default(),
        status: "pending",
        amount,
        currency: intent.currency.clone(),
        reason: reason.map(str::to_owned),
        metadata: form.map("metadata"),
        key: turn.key.clone(),
        created: turn.world.now(),
    })
}

fn end(world: &Arc<World>, book: &mut Book, refund_id: &str, status: &'static str) {
    let Some(refund) = book.refunds.get_mut(refund_id) else { return };
    let Some(intent) = book.intents.get_mut(&refund.intent) else { return };
    refund.status = status;
    intent.amount_refunding -= refund.amount;
    let refund = refund.clone();
    if status == "failed" {
        return events::tell(
            world,
            book,
            &refund.account,
            &refund.key,
            "refund.failed",
            refund.to_json(),
            None,
        );
    }
    intent.amount_refunded += refund.amount;
    world.write_down(Deed {
        system: System::Stripe,
        effect: Effect::Refunded,
        object: &refund.id,
        reference: intent.reference(),
        key: &refund.key,
        amount_minor: refund.amount,
        currency: &refund.currency.to_ascii_uppercase(),
    });
    let charge = intent.charge_json();
    events::tell(world, book, &refund.account, &refund.key, "charge.refunded", charge, None);
    events::tell(world, book, &refund.account, &refund.key, "refund.updated", refund.to_json(), None);
}
