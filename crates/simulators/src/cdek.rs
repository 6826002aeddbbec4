//! CDEK API v2: tokens that end, orders that are accepted first and refused later, webhooks that nobody signs.
//!
//! Seen in official documents and SDKs: the paths, 202 with `requests[].state`, the statuses, the shape of webhooks. From memory:
//! the codes of errors, that an unknown order is 400, and how long a token lives. Any `client_id` with a secret of at least eight
//! characters that does not begin with `wrong` is an account. Changes of orders (PATCH) and intakes are not simulated.

mod auth;
mod book;
mod calculator;
mod directory;
mod order;
mod orders;
mod print;
mod tracking;
mod webhook;

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use self::book::Book;
pub(crate) use self::tracking::advance;
use crate::answer::Answer;
use crate::asked::Asked;
use crate::fault::Fault;
use crate::lock;
use crate::system::System;
use crate::vendor::{Face, Operation, Vendor, read, write};
use crate::world::World;

pub(crate) const VENDOR: Vendor =
    Vendor { system: System::Cdek, operation, face, is_full: |world| lock(&world.cdek).is_full() };

fn operation(asked: &Asked) -> Option<Operation> {
    let (method, path) = asked.route();
    match (method, path.as_slice()) {
        ("POST", ["v2", "oauth", "token"]) => read("token", auth::token),
        ("POST", ["v2", "orders"]) => {
            write("create_order", |world, asked| signed_in(world, asked, orders::create))
        }
        ("GET", ["v2", "orders"]) => read("find_order", |world, asked| signed_in(world, asked, orders::find)),
        ("GET", ["v2", "orders", _]) => {
            read("get_order", |world, asked| signed_in(world, asked, orders::get))
        }
        ("DELETE", ["v2", "orders", _]) => {
            write("delete_order", |world, asked| signed_in(world, asked, orders::delete))
        }
        ("POST", ["v2", "calculator", "tarifflist"]) => {
            read("tarifflist", |world, asked| signed_in(world, asked, calculator::list))
        }
        ("POST", ["v2", "calculator", "tariff"]) => {
            read("tariff", |world, asked| signed_in(world, asked, calculator::one))
        }
        ("GET", ["v2", "deliverypoints"]) => {
            read("deliverypoints", |world, asked| signed_in(world, asked, directory::points))
        }
        ("GET", ["v2", "location", "cities"]) => {
            read("cities", |world, asked| signed_in(world, asked, directory::cities))
        }
        ("POST", ["v2", "print", "barcodes" | "orders"]) => {
            write("create_print", |world, asked| signed_in(world, asked, print::create))
        }
        ("GET", ["v2", "print", "barcodes" | "orders", _]) => {
            read("get_print", |world, asked| signed_in(world, asked, print::get))
        }
        ("POST", ["v2", "webhooks"]) => {
            write("create_webhook", |world, asked| signed_in(world, asked, webhook::create))
        }
        ("GET", ["v2", "webhooks"]) => {
            read("list_webhooks", |world, asked| signed_in(world, asked, webhook::list))
        }
        ("DELETE", ["v2", "webhooks", _]) => {
            write("delete_webhook", |world, asked| signed_in(world, asked, webhook::delete))
        }
        _ => None,
    }
}

/// A call of an account.
pub(super) struct Turn<'a> {
    pub world: &'a Arc<World>,
    pub asked: &'a Asked,
    pub account: String,
    pub book: &'a mut Book,
}

fn signed_in(world: &Arc<World>, asked: &Asked, verb: fn(&mut Turn<'_>) -> Answer) -> Answer {
    let book = &mut *lock(&world.cdek);
    let token = asked.bearer().unwrap_or_default();
    let name = operation(asked).map_or("", |operation| operation.name);
    if world.faults.strikes(System::Cdek, Fault::TokenExpired, name) {
        book.tokens.revoke(token);
    }
    let Some(account) = book.tokens.account(token, world.now()).map(str::to_owned) else {
        let request =
            request(world, "AUTH", "INVALID", &[("v2_token_expired", "Token is expired or unknown")]);
        return Answer::json(401, &json!({ "requests": [request] }));
    };
    verb(&mut Turn { world, asked, account, book })
}

fn face(face: Face) -> Answer {
    match face {
        Face::RateLimited => {
            errors(429, &[("too_many_requests", "Too many requests")]).header("retry-after", "1")
        }
        Face::Unavailable => Answer::html(503, "<h1>503 Service Temporarily Unavailable</h1>".to_owned()),
        Face::Broken | Face::ErrorIn200 => {
            errors(500, &[("v2_internal_error", "Entity request was not processed")])
        }
        Face::NotFound => Answer::html(404, "<h1>404 Not Found</h1>".to_owned()),
    }
}

fn errors(status: u16, errors: &[(&str, &str)]) -> Answer {
    Answer::json(status, &json!({ "errors": listed(errors) }))
}

/// One of the `requests` that every answer about an entity has.
fn request(world: &World, kind: &str, state: &str, errors: &[(&str, &str)]) -> Value {
    json!({
        "request_uuid": Uuid::new_v4(),
        "type": kind,
        "date_time": book::time(world.now()),
        "state": state,
        "errors": listed(errors),
        "warnings": [],
    })
}

fn listed(errors: &[(&str, &str)]) -> Vec<Value> {
    errors.iter().map(|(code, message)| json!({ "code": code, "message": message })).collect()
}

/// Not even accepted.
fn refused(world: &World, kind: &str, errors: &[(&str, &str)]) -> Answer {
    Answer::json(400, &json!({ "requests": [request(world, kind, "INVALID", errors)] }))
}

fn unknown(world: &World, kind: &str) -> Answer {
    refused(world, kind, &[("v2_entity_not_found", "Entity is not found")])
}
