//! The verbs of a PaymentIntent: create, read, confirm, capture, cancel.

use serde_json::Value;

use super::book::{Intent, Status, id};
use super::form::Form;
use super::moves::{self, Confirmed};
use super::{Turn, error, events, invalid, missing};
use crate::answer::Answer;
use crate::ledger::Effect;

/// In the smallest unit; less is not worth a charge.
const AMOUNT_MIN: i64 = 50;
const AMOUNT_MAX: i64 = 99_999_999;
const METADATA_KEYS_MAX: usize = 50;

const CREATE: [&str; 20] = [
    "amount",
    "automatic_payment_methods",
    "capture_method",
    "confirm",
    "confirmation_method",
    "currency",
    "customer",
    "description",
    "expand",
    "metadata",
    "off_session",
    "payment_method",
    "payment_method_data",
    "payment_method_options",
    "payment_method_types",
    "receipt_email",
    "return_url",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
];

pub(super) fn create(turn: &mut Turn<'_>) -> Answer {
    let (world, account) = (turn.world, turn.account.clone());
    let (intent, confirm) = match wanted(turn) {
        Ok(wanted) => wanted,
        Err(refusal) => return refusal,
    };
    let intent_id = intent.id.clone();
    turn.book.intents.put(&intent_id, &account, intent);
    moves::change(world, turn.book, &intent_id, "payment_intent.created", |_| {});
    if confirm {
        return confirmed(turn, &intent_id, "create_payment_intent");
    }
    answer(turn, &intent_id)
}

pub(super) fn get(turn: &mut Turn<'_>) -> Answer {
    let id = turn.asked.segment(2).to_owned();
    match own(turn, &id) {
        Some(_) => answer(turn, &id),
        None => missing("payment_intent", &id, "intent"),
    }
}

pub(super) fn confirm(turn: &mut Turn<'_>) -> Answer {
    let id = turn.asked.segment(2).to_owned();
    let known = [
        "payment_method",
        "return_url",
        "off_session",
        "expand",
        "payment_method_data",
        "payment_method_options",
    ];
    let form = match Form::read(turn.asked, &known) {
        Ok(form) => form,
        Err(refusal) => return refusal,
    };
    let key = turn.key.clone();
    let Some(intent) = own(turn, &id) else { return missing("payment_intent", &id, "intent") };
    let confirmable = matches!(
        intent.status,
        Status::RequiresPaymentMethod | Status::RequiresConfirmation | Status::RequiresAction
    );
    if !confirmable {
        return unexpected(intent, "confirm");
    }
    let method = match method(&form) {
        Ok(method) => method,
        Err(refusal) => return refusal,
    };
    if let Some(method) = method {
        intent.payment_method = Some(method);
    }
    if let Some(url) = form.get("return_url") {
        intent.return_url = Some(url.to_owned());
    }
    intent.key = key;
    confirmed(turn, &id, "confirm_payment_intent")
}

pub(super) fn capture(turn: &mut Turn<'_>) -> Answer {
    let id = turn.asked.segment(2).to_owned();
    let known = ["amount_to_capture", "metadata", "statement_descriptor", "expand"];
    let wanted = Form::read(turn.asked, &known).and_then(|form| form.number("amount_to_capture"));
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(refusal) => return refusal,
    };
    let (world, key) = (turn.world, turn.key.clone());
    let Some(intent) = own(turn, &id) else { return missing("payment_intent", &id, "intent") };
    if intent.status != Status::RequiresCapture {
        return unexpected(intent, "capture");
    }
    let amount = wanted.unwrap_or(intent.amount);
    if amount <= 0 || amount > intent.amount {
        let message = "The amount to capture is not between 1 and the amount that is capturable.";
        return invalid("amount_too_large", message, "amount_to_capture");
    }
    moves::take(world, turn.book, &id, amount, &key);
    answer(turn, &id)
}

pub(super) fn cancel(turn: &mut Turn<'_>) -> Answer {
    let id = turn.asked.segment(2).to_owned();
    let form = match Form::read(turn.asked, &["cancellation_reason", "expand"]) {
        Ok(form) => form,
        Err(refusal) => return refusal,
    };
    let reason = form.get("cancellation_reason");
    let reasons = ["duplicate", "fraudulent", "requested_by_customer", "abandoned"];
    if reason.is_some_and(|reason| !reasons.contains(&reason)) {
        return invalid("", "Invalid cancellation_reason", "cancellation_reason");
    }
    let reason = reason.map(str::to_owned);
    let (world, key) = (turn.world, turn.key.clone());
    let Some(intent) = own(turn, &id) else { return missing("payment_intent", &id, "intent") };
    match intent.status {
        Status::Succeeded | Status::Canceled | Status::Processing => return unexpected(intent, "cancel"),
        Status::RequiresCapture => moves::write_down(world, intent, Effect::Voided, intent.amount, &key),
        _ => {}
    }
    moves::change(world, turn.book, &id, "payment_intent.canceled", |intent| {
        intent.status = Status::Canceled;
        intent.cancellation_reason = reason;
    });
    answer(turn, &id)
}

