//! Nova Poshta API 2.0: one address for everything, status 200 for errors, numbers as text, and the time of Kyiv without saying so.
//!
//! Seen in vendor fixtures and clients: the envelope, the models and methods, the codes of statuses. Seen in third-party code
//! only: `TrackingDocumentGeneral` as another name of `TrackingDocument`, code 124, and `CheckWeight` while it is 0; that it holds
//! what the scales said once they did is concluded from its name. From memory: the numbers and texts of errors besides
//! 20001401442, and the path of print forms. Any key of 32 letters and digits is an account, except those that begin with `0000`.

mod book;
mod directory;
mod document;
mod documents;
mod print;
mod tracking;

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
    system: System::NovaPoshta,
    operation,
    face,
    is_full: |world| lock(&world.nova_poshta).documents.is_full(),
};

/// Operations carry the names of the vendor's methods.
fn operation(asked: &Asked) -> Option<Operation> {
    let (method, path) = asked.route();
    match (method, path.as_slice()) {
        ("POST", ["v2.0", "json", ..]) => {}
        ("GET", ["orders", _, _, _, "type", "pdf", "apiKey", _]) => {
            return read("print", |world, asked| print::form(&mut lock(&world.nova_poshta), asked));
        }
        _ => return None,
    }
    let envelope = asked.json().unwrap_or_default();
    let text = |name: &str| envelope[name].as_str().unwrap_or_default().to_owned();
    match (&*text("modelName"), &*text("calledMethod")) {
        ("InternetDocument", "save") => write("save", |world, asked| call(world, asked, documents::save)),
        ("InternetDocument", "delete") => {
            write("delete", |world, asked| call(world, asked, documents::delete))
        }
        ("InternetDocument", "getDocumentList") => {
            read("getDocumentList", |world, asked| call(world, asked, documents::list))
        }
        ("InternetDocument", "getDocumentPrice") => {
            read("getDocumentPrice", |world, asked| call(world, asked, documents::price))
        }
        ("Address", "getCities") => read("getCities", |world, asked| call(world, asked, directory::cities)),
        ("Address" | "AddressGeneral", "getWarehouses") => {
            read("getWarehouses", |world, asked| call(world, asked, directory::warehouses))
        }
        ("TrackingDocument" | "TrackingDocumentGeneral", "getStatusDocuments") => {
            read("getStatusDocuments", |world, asked| call(world, asked, tracking::statuses))
        }
        _ => read("unknown", |_, _| failed(&["Method not found"], "20000900674")),
    }
}

/// A call of an account.
pub(super) struct Turn<'a> {
    pub world: &'a Arc<World>,
    pub account: String,
    pub properties: Value,
    pub book: &'a mut Book,
}

fn call(world: &Arc<World>, asked: &Asked, verb: fn(&mut Turn<'_>) -> Answer) -> Answer {
    let mut envelope = asked.json().unwrap_or_default();
    let account = envelope["apiKey"].as_str().unwrap_or_default().to_owned();
    if !is_key(&account) {
        return failed(&["API key is incorrect"], "20000200068");
    }
    let properties = envelope["methodProperties"].take();
    let book = &mut *lock(&world.nova_poshta);
    verb(&mut Turn { world, account, properties, book })
}

impl Turn<'_> {
    /// A property as text, whether it came as text or as a number.
    pub fn text(&self, name: &str) -> String {
        plain(&self.properties[name])
    }
}

fn is_key(key: &str) -> bool {
    key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !key.starts_with("0000")
}

fn face(face: Face) -> Answer {
    match face {
        Face::RateLimited => failed(&["To many requests"], "20000101513"),
        Face::Unavailable => Answer::html(503, "<h1>503 Service Temporarily Unavailable</h1>".to_owned()),
        Face::Broken => Answer::html(500, "<h1>500 Internal Server Error</h1>".to_owned()),
        Face::ErrorIn200 => failed(&["Service is temporarily unavailable"], "20001401442"),
        Face::NotFound => Answer::html(404, "<h1>404 Not Found</h1>".to_owned()),
    }
}

/// Success with `data`.
fn succeeded(data: Vec<Value>) -> Answer {
    let total = data.len();
    told(true, data, &[], &[], json!({ "totalCount": total }))
}

fn succeeded_with(data: Vec<Value>, total: usize) -> Answer {
    told(true, data, &[], &[], json!({ "totalCount": total }))
}

/// An error, with status 200.
fn failed(errors: &[&str], code: &str) -> Answer {
    let codes = vec![code; errors.len()];
    told(false, Vec::new(), errors, &codes, json!([]))
}

fn told(success: bool, data: Vec<Value>, errors: &[&str], codes: &[&str], info: Value) -> Answer {
    let body = json!({
        "success": success, "data": data, "errors": errors, "warnings": [], "info": info,
        "messageCodes": [], "errorCodes": codes, "warningCodes": [], "infoCodes": [],
    });
    Answer::json(200, &body)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}
