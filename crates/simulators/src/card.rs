//! Korob's own contract for providers of card payments, as the notes beside the adapter `korob_card` write it down.
//!
//! Any key of at least eight characters is an account of its own, except those that begin with `revoked`.

mod book;
mod charge;
mod charges;
mod page;
mod refunds;
mod webhook;

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
    Vendor { system: System::Card, operation, face, is_full: |world| lock(&world.card).is_full() };

fn operation(asked: &Asked) -> Option<Operation> {
    let (method, path) = asked.route();
    match (method, path.as_slice()) {
        ("POST", ["v1", "charges"]) => {
            write("create_charge", |world, asked| once(world, asked, "create_charge", charges::create))
        }
        ("GET", ["v1", "charges"]) => {
            read("find_charges", |world, asked| signed_in(world, asked, charges::find))
        }
        ("GET", ["v1", "charges", _]) => {
            read("get_charge", |world, asked| signed_in(world, asked, charges::get))
        }
        ("POST", ["v1", "charges", _, "capture"]) => {
            write("capture_charge", |world, asked| once(world, asked, "capture_charge", charges::capture))
        }
        ("POST", ["v1", "charges", _, "void"]) => {
            write("void_charge", |world, asked| once(world, asked, "void_charge", charges::void))
        }
        ("POST", ["v1", "refunds"]) => {
            write("create_refund", |world, asked| once(world, asked, "create_refund", refunds::create))
        }
        ("GET", ["v1", "refunds"]) => {
            read("find_refunds", |world, asked| signed_in(world, asked, refunds::find))
        }
        ("GET", ["v1", "refunds", _]) => {
            read("get_refund", |world, asked| signed_in(world, asked, refunds::get))
        }
        ("PUT", ["v1", "webhook"]) => {
            read("set_webhook", |world, asked| signed_in(world, asked, webhook::set))
        }
        ("GET", ["pay", _]) => browser_page("show_page", page::show),
        ("POST", ["pay", _]) => browser_page("end_page", page::end),
        _ => None,
    }
}

/// A call with what every verb needs: whose it is, under which key, and when.
pub(super) struct Turn<'a> {
    pub world: &'a Arc<World>,
    pub asked: &'a Asked,
    pub account: String,
    /// Empty for calls that need none.
    pub key: String,
    pub book: &'a mut Book,
}

type Verb = fn(&mut Turn<'_>) -> Answer;

/// Runs `verb` for the account whose key is shown.
fn signed_in(world: &Arc<World>, asked: &Asked, verb: Verb) -> Answer {
    let Some(account) = account(asked) else { return unauthorized() };
    let book = &mut *lock(&world.card);
    verb(&mut Turn { world, asked, account, key: String::new(), book })
}

/// The same, once for each idempotency key.
fn once(world: &Arc<World>, asked: &Asked, operation: &str, verb: Verb) -> Answer {
    let Some(account) = account(asked) else { return unauthorized() };
    let key = asked.header("idempotency-key").to_owned();
    let readable = !key.is_empty() && key.len() <= 128 && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !readable {
        return invalid("Idempotency-Key", "1 to 128 visible characters");
    }
    if world.faults.strikes(System::Card, Fault::InProgress, operation) {
        return error(409, "in_progress", "the first request with this key still runs", "");
    }
    let book = &mut *lock(&world.card);
    let now = world.now();
    match book.keys.look_up(now, &account, &key, asked) {
        Known::Same(answer) => return answer,
        Known::Other => {
            return error(409, "idempotency_key_reused", "the key was used for another request", "");
        }
        Known::New => {}
    }
    let turn = &mut Turn { world, asked, account: account.clone(), key: key.clone(), book };
    let answer = verb(turn);
    book.keys.remember(now, &account, &key, asked, &answer);
    answer
}

fn account(asked: &Asked) -> Option<String> {
    let key = asked.bearer()?;
    (key.len() >= 8 && !key.starts_with("revoked")).then(|| key.to_owned())
}

fn face(face: Face) -> Answer {
    match face {
        Face::RateLimited => error(429, "limit_exceeded", "too many requests", "").header("retry-after", "1"),
        Face::Unavailable => error(503, "unavailable", "out of order", ""),
        Face::Broken => {
            Answer::json(500, &json!({ "error": { "code": "internal", "message": "something broke" } }))
        }
        Face::ErrorIn200 => error(200, "unavailable", "out of order", ""),
        Face::NotFound => not_found(),
    }
}

fn error(status: u16, code: &str, message: &str, field: &str) -> Answer {
    let mut error = json!({ "code": code, "message": message });
    if !field.is_empty() {
        error["field"] = Value::from(field);
    }
    Answer::json(status, &json!({ "error": error }))
}

fn invalid(field: &str, message: &str) -> Answer {
    error(400, "invalid_request", message, field)
}

fn not_found() -> Answer {
    error(404, "not_found", "no such thing", "")
}

fn unauthorized() -> Answer {
    error(401, "unauthorized", "an unknown key", "")
}
