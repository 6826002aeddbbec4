//! The shapes of bodies: their fields, and what an enumeration may be.

use serde_json::Value;

use super::html::{escaped, prose};
use super::{referred, text};

/// Every schema that operations lead to.
pub(super) fn sections(document: &Value) -> String {
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    // What only one operation takes stands at that operation.
    let shared = schemas.filter(|(name, _)| !name.ends_with("Request"));
    let sections: String = shared.map(|(name, schema)| section(name, schema)).collect();
    format!("<section class=\"area\"><h2 id=\"schemas\">Schemas</h2></section>\n{sections}")
}

fn section(name: &str, schema: &Value) -> String {
    let id = escaped(name);
    let (about, values) = split_values(text(schema, "description"));
    let inside = match schema["enum"].as_array() {
        Some(of) => enumeration(of, &values),
        None => fields(schema),
    };
    format!(
        "<section class=\"schema\" data-search=\"{}\">\n<h3 id=\"schema-{id}\"><a href=\"#schema-{id}\">{id}</a></h3>\n\
         <p>{}</p>\n{inside}</section>\n",
        id.to_lowercase(),
        prose(about)
    )
}

/// The fields of an object, those that must be there first.
pub(super) fn fields(schema: &Value) -> String {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let is_required = |name: &str| {
        schema["required"].as_array().is_some_and(|required| required.iter().any(|one| one == name))
    };
    let strict = schema["additionalProperties"] == false;
    let (needed, other): (Vec<_>, Vec<_>) = properties.partition(|(name, _)| strict && is_required(name));
    let rows: String = needed
        .iter()
        .map(|field| (field, true))
        .chain(other.iter().map(|field| (field, false)))
        .map(|((name, field), required)| row(&escaped(name), field, required))
        .collect();
    if rows.is_empty() { "<p>No fields.</p>\n".to_owned() } else { table(&rows) }
}

pub(super) fn table(rows: &str) -> String {
    format!("<table><tbody>{rows}</tbody></table>\n")
}

/// One field; `name` is HTML.
pub(super) fn row(name: &str, field: &Value, required: bool) -> String {
    let needed = if required { " <b class=\"required\">required</b>" } else { "" };
    let class = match text(field, "x-data-class") {
        class @ ("personal" | "secret") => format!(" <b class=\"class\">{class}</b>"),
        _ => String::new(),
    };
    let one_of = match text(field, "x-one-of") {
        "" => String::new(),
        group => format!(" <small>one of <i>{}</i></small>", escaped(group)),
    };
    format!(
        "<tr><th scope=\"row\">{name}</th><td>{}{needed}{class}{one_of}<br>{}</td></tr>",
        kind(field),
        prose(text(field, "description"))
    )
}

/// A link to a schema.
pub(super) fn link(name: &str) -> String {
    let name = escaped(name);
    format!("<a href=\"#schema-{name}\">{name}</a>")
}

fn kind(field: &Value) -> String {
    if let Some(name) = referred(field) {
        return link(name);
    }
    match (text(field, "type"), text(field, "format")) {
        ("array", _) => format!("list of {}", kind(&field["items"])),
        ("object", _) if field["additionalProperties"].is_object() => {
            format!("map of text to {}", kind(&field["additionalProperties"]))
        }
        ("string", "date-time") => "time, RFC 3339".to_owned(),
        (_, "int64" | "uint64") => "whole number as text".to_owned(),
        ("string", "binary") => "file".to_owned(),
        ("string", _) if field["contentEncoding"].is_string() => "bytes in base64".to_owned(),
        ("string", _) => "text".to_owned(),
        ("integer", _) => "whole number".to_owned(),
        ("boolean", _) => "true or false".to_owned(),
        (other, _) => escaped(other),
    }
}

fn enumeration(values: &[Value], notes: &[(&str, &str)]) -> String {
    let rows: String = values
        .iter()
        .filter_map(Value::as_str)
        .map(|value| {
            let note = notes.iter().find(|(name, _)| *name == value).map_or("", |(_, note)| note);
            format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escaped(value), prose(note))
        })
        .collect();
    table(&rows)
}

/// A description, and the notes of values that its lines carry.
fn split_values(description: &str) -> (&str, Vec<(&str, &str)>) {
    let mut lines = description.split("\n- `");
    let about = lines.next().unwrap_or_default();
    (about, lines.filter_map(|line| line.split_once("`: ")).collect())
}
