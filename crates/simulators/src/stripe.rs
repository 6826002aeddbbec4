//! Stripe: PaymentIntents, refunds, webhook endpoints and events.
//!
//! Seen in official documents: the states of an intent, `Idempotency-Key` and its replay, `Stripe-Signature`, delivery at least
//! once and in no order for up to three days, form-encoded requests, the shape of errors. From memory: the texts of messages
//! and the delay of search. Unlike the vendor, a server error is not kept under its key. Any key that begins with `sk_test_` is an account; cards are the test payment methods `pm_card_…`.

mod book;
mod endpoints;
mod events;
mod form;
mod intents;
mod moves;
mod page;
mod refunds;
mod search;

use std::sync::Arc;

use serde_json::{Value, json};

pub(crate) use self::book::Book;
use crate::answer::Answer;
use crate::asked::Asked;
use crate::fault::Fault;
use crate::keys::Known;
use crate::lock;
use crate::system::System;
use crate::vendor::{Face, Operation, Vendor, page as browser_page, read, write};
use crate::world::World;

pub(crate) const VENDOR: Vendor =
    Vendor { system: System::Stripe, operation, face, is_full: |world| lock(&world.stripe).is_full() };

const KEY_CHARS_MAX: usize = 255;

fn operation(asked: &Asked) -> Option<Operation> {
    let (method, path) = asked.route();
    match (method, path.as_slice()) {
        ("POST", ["v1", "payment_intents"]) => write("create_payment_intent", |world, asked| {
            once(world, asked, "create_payment_intent", intents::create)
        }),
        ("GET", ["v1", "payment_intents"]) => {
            read("list_payment_intents", |world, asked| signed_in(world, asked, search::list))
        }
        ("GET", ["v1", "payment_intents", "search"]) => {
            read("search_payment_intents", |world, asked| signed_in(world, asked, search::search))
        }
        ("GET", ["v1", "payment_intents", _]) => {
            read("get_payment_intent", |world, asked| signed_in(world, asked, intents::get))
        }
        ("POST", ["v1", "payment_intents", _, "confirm"]) => {
            write("confirm_payment_intent", |world, asked| {
                once(world, asked, "confirm_payment_intent", intents::confirm)
            })
        }
        ("POST", ["v1", "payment_intents", _, "capture"]) => {
            write("capture_payment_intent", |world, asked| {
                once(world, asked, "capture_payment_intent", intents::capture)
            })
        }
        ("POST", ["v1", "payment_intents", _, "cancel"]) => write("cancel_payment_intent", |world, asked| {
            once(world, asked, "cancel_payment_intent", intents::cancel)
        }),
        ("POST", ["v1", "refunds"]) => {
            write("create_refund", |world, asked| once(world, asked, "create_refund", refunds::create))
        }
        ("GET", ["v1", "refunds"]) => {
            read("list_refunds", |world, asked| signed_in(world, asked, refunds::list))
        }
        ("GET", ["v1", "refunds", _]) => {
            read("get_refund", |world, asked| signed_in(world, asked, refunds::get))
        }
        ("POST", ["v1", "webhook_endpoints"]) => write("create_webhook_endpoint", |world, asked| {
            once(world, asked, "create_webhook_endpoint", endpoints::create)
        }),
        ("DELETE", ["v1", "webhook_endpoints", _]) => {
            write("delete_webhook_endpoint", |world, asked| signed_in(world, asked, endpoints::delete))
        }
        ("GET", ["v1", "events"]) => {
            read("list_events", |world, asked| signed_in(world, asked, events::list))
        }
        ("GET", ["v1", "events", _]) => {
            read("get_event", |world, asked| signed_in(world, asked, events::get))
        }
        ("GET", ["authenticate", _]) => browser_page("show_page", page::show),
        ("POST", ["authenticate", _]) => browser_page("end_page", page::end),
        _ => None,
    }
}

/// A call of an account.
pub(super) struct Turn<'a> {
    pub world: &'a Arc<World>,
    pub asked: &'a Asked,
    pub account: String,
    pub key: String,
    pub book: &'a mut Book,
}

