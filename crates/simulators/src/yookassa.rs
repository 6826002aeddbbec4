//! YooKassa API v3: payments in one or two stages, refunds, receipts, and notifications that nobody signs.
//!
//! Seen in official documents and SDKs: the paths, the shape of payments, refunds and notifications, Basic authentication,
//! `Idempotence-Key`. From memory: that a key is remembered for 24 hours, that a repeat that comes too early gets 202
//! `processing`, and the reasons of cancellations. Any shop id of digits with a secret that begins with `test_` is a shop.

mod book;
mod notification;
mod page;
mod payments;
mod receipts;
mod refunds;

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use self::book::Book;
use crate::answer::Answer;
use crate::asked::Asked;
use crate::fault::Fault;
use crate::keys::Known;
use crate::system::System;
use crate::vendor::{Face, Operation, Vendor, page as browser_page, read, write};
use crate::world::World;
use crate::{lock, money};

pub(crate) const VENDOR: Vendor =
    Vendor { system: System::Yookassa, operation, face, is_full: |world| lock(&world.yookassa).is_full() };

const KEY_CHARS_MAX: usize = 64;

fn operation(asked: &Asked) -> Option<Operation> {
    let (method, path) = asked.route();
    match (method, path.as_slice()) {
        ("POST", ["v3", "payments"]) => {
            write("create_payment", |world, asked| once(world, asked, "create_payment", payments::create))
        }
        ("GET", ["v3", "payments"]) => {
            read("list_payments", |world, asked| signed_in(world, asked, payments::list))
        }
        ("GET", ["v3", "payments", _]) => {
            read("get_payment", |world, asked| signed_in(world, asked, payments::get))
        }
        ("POST", ["v3", "payments", _, "capture"]) => {
            write("capture_payment", |world, asked| once(world, asked, "capture_payment", payments::capture))
        }
        ("POST", ["v3", "payments", _, "cancel"]) => {
            write("cancel_payment", |world, asked| once(world, asked, "cancel_payment", payments::cancel))
        }
        ("POST", ["v3", "refunds"]) => {
            write("create_refund", |world, asked| once(world, asked, "create_refund", refunds::create))
        }
        ("GET", ["v3", "refunds"]) => {
            read("list_refunds", |world, asked| signed_in(world, asked, refunds::list))
        }
        ("GET", ["v3", "refunds", _]) => {
            read("get_refund", |world, asked| signed_in(world, asked, refunds::get))
        }
        ("POST", ["v3", "receipts"]) => {
            write("create_receipt", |world, asked| once(world, asked, "create_receipt", receipts::create))
        }
        ("GET", ["v3", "receipts"]) => {
            read("list_receipts", |world, asked| signed_in(world, asked, receipts::list))
        }
        ("GET", ["v3", "receipts", _]) => {
            read("get_receipt", |world, asked| signed_in(world, asked, receipts::get))
        }
        ("GET", ["checkout", _]) => browser_page("show_page", page::show),
        ("POST", ["checkout", _]) => browser_page("end_page", page::end),
        _ => None,
    }
}

/// A call of a shop.
pub(super) struct Turn<'a> {
    pub world: &'a Arc<World>,
    pub asked: &'a Asked,
    pub shop: String,
    pub key: String,
    pub book: &'a mut Book,
}

type Verb = fn(&mut Turn<'_>) -> Answer;

fn signed_in(world: &Arc<World>, asked: &Asked, verb: Verb) -> Answer {
    let Some(shop) = shop(asked) else { return unauthorized() };
    let book = &mut *lock(&world.yookassa);
    verb(&mut Turn { world, asked, shop, key: String::new(), book })
}

fn once(world: &Arc<World>, asked: &Asked, operation: &str, verb: Verb) -> Answer {
    let Some(shop) = shop(asked) else { return unauthorized() };
    let key = asked.header("idempotence-key").to_owned();
    if key.is_empty() || key.len() > KEY_CHARS_MAX {
        return invalid("Idempotence-Key", "Idempotence key is missing or longer than 64 characters");
    }
    if world.faults.strikes(System::Yookassa, Fault::InProgress, operation) {
        let body = json!({
            "type": "processing",
            "description": "Request accepted, but not processed yet. Please retry the request with the same Idempotence-Key",
            "retry_after": 1_800,
        });
        return Answer::json(202, &body);
    }
    let book = &mut *lock(&world.yookassa);
    let now = world.now();
    match book.keys.look_up(now, &shop, &key, asked) {
        Known::Same(answer) => return answer,
        Known::Other => return invalid("Idempotence-Key", "Idempotence key duplicated"),
        Known::New => {}
    }
    let answer = verb(&mut Turn { world, asked, shop: shop.clone(), key: key.clone(), book });
    // What was refused did not happen: its key is free.
    if answer.status == 200 {
        book.keys.remember(now, &shop, &key, asked, &answer);
    }
    answer
}

fn shop(asked: &Asked) -> Option<String> {
    let (shop, secret) = asked.basic()?;
    let known =
        !shop.is_empty() && shop.bytes().all(|byte| byte.is_ascii_digit()) && secret.starts_with("test_");
    known.then_some(shop)
}

fn face(face: Face) -> Answer {
    match face {
        Face::RateLimited => error(429, "too_many_requests", "Too many requests", ""),
        Face::Unavailable => error(503, "service_unavailable", "Service is temporarily unavailable", ""),
        Face::Broken | Face::ErrorIn200 => error(500, "internal_server_error", "Internal server error", ""),
        Face::NotFound => not_found("path"),
    }
}

fn error(status: u16, code: &str, description: &str, parameter: &str) -> Answer {
    let mut body = json!({ "type": "error", "id": Uuid::new_v4(), "code": code, "description": description });
    if !parameter.is_empty() {
        body["parameter"] = Value::from(parameter);
    }
    Answer::json(status, &body)
}

fn invalid(parameter: &str, description: &str) -> Answer {
    error(400, "invalid_request", description, parameter)
}

fn not_found(parameter: &str) -> Answer {
    error(404, "not_found", "Incorrect payment_id. Payment doesn't exist or access denied", parameter)
}

fn unauthorized() -> Answer {
    let why = "Error in shopId or secret key. Check their validity";
    error(401, "invalid_credentials", why, "").header("www-authenticate", "Basic")
}

/// `{"value": "100.00", "currency": "RUB"}`, a sum above zero.
fn read_amount(amount: &Value) -> Option<(i64, String)> {
    let currency = amount["currency"].as_str().filter(|currency| money::is_currency(currency))?;
    let minor = money::parse(amount["value"].as_str()?, currency).filter(|minor| *minor > 0)?;
    Some((minor, currency.to_owned()))
}

fn amount(minor: i64, currency: &str) -> Value {
    json!({ "value": money::format(minor, currency), "currency": currency })
}
