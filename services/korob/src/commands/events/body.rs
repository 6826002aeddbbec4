//! The body of an event for a person to read.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage as _, Value};
use serde_json::{Map, Value as Json, json};

/// Its fields by name; `None` for a type that this version does not know.
pub fn read(type_name: &str, bytes: &[u8]) -> Option<Json> {
    let descriptor = proto::pool().get_message_by_name(type_name)?;
    DynamicMessage::decode(descriptor, bytes).ok().map(|message| of_message(&message))
}

fn of_message(message: &DynamicMessage) -> Json {
    if message.descriptor().full_name() == "google.protobuf.Timestamp" {
        return moment(message);
    }
    let fields = message.fields().map(|(field, value)| (field.name().to_owned(), of_value(&field, value)));
    Json::Object(fields.collect::<Map<_, _>>())
}

fn of_value(field: &FieldDescriptor, value: &Value) -> Json {
    match value {
        Value::Bool(value) => json!(value),
        Value::I32(value) => json!(value),
        Value::I64(value) => json!(value),
        Value::U32(value) => json!(value),
        Value::U64(value) => json!(value),
        Value::F32(value) => json!(value),
        Value::F64(value) => json!(value),
        Value::String(text) => json!(text),
        Value::Bytes(bytes) => json!(format!("{} bytes", bytes.len())),
        Value::EnumNumber(number) => match field.kind() {
            Kind::Enum(all) => all.get_value(*number).map_or(json!(number), |one| json!(one.name())),
            _ => json!(number),
        },
        Value::Message(message) => of_message(message),
        Value::List(list) => list.iter().map(|one| of_value(field, one)).collect(),
        Value::Map(map) => {
            let entries = map.iter().map(|(key, value)| (of_key(key), of_value(field, value)));
            Json::Object(entries.collect())
        }
    }
}

fn of_key(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

fn moment(message: &DynamicMessage) -> Json {
    let part = |name: &str| message.get_field_by_name(name).map(|value| value.into_owned());
    let seconds = part("seconds").and_then(|value| value.as_i64()).unwrap_or_default();
    let nanos = part("nanos").and_then(|value| value.as_i32()).unwrap_or_default();
    let time = chrono::DateTime::from_timestamp(seconds, nanos.unsigned_abs());
    time.map_or(Json::Null, |time| json!(time.to_rfc3339()))
}
