//! Fiscal receipts after ATOL Online v4: a token, receipts that are accepted first and registered later, and a report for each.
//!
//! Seen in clients and parts of the documents: `getToken`, `sell`, `sell_refund`, `report/{uuid}`, `external_id` as the key of
//! repeats, `service.callback_url`. From memory: the numbers and texts of errors, and that a report of a receipt that waits has
//! the status `wait`. Any login with a password of at least eight characters that does not begin with `wrong` is an account, and
//! any group code that begins with a letter is one of its groups. Corrections are not simulated.

mod auth;
mod book;
mod receipt;
mod receipts;

use std::sync::Arc;

use serde_json::{Value, json};

pub(crate) use self::book::Book;
use crate::answer::Answer;
use crate::asked::Asked;
use crate::fault::Fault;
use crate::lock;
use crate::system::System;
use crate::vendor::{Face, Operation, Vendor, read, write};
use crate::world::World;

pub(crate) const VENDOR: Vendor = Vendor {
    system: System::Fiscal,
    operation,
    face,
    is_full: |world| lock(&world.fiscal).receipts.is_full(),
};

fn operation(asked: &Asked) -> Option<Operation> {
    let (method, path) = asked.route();
    match (method, path.as_slice()) {
        ("POST" | "GET", ["possystem", "v4", "getToken"]) => read("get_token", auth::token),
        ("POST", ["possystem", "v4", _, "sell"]) => {
            write("sell", |world, asked| signed_in(world, asked, receipts::register))
        }
        ("POST", ["possystem", "v4", _, "sell_refund"]) => {
            write("sell_refund", |world, asked| signed_in(world, asked, receipts::register))
        }
        ("GET", ["possystem", "v4", _, "report", _]) => {
            read("report", |world, asked| signed_in(world, asked, receipts::report))
        }
        _ => None,
    }
}

/// A call of an account.
pub(super) struct Turn<'a> {
    pub world: &'a Arc<World>,
    pub asked: &'a Asked,
    /// Login and group.
    pub account: String,
    pub book: &'a mut Book,
}

/// The token comes in the header `Token` or in the query.
fn signed_in(world: &Arc<World>, asked: &Asked, verb: fn(&mut Turn<'_>) -> Answer) -> Answer {
    let book = &mut *lock(&world.fiscal);
    let token = match asked.header("token") {
        "" => asked.query("token").unwrap_or_default(),
        token => token,
    };
    let name = operation(asked).map_or("", |operation| operation.name);
    if world.faults.strikes(System::Fiscal, Fault::TokenExpired, name) {
        book.tokens.revoke(token);
    }
    let Some(login) = book.tokens.account(token, world.now()) else {
        return error(world, 401, 11, "ExpiredToken", "Срок действия токена истёк");
    };
    let group = asked.segment(2);
    if !group.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        return error(world, 401, 20, "GroupCodeToToken", "Группа касс недоступна этому токену");
    }
    let account = format!("{login}\n{group}");
    verb(&mut Turn { world, asked, account, book })
}

fn face(face: Face) -> Answer {
    match face {
        Face::RateLimited => Answer::empty(429).header("retry-after", "1"),
        Face::Unavailable => Answer::html(503, "<h1>503 Service Temporarily Unavailable</h1>".to_owned()),
        Face::Broken => Answer::empty(500),
        Face::ErrorIn200 => {
            let error = error_body(1, "SystemError", "Системная ошибка");
            Answer::json(200, &json!({ "uuid": null, "status": "fail", "error": error }))
        }
        Face::NotFound => Answer::empty(404),
    }
}

fn error(world: &World, status: u16, code: i64, kind: &str, text: &str) -> Answer {
    let body = json!({
        "uuid": null,
        "timestamp": book::time(world.now()),
        "status": "fail",
        "error": error_body(code, kind, text),
    });
    Answer::json(status, &body)
}

fn error_body(code: i64, kind: &str, text: &str) -> Value {
    json!({ "error_id": uuid::Uuid::new_v4(), "code": code, "text": format!("{kind}: {text}"), "type": "system" })
}
