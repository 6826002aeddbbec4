//! A request as one pastes it into a shell.

use serde_json::Value;

use super::{example, referred, text};

/// The command that makes the request, with examples for what it needs.
pub(super) fn curl(document: &Value, method: &str, path: &str, describes: &Value) -> String {
    let has_body = describes["requestBody"].is_object();
    let verb = match (method, has_body) {
        ("get", _) | ("post", true) => String::new(),
        _ => format!("-X {} ", method.to_uppercase()),
    };
    let mut parts = vec![format!("curl {verb}\"$KOROB{}{}\"", filled(path), query(document, describes))];
    if let Some(security) = describes["security"][0].as_object() {
        let bearer = if security.contains_key("buyerToken") { "$TOKEN" } else { "$KEY" };
        parts.push(format!("-H \"Authorization: Bearer {bearer}\""));
    }
    if parameters(describes).any(|one| one["name"] == "Idempotency-Key") {
        parts.push("-H \"Idempotency-Key: $(uuidgen)\"".to_owned());
    }
    match referred(&describes["requestBody"]["content"]["application/json"]["schema"]) {
        Some(name) => {
            let body = example::of(document, &document["components"]["schemas"][name]);
            let body = serde_json::to_string_pretty(&body).unwrap_or_default();
            parts.push("-H \"Content-Type: application/json\"".to_owned());
            parts.push(format!("-d '{}'", body.replace('\'', "'\\''")));
        }
        None if has_body => parts.push("--data-binary @file".to_owned()),
        None => {}
    }
    parts.join(" \\\n  ")
}

fn parameters(describes: &Value) -> impl Iterator<Item = &Value> {
    describes["parameters"].as_array().into_iter().flatten()
}

/// The path with examples where it has variables.
fn filled(path: &str) -> String {
    let variable = |part: &str| part.strip_prefix('{')?.strip_suffix('}').map(str::to_owned);
    let parts = path.split('/').map(|part| match variable(part) {
        Some(name) => example::text_for(name.rsplit('.').next().unwrap_or(&name)),
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The parameters of the query that must be there.
fn query(document: &Value, describes: &Value) -> String {
    let wanted = parameters(describes).filter(|one| one["in"] == "query" && one["required"] == true);
    let pairs: Vec<String> = wanted
        .map(|one| {
            let name = text(one, "name");
            format!("{name}={}", example::of_parameter(document, name, &one["schema"]))
        })
        .collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}