/// Charges the card of an intent, and answers as the bank does.
fn confirmed(turn: &mut Turn<'_>, id: &str, operation: &str) -> Answer {
    let world = turn.world;
    let Some(intent) = own(turn, id) else { return missing("payment_intent", id, "intent") };
    if intent.payment_method.is_none() {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment method.";
        let mut body =
            super::error_body("invalid_request_error", "payment_intent_unexpected_state", message, "");
        body["payment_intent"] = intent.to_json();
        return Answer::json(400, &serde_json::json!({ "error": body }));
    }
    match moves::confirm(world, turn.book, id, operation) {
        Confirmed::Goes => answer(turn, id),
        Confirmed::Declined(mut why) => {
            why["payment_intent"] = turn.book.intents.get(id).map(Intent::to_json).unwrap_or(Value::Null);
            Answer::json(402, &serde_json::json!({ "error": why }))
        }
    }
}

fn wanted(turn: &Turn<'_>) -> Result<(Intent, bool), Answer> {
    let form = Form::read(turn.asked, &CREATE)?;
    let amount = form.number("amount")?;
    let amount =
        amount.ok_or_else(|| invalid("parameter_missing", "Missing required param: amount.", "amount"))?;
    let currency = form.get("currency").map(str::to_ascii_lowercase);
    let missing_currency = || invalid("parameter_missing", "Missing required param: currency.", "currency");
    let currency = currency.ok_or_else(missing_currency)?;
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Err(invalid("", &format!("Invalid currency: {currency}"), "currency"));
    }
    if amount < AMOUNT_MIN {
        return Err(invalid("amount_too_small", "The amount is below the minimum.", "amount"));
    }
    if amount > AMOUNT_MAX {
        return Err(invalid("amount_too_large", "The amount is above the maximum.", "amount"));
    }
    let manual = match form.get("capture_method") {
        None | Some("automatic" | "automatic_async") => false,
        Some("manual") => true,
        Some(_) => return Err(invalid("", "Invalid capture_method", "capture_method")),
    };
    let metadata = form.map("metadata");
    if metadata.len() > METADATA_KEYS_MAX {
        return Err(invalid("", "Metadata has at most 50 keys", "metadata"));
    }
    let (confirm, return_url) = (form.is_true("confirm"), form.get("return_url").map(str::to_owned));
    if return_url.is_some() && !confirm {
        let message = "return_url can only be set when confirm is true.";
        return Err(invalid("parameter_invalid", message, "return_url"));
    }
    let payment_method = method(&form)?;
    if confirm && payment_method.is_none() {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment method.";
        return Err(invalid("payment_intent_unexpected_state", message, "payment_method"));
    }
    let intent_id = id("pi");
    let intent = Intent {
        client_secret: format!("{intent_id}_secret_{}", uuid::Uuid::new_v4().simple()),
        authenticate_url: format!("{}/stripe/authenticate/{intent_id}", turn.asked.base_url()),
        id: intent_id,
        account: turn.account.clone(),
        status: match payment_method {
            Some(_) => Status::RequiresConfirmation,
            None => Status::RequiresPaymentMethod,
        },
        amount,
        amount_received: 0,
        amount_refunded: 0,
        amount_refunding: 0,
        currency,
        manual,
        description: form.get("description").map(str::to_owned),
        metadata,
        payment_method,
        return_url,
        latest_charge: None,
        cancellation_reason: None,
        last_payment_error: None,
        key: turn.key.clone(),
        created: turn.world.now(),
    };
    Ok((intent, confirm))
}

/// The card, if one is named; a token of another making is no card.
fn method(form: &Form) -> Result<Option<String>, Answer> {
    match form.get("payment_method") {
        Some(method) if !method.starts_with("pm_") => Err(missing("PaymentMethod", method, "payment_method")),
        method => Ok(method.map(str::to_owned)),
    }
}

fn own<'a>(turn: &'a mut Turn<'_>, id: &str) -> Option<&'a mut Intent> {
    let intent = turn.book.intents.get_mut(id)?;
    (intent.account == turn.account).then_some(intent)
}

fn answer(turn: &Turn<'_>, id: &str) -> Answer {
    match turn.book.intents.get(id) {
        Some(intent) => {
            Answer::json(200, &intent.to_json()).header("request-id", events::request_id(&turn.key))
        }
        None => missing("payment_intent", id, "intent"),
    }
}

fn unexpected(intent: &Intent, verb: &str) -> Answer {
    let message = format!(
        "This PaymentIntent could not be {verb}ed because it has a status of {}.",
        intent.status.name()
    );
    error(400, "invalid_request_error", "payment_intent_unexpected_state", &message, "")
}
