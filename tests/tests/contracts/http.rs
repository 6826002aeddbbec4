//! Every method has one place over HTTP, or a reason why it has none.

use std::collections::HashMap;

use prost_reflect::{Kind, MessageDescriptor};
use proto::api::v1::{Access, Idempotency};

use crate::nothing_wrong;
use crate::suite::{Http, Method, methods};

/// Methods that read but are not GET, each with its reason.
const READS_BY_POST: [(&str, &str); 2] = [
    ("QuoteDelivery", "a cart with an address is a body, and no URL may hold an address"),
    ("LookUpStock", "200 SKUs of 64 characters do not fit a URL"),
];

#[test]
fn every_method_has_a_path_or_a_reason() {
    let mut problems = Vec::new();
    for method in methods() {
        let Some(policy) = method.policy else { continue };
        match (&method.http, policy.no_http_reason.is_empty()) {
            (None, true) => {
                problems.push(format!("{}: add google.api.http or a no_http_reason", method.full_name()))
            }
            (Some(_), false) => {
                problems.push(format!("{}: has a path; remove no_http_reason", method.full_name()))
            }
            (Some(_), true) if policy.access == Access::Internal => {
                problems.push(format!("{}: is internal; remove google.api.http", method.full_name()));
            }
            _ => {}
        }
    }
    nothing_wrong(problems);
}

#[test]
fn reads_are_get_and_nothing_else_is() {
    let mut problems = Vec::new();
    for (method, http) in routed() {
        let reads = method.policy.is_some_and(|policy| policy.idempotency == Idempotency::Read);
        let excused = READS_BY_POST.iter().any(|(name, _)| *name == method.name());
        match (reads, http.verb.as_str()) {
            (true, "get") if excused => {
                problems.push(format!("{}: is GET now; remove it from READS_BY_POST", method.full_name()))
            }
            (true, "get") if http.body.is_empty() => {}
            (true, "get") => problems.push(format!("{}: GET has no body", method.full_name())),
            (true, "post") if excused => {}
            (true, _) => {
                problems.push(format!("{}: reads; use GET or add it to READS_BY_POST", method.full_name()))
            }
            (false, "get") => {
                problems.push(format!("{}: changes something; GET must not", method.full_name()))
            }
            (false, _) if http.body == "*" => {}
            (false, _) => problems.push(format!("{}: body: \"*\", as everywhere", method.full_name())),
        }
    }
    nothing_wrong(problems);
}

#[test]
fn updates_are_patch_and_no_other_is() {
    let wrong =
        routed().filter(|(method, http)| method.name().starts_with("Update") != (http.verb == "patch"));
    nothing_wrong(
        wrong
            .map(|(method, _)| format!("{}: UpdateX is PATCH, other verbs are not", method.full_name()))
            .collect(),
    );
}

#[test]
fn paths_are_unique() {
    let mut seen: HashMap<String, String> = HashMap::new();
    let mut problems = Vec::new();
    for (method, http) in routed() {
        let place = format!(
            "{} {}",
            http.verb,
            segments(&http.path).map(|part| part.unwrap_or("{}")).collect::<Vec<_>>().join("/")
        );
        if let Some(other) = seen.insert(place.clone(), method.full_name().to_owned()) {
            problems.push(format!("{} and {other} are both at {place}", method.full_name()));
        }
    }
    nothing_wrong(problems);
}

#[test]
fn paths_are_versioned_kebab_case() {
    let mut problems = Vec::new();
    for (method, http) in routed() {
        let kebab = |part: &str| {
            part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        let fine = http.path.starts_with("/v1/") && segments(&http.path).flatten().all(kebab);
        if !fine {
            problems.push(format!("{}: {} should be /v1/lower-case-words", method.full_name(), http.path));
        }
    }
    nothing_wrong(problems);
}

#[test]
fn path_fields_exist_and_are_text() {
    let mut problems = Vec::new();
    for (method, http) in routed() {
        for variable in variables(&http.path) {
            if !leads_to_text(method.descriptor.input(), &variable) {
                let request = method.descriptor.input().name().to_owned();
                problems.push(format!("{}: {request} has no text field {variable}", method.full_name()));
            }
        }
    }
    nothing_wrong(problems);
}

#[test]
fn queries_hold_no_nested_lists_or_maps() {
    // What is not in the path of a GET is a query parameter; only simple fields and messages of them can be one.
    let mut problems = Vec::new();
    for (method, http) in routed().filter(|(_, http)| http.verb == "get") {
        let in_path = variables(&http.path);
        for field in
            method.descriptor.input().fields().filter(|field| !in_path.contains(&field.name().to_owned()))
        {
            let message = matches!(field.kind(), Kind::Message(inner) if !inner.full_name().starts_with("google.protobuf."));
            if field.is_map() || message {
                problems.push(format!(
                    "{}: {} cannot be a query parameter",
                    method.full_name(),
                    field.name()
                ));
            }
        }
    }
    nothing_wrong(problems);
}

fn routed() -> impl Iterator<Item = (Method, Http)> {
    methods().into_iter().filter_map(|method| Some((method.clone(), method.http?)))
}

/// The parts of a path; `None` where a variable stands.
fn segments(path: &str) -> impl Iterator<Item = Option<&str>> {
    path.trim_start_matches('/').split('/').map(|part| if part.starts_with('{') { None } else { Some(part) })
}

fn variables(path: &str) -> Vec<String> {
    let inner = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    inner.map(str::to_owned).collect()
}

fn leads_to_text(message: MessageDescriptor, path: &str) -> bool {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let Some(field) = message.get_field_by_name(first) else { return false };
    match (field.kind(), rest) {
        (Kind::String, None) => !field.is_list(),
        (Kind::Message(inner), Some(rest)) => leads_to_text(inner, rest),
        _ => false,
    }
}