type Verb = fn(&mut Turn<'_>) -> Answer;

fn signed_in(world: &Arc<World>, asked: &Asked, verb: Verb) -> Answer {
    let account = match account(asked) {
        Ok(account) => account,
        Err(refusal) => return refusal,
    };
    let book = &mut *lock(&world.stripe);
    verb(&mut Turn { world, asked, account, key: String::new(), book })
}

/// Once for each idempotency key; without a key, as often as it comes.
fn once(world: &Arc<World>, asked: &Asked, operation: &str, verb: Verb) -> Answer {
    let account = match account(asked) {
        Ok(account) => account,
        Err(refusal) => return refusal,
    };
    let key = asked.header("idempotency-key").to_owned();
    if key.len() > KEY_CHARS_MAX {
        return error(400, "idempotency_error", "", "Idempotency keys are at most 255 characters.", "");
    }
    if world.faults.strikes(System::Stripe, Fault::InProgress, operation) {
        let message = "There is currently another in-progress request using this Idempotency Key.";
        return error(409, "idempotency_error", "idempotency_key_in_use", message, "");
    }
    let book = &mut *lock(&world.stripe);
    let now = world.now();
    if !key.is_empty() {
        match book.keys.look_up(now, &account, &key, asked) {
            Known::Same(answer) => return answer.header("idempotent-replayed", "true"),
            Known::Other => {
                let message = "Keys for idempotent requests can only be used with the same parameters they were \
                               first used with.";
                return error(400, "idempotency_error", "", message, "");
            }
            Known::New => {}
        }
    }
    let answer = verb(&mut Turn { world, asked, account: account.clone(), key: key.clone(), book });
    // Parameters that were refused did not begin anything: their key is free. A declined card used it up.
    if !key.is_empty() && answer.status != 400 && answer.status != 404 {
        book.keys.remember(now, &account, &key, asked, &answer);
    }
    answer
}

fn account(asked: &Asked) -> Result<String, Answer> {
    let key = asked.bearer().map(str::to_owned).or_else(|| asked.basic().map(|(user, _)| user));
    match key {
        Some(key) if key.starts_with("sk_test_") && key.len() > "sk_test_".len() => Ok(key),
        Some(_) => Err(error(401, "invalid_request_error", "", "Invalid API Key provided.", "")),
        None => Err(error(401, "invalid_request_error", "", "You did not provide an API key.", "")),
    }
}

fn face(face: Face) -> Answer {
    match face {
        Face::RateLimited => error(
            429,
            "invalid_request_error",
            "rate_limit",
            "Too many requests hit the API too quickly.",
            "",
        ),
        Face::Unavailable => error(503, "api_error", "", "Service unavailable.", ""),
        Face::Broken | Face::ErrorIn200 => error(500, "api_error", "", "Something went wrong.", ""),
        Face::NotFound => error(404, "invalid_request_error", "", "Unrecognized request URL.", ""),
    }
}

fn error(status: u16, kind: &str, code: &str, message: &str, param: &str) -> Answer {
    Answer::json(status, &json!({ "error": error_body(kind, code, message, param) }))
}

fn error_body(kind: &str, code: &str, message: &str, param: &str) -> Value {
    let mut error = json!({ "type": kind, "message": message });
    for (name, value) in [("code", code), ("param", param)] {
        if !value.is_empty() {
            error[name] = Value::from(value);
        }
    }
    error
}

fn invalid(code: &str, message: &str, param: &str) -> Answer {
    error(400, "invalid_request_error", code, message, param)
}

fn missing(what: &str, id: &str, param: &str) -> Answer {
    error(404, "invalid_request_error", "resource_missing", &format!("No such {what}: '{id}'"), param)
}

/// `{"object": "list", …}` of the newest first.
fn page_of(items: Vec<Value>, has_more: bool, url: &str) -> Answer {
    Answer::json(200, &json!({ "object": "list", "url": url, "has_more": has_more, "data": items }))
}

fn limit(asked: &Asked) -> usize {
    asked.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(10).clamp(1, 100)
}
