//! Every field of a request, however deep, and how to put something there.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

/// Deeper than this no field is looked for.
const DEPTH_MAX: usize = 4;

/// Where a request has a field.
#[derive(Debug, Clone)]
pub struct Place {
    pub field: FieldDescriptor,
    /// Names of JSON from the request down; those of lists end with `[]`.
    path: Vec<String>,
}

/// Every field that has a value of its own: no message but money, no map.
pub fn places(request: &MessageDescriptor) -> Vec<Place> {
    let mut places = Vec::new();
    collect(request, &mut Vec::new(), &mut places);
    places
}

fn collect(message: &MessageDescriptor, path: &mut Vec<String>, places: &mut Vec<Place>) {
    for field in message.fields() {
        if field.is_map() {
            continue;
        }
        let list = if field.is_list() { "[]" } else { "" };
        path.push(format!("{}{list}", field.json_name()));
        match field.kind() {
            Kind::Message(inner) if inner.full_name().starts_with("google.") => {}
            Kind::Message(inner) => {
                if is_money(&field) {
                    places.push(Place { field: field.clone(), path: path.clone() });
                }
                if path.len() <= DEPTH_MAX {
                    collect(&inner, path, places);
                }
            }
            _ => places.push(Place { field: field.clone(), path: path.clone() }),
        }
        path.pop();
    }
}

/// Whether a field is a sum of money.
pub fn is_money(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::Message(inner) if inner.full_name() == "korob.type.v1.Money")
}

impl Place {
    /// `order.lines.lineId`.
    pub fn name(&self) -> String {
        self.path.join(".").replace("[]", "")
    }

    /// Puts a value there; what is not there on the way is made.
    pub fn put(&self, request: &mut Value, value: Value) {
        let mut at = request;
        for name in &self.path {
            let (name, is_list) = name.strip_suffix("[]").map_or((name.as_str(), false), |name| (name, true));
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            at = at.as_object_mut().unwrap().entry(name).or_insert(Value::Null);
            if is_list {
                if at.as_array().is_none_or(Vec::is_empty) {
                    *at = json!([null]);
                }
                at = &mut at[0];
            }
        }
        *at = value;
    }

    /// What stands there in an answer that is the resource, or the request's own shape.
    pub fn echoed<'a>(&self, answer: &'a Value) -> Option<&'a Value> {
        let pointer = |path: &[String]| {
            path.iter()
                .map(|name| match name.strip_suffix("[]") {
                    Some(name) => format!("/{name}/0"),
                    None => format!("/{name}"),
                })
                .collect::<String>()
        };
        answer.pointer(&pointer(&self.path)).or_else(|| answer.pointer(&pointer(self.path.get(1..)?)))
    }
}
