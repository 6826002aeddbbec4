//! How an intent gets from state to state, and who is told.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::Value;

use super::book::{Book, Intent, Status, id};
use super::{error_body, events};
use crate::fault::Fault;
use crate::ledger::{Deed, Effect};
use crate::lock;
use crate::system::System;
use crate::world::World;

/// How long money stays reserved.
const CAPTURED_WITHIN: TimeDelta = TimeDelta::days(7);

/// What came of a confirmation.
pub(super) enum Confirmed {
    /// It goes on, or is done.
    Goes,
    /// The bank said no; why.
    Declined(Value),
}

/// What the bank does with a card.
enum Bank {
    Pays,
    Asks,
    Declines(&'static str, &'static str),
    DeclinesLater,
    Hangs,
}

/// Charges the card.
pub(super) fn confirm(world: &Arc<World>, book: &mut Book, intent_id: &str, operation: &str) -> Confirmed {
    let method = book.intents.get(intent_id).and_then(|intent| intent.payment_method.clone());
    let method = method.unwrap_or_default();
    match bank(world, &method, operation) {
        Bank::Pays => pay(world, book, intent_id),
        Bank::Asks => {
            change(world, book, intent_id, "payment_intent.requires_action", |intent| {
                intent.status = Status::RequiresAction;
            });
        }
        Bank::Declines(code, decline_code) => {
            return Confirmed::Declined(decline(world, book, intent_id, code, decline_code));
        }
        Bank::DeclinesLater => {
            process(world, book, intent_id);
            let later = intent_id.to_owned();
            world.timers.at(world.now() + world.faults.settle(System::Stripe), move |world| {
                let book = &mut *lock(&world.stripe);
                if is(book, &later, Status::Processing) {
                    decline(world, book, &later, "card_declined", "generic_decline");
                }
            });
        }
        Bank::Hangs => process(world, book, intent_id),
    }
    Confirmed::Goes
}

/// The bank says yes.
pub(super) fn pay(world: &Arc<World>, book: &mut Book, intent_id: &str) {
    let Some(intent) = book.intents.get_mut(intent_id) else { return };
    intent.latest_charge = Some(id("ch"));
    intent.last_payment_error = None;
    if !intent.manual {
        let (amount, key) = (intent.amount, intent.key.clone());
        return take(world, book, intent_id, amount, &key);
    }
    write_down(world, intent, Effect::Authorized, intent.amount, &intent.key);
    change(world, book, intent_id, "payment_intent.amount_capturable_updated", |intent| {
        intent.status = Status::RequiresCapture;
    });
    let later = intent_id.to_owned();
    world.timers.at(world.now() + CAPTURED_WITHIN, move |world| {
        let book = &mut *lock(&world.stripe);
        let Some(intent) = book.intents.get(&later).filter(|intent| intent.status == Status::RequiresCapture)
        else {
            return;
        };
        write_down(world, intent, Effect::Voided, intent.amount, "");
        change(world, book, &later, "payment_intent.canceled", |intent| {
            intent.status = Status::Canceled;
            intent.cancellation_reason = Some("automatic".to_owned());
        });
    });
}

/// Takes money that may be taken.
pub(super) fn take(world: &Arc<World>, book: &mut Book, intent_id: &str, amount: i64, key: &str) {
    let Some(intent) = book.intents.get_mut(intent_id) else { return };
    intent.amount_received = amount;
    write_down(world, intent, Effect::Captured, amount, key);
    change(world, book, intent_id, "payment_intent.succeeded", |intent| intent.status = Status::Succeeded);
}

/// The bank says no; the error that says so.
pub(super) fn decline(
    world: &Arc<World>,
    book: &mut Book,
    intent_id: &str,
    code: &str,
    decline_code: &str,
) -> Value {
    let message = match code {
        "payment_intent_authentication_failure" => "We are unable to authenticate your payment method.",
        _ => "Your card was declined.",
    };
    let mut why = error_body("card_error", code, message, "");
    if !decline_code.is_empty() {
        why["decline_code"] = Value::from(decline_code);
    }
    let told = why.clone();
    change(world, book, intent_id, "payment_intent.payment_failed", |intent| {
        intent.status = Status::RequiresPaymentMethod;
        intent.payment_method = None;
        intent.last_payment_error = Some(told);
    });
    why
}

/// Every change of an intent passes here, and is told.
pub(super) fn change(
    world: &Arc<World>,
    book: &mut Book,
    intent_id: &str,
    event: &str,
    change: impl FnOnce(&mut Intent),
) {
    let Some(intent) = book.intents.get_mut(intent_id) else { return };
    change(intent);
    let (account, key) = (intent.account.clone(), intent.key.clone());
    let mut lie = intent.clone();
    lie.status = Status::Succeeded;
    lie.amount_received = lie.amount;
    let (told, lie) = (intent.to_json(), ("payment_intent.succeeded", lie.to_json()));
    events::tell(world, book, &account, &key, event, told, Some(lie));
}

pub(super) fn write_down(world: &World, intent: &Intent, effect: Effect, amount: i64, key: &str) {
    world.write_down(Deed {
        system: System::Stripe,
        effect,
        object: &intent.id,
        reference: intent.reference(),
        key,
        amount_minor: amount,
        currency: &intent.currency.to_ascii_uppercase(),
    });
}

fn process(world: &Arc<World>, book: &mut Book, intent_id: &str) {
    change(world, book, intent_id, "payment_intent.processing", |intent| intent.status = Status::Processing);
}

pub(super) fn is(book: &Book, intent_id: &str, status: Status) -> bool {
    book.intents.get(intent_id).is_some_and(|intent| intent.status == status)
}

/// What the test card says, unless a fault strikes; any other card is a good one.
fn bank(world: &World, method: &str, operation: &str) -> Bank {
    let strikes = |fault| world.faults.strikes(System::Stripe, fault, operation);
    if strikes(Fault::Decline) {
        return Bank::Declines("card_declined", "generic_decline");
    }
    if strikes(Fault::ThreeDSecure) {
        return Bank::Asks;
    }
    if strikes(Fault::LateFailure) {
        return Bank::DeclinesLater;
    }
    if strikes(Fault::NeverFinishes) {
        return Bank::Hangs;
    }
    match method {
        "pm_card_chargeDeclined" | "pm_card_visa_chargeDeclined" => {
            Bank::Declines("card_declined", "generic_decline")
        }
        "pm_card_chargeDeclinedInsufficientFunds" | "pm_card_visa_chargeDeclinedInsufficientFunds" => {
            Bank::Declines("card_declined", "insufficient_funds")
        }
        "pm_card_chargeDeclinedExpiredCard" => Bank::Declines("expired_card", ""),
        "pm_card_authenticationRequired" | "pm_card_threeDSecure2Required" => Bank::Asks,
        _ => Bank::Pays,
    }
}
