//! Korob's own contract for parcel carriers, as the notes beside the adapter `parcel` write it down.
//!
//! Any key of at least eight characters is an account of its own, except those that begin with `revoked`.

mod book;
mod cargo;
mod parcels;
mod points;
mod quotes;
mod tracking;
mod webhook;

use std::sync::Arc;

use serde_json::{Value, json};

pub(crate) use self::book::Book;
pub(crate) use self::tracking::advance;
use crate::answer::Answer;
use crate::asked::Asked;
use crate::lock;
use crate::system::System;
use crate::vendor::{Face, Operation, Vendor, read, write};
use crate::world::World;

pub(crate) const VENDOR: Vendor = Vendor {
    system: System::Parcel,
    operation,
    face,
    is_full: |world| lock(&world.parcel).parcels.is_full(),
};

fn operation(asked: &Asked) -> Option<Operation> {
    let (method, path) = asked.route();
    match (method, path.as_slice()) {
        ("POST", ["v1", "quotes"]) => read("quote", |world, asked| signed_in(world, asked, quotes::quote)),
        ("GET", ["v1", "points"]) => {
            read("list_points", |world, asked| signed_in(world, asked, points::list))
        }
        ("POST", ["v1", "parcels"]) => {
            write("create_parcel", |world, asked| signed_in(world, asked, parcels::create))
        }
        ("GET", ["v1", "parcels"]) => {
            read("find_parcels", |world, asked| signed_in(world, asked, parcels::find))
        }
        ("GET", ["v1", "parcels", _]) => {
            read("get_parcel", |world, asked| signed_in(world, asked, parcels::get))
        }
        ("POST", ["v1", "parcels", _, "cancel"]) => {
            write("cancel_parcel", |world, asked| signed_in(world, asked, parcels::cancel))
        }
        ("GET", ["v1", "parcels", _, "label"]) => {
            read("get_label", |world, asked| signed_in(world, asked, parcels::label))
        }
        ("POST", ["v1", "tracking"]) => {
            read("track", |world, asked| signed_in(world, asked, tracking::track))
        }
        ("PUT", ["v1", "webhook"]) => {
            read("set_webhook", |world, asked| signed_in(world, asked, webhook::set))
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
    let account = asked.bearer().filter(|key| key.len() >= 8 && !key.starts_with("revoked"));
    let Some(account) = account.map(str::to_owned) else {
        return refused_with(401, "unauthorized", "an unknown key", "");
    };
    let book = &mut *lock(&world.parcel);
    verb(&mut Turn { world, asked, account, book })
}

fn face(face: Face) -> Answer {
    match face {
        Face::RateLimited => {
            refused_with(429, "limit_exceeded", "too many requests", "").header("retry-after", "1")
        }
        Face::Unavailable => refused_with(503, "unavailable", "out of order", ""),
        Face::Broken => Answer::empty(502),
        Face::ErrorIn200 => refused("unavailable", "out of order", ""),
        Face::NotFound => refused_with(404, "not_found", "no such thing", ""),
    }
}

/// An error of content, which comes with 200.
fn refused(code: &str, message: &str, field: &str) -> Answer {
    refused_with(200, code, message, field)
}

fn refused_with(status: u16, code: &str, message: &str, field: &str) -> Answer {
    Answer::json(status, &json!({ "ok": false, "error": error(code, message, field) }))
}

fn error(code: &str, message: &str, field: &str) -> Value {
    json!({ "code": code, "message": message, "field": field })
}
