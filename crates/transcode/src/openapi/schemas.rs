//! JSON schemas of messages and enums. Requests are strict; answers may grow.

use std::collections::BTreeMap;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value as OptionValue};
use serde_json::{Map, Value, json};

use super::comments::Comments;

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Input,
    Output,
}

/// The schemas that were asked for so far.
#[derive(Debug)]
pub(super) struct Schemas<'a> {
    comments: &'a Comments,
    schemas: BTreeMap<String, Value>,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(comments: &'a Comments) -> Self {
        Self { comments, schemas: BTreeMap::new() }
    }

    pub(super) fn finish(self) -> Map<String, Value> {
        self.schemas.into_iter().collect()
    }

    /// A reference to an answer's schema.
    pub(super) fn output(&mut self, message: &MessageDescriptor) -> Value {
        self.message(message, Direction::Output, &[])
    }

    /// A reference to a request's schema without the fields that the path and the headers give.
    pub(super) fn request(&mut self, message: &MessageDescriptor, hidden: &[String]) -> Value {
        self.message(message, Direction::Input, hidden)
    }

    /// JSON names of the fields that a request must have.
    pub(super) fn required_fields(&self, message: &MessageDescriptor, hidden: &[String]) -> Vec<String> {
        message
            .fields()
            .filter(|field| has_option(field, "korob.api.v1.required"))
            .filter(|field| !hidden.iter().any(|name| name == field.name()))
            .map(|field| field.json_name().to_owned())
            .collect()
    }

    /// The schema of a field with its comment.
    pub(super) fn property(&mut self, field: &FieldDescriptor, direction: Direction) -> Value {
        let mut schema = match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                let value = entry.map_entry_value_field().kind();
                json!({"type": "object", "additionalProperties": self.kind(&value, direction)})
            }
            kind if field.is_list() => json!({"type": "array", "items": self.kind(&kind, direction)}),
            kind => self.kind(&kind, direction),
        };
        let comment = self.comments.of_field(field);
        if !comment.is_empty() {
            schema["description"] = json!(comment);
        }
        // The members of a oneof exclude each other; a synthetic one only says that the field may be absent.
        if let Some(group) = field.containing_oneof().filter(|group| !group.is_synthetic()) {
            schema["x-one-of"] = json!(crate::lower_camel_case(group.name()));
        }
        if let Some(class) = data_class(field) {
            schema["x-data-class"] = json!(class);
        }
        schema
    }

    fn message(&mut self, message: &MessageDescriptor, direction: Direction, hidden: &[String]) -> Value {
        let name = name_of(message.package_name(), message.name(), direction);
        if !self.schemas.contains_key(&name) {
            // Marked first, for messages that contain themselves.
            self.schemas.insert(name.clone(), Value::Null);
            let schema = self.object(message, direction, hidden);
            self.schemas.insert(name.clone(), schema);
        }
        json!({"$ref": format!("#/components/schemas/{name}")})
    }

    fn object(&mut self, message: &MessageDescriptor, direction: Direction, hidden: &[String]) -> Value {
        let properties: Map<String, Value> = message
            .fields()
            .filter(|field| !hidden.iter().any(|name| name == field.name()))
            .map(|field| (field.json_name().to_owned(), self.property(&field, direction)))
            .collect();
        let mut schema = json!({"type": "object", "properties": properties});
        let comment = self.comments.of_message(message);
        if !comment.is_empty() {
            schema["description"] = json!(comment);
        }
        let required = match direction {
            Direction::Input => {
                schema["additionalProperties"] = json!(false);
                self.required_fields(message, hidden)
            }
            // Everything without presence is written even when it has the default value.
            Direction::Output => {
                let always = message.fields().filter(|field| !field.supports_presence());
                always.map(|field| field.json_name().to_owned()).collect()
            }
        };
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema
    }

    fn enumeration(&mut self, of: &EnumDescriptor) -> Value {
        let name = name_of(of.package_name(), of.name(), Direction::Output);
        if !self.schemas.contains_key(&name) {
            let names: Vec<String> = of.values().map(|value| value.name().to_owned()).collect();
            let notes =
                of.values().map(|value| (value.name().to_owned(), self.comments.of_enum_value(&value)));
            let notes = notes.filter(|(_, note)| !note.is_empty());
            let notes: String = notes.map(|(value, note)| format!("\n- `{value}`: {note}")).collect();
            let description = format!("{}{notes}", self.comments.of_enum(of));
            self.schemas
                .insert(name.clone(), json!({"type": "string", "enum": names, "description": description}));
        }
        json!({"$ref": format!("#/components/schemas/{name}")})
    }

    fn kind(&mut self, kind: &Kind, direction: Direction) -> Value {
        match kind {
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                json!({"type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX})
            }
            Kind::Uint32 | Kind::Fixed32 => json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => wide("int64", "^-?[0-9]{1,19}$", direction),
            Kind::Uint64 | Kind::Fixed64 => wide("uint64", "^[0-9]{1,20}$", direction),
            Kind::Float | Kind::Double => json!({"type": "number"}),
            Kind::String => json!({"type": "string"}),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Enum(of) => self.enumeration(of),
            Kind::Message(of) => match of.full_name() {
                "google.protobuf.Timestamp" => json!({"type": "string", "format": "date-time"}),
                "google.protobuf.Duration" => {
                    json!({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"})
                }
                "google.protobuf.FieldMask" => json!({
                    "type": "string",
                    "description": "Fields with commas, such as `name,countryCode`.",
                    "pattern": r"^([A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*(,[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*)*)?$",
                }),
                _ => self.message(of, direction, &[]),
            },
        }
    }
}

/// 64 bits are written as strings, because JavaScript would round them; both are read.
fn wide(format: &str, pattern: &str, direction: Direction) -> Value {
    match direction {
        Direction::Input => json!({"type": ["string", "integer"], "format": format, "pattern": pattern}),
        Direction::Output => json!({"type": "string", "format": format, "pattern": pattern}),
    }
}

/// `orders.Order`, and `orders.OrderInput` for what a request may contain. Requests only ever go one way.
fn name_of(package: &str, name: &str, direction: Direction) -> String {
    let area = package.split('.').nth(1).unwrap_or(package);
    let suffix = if direction == Direction::Input && !name.ends_with("Request") { "Input" } else { "" };
    format!("{area}.{name}{suffix}")
}

/// Whether a boolean option of a field is set.
pub(super) fn has_option(field: &FieldDescriptor, name: &str) -> bool {
    option(field, name).is_some_and(|value| value.as_bool() == Some(true))
}

/// What is said about a field beyond `internal`, the ordinary class.
fn data_class(field: &FieldDescriptor) -> Option<&'static str> {
    match option(field, "korob.api.v1.data_class")?.as_enum_number()? {
        1 => Some("public"),
        3 => Some("personal"),
        4 => Some("secret"),
        _ => None,
    }
}

fn option(field: &FieldDescriptor, name: &str) -> Option<OptionValue> {
    let extension = field.parent_message().parent_pool().get_extension_by_name(name)?;
    let options = field.options();
    options.has_extension(&extension).then(|| options.get_extension(&extension).into_owned())
}
