//! One operation: its names, parameters, body and answers.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use proto::api::v1::Access;
use serde_json::{Map, Value, json};

use super::comments::Comments;
use super::problem;
use super::schemas::{Direction, Schemas, has_option};
use crate::{Api, Route};

/// Placing an order answers by how far it got.
const PLACES_ORDER: &str = "orders.place_order";

pub(super) fn describe(api: &Api, route: &Route, comments: &Comments, schemas: &mut Schemas<'_>) -> Value {
    let description = comments.of_method(&route.descriptor);
    let mut operation = json!({
        "operationId": route.operation,
        "tags": [route.service],
        "summary": summary(&description),
        "description": description,
        "security": [security(route)],
        "responses": responses(api, route, schemas),
    });
    let parameters = parameters(route, schemas);
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    if route.has_body() {
        let hidden: Vec<String> = bound_fields(route).chain(["idempotency_key".to_owned()]).collect();
        let schema = schemas.request(&route.descriptor.input(), &hidden);
        let required = !schemas.required_fields(&route.descriptor.input(), &hidden).is_empty();
        operation["requestBody"] =
            json!({"required": required, "content": {"application/json": {"schema": schema}}});
    }
    operation
}

/// Who opens it: a key that holds the scope, or a buyer's token.
fn security(route: &Route) -> Value {
    match route.policy.access() {
        Access::Buyer => json!({"buyerToken": []}),
        Access::Key | Access::Internal | Access::Unspecified => json!({"apiKey": [route.policy.scope]}),
    }
}

/// The first clause of a comment, without its full stop.
fn summary(description: &str) -> String {
    let end = description.find(". ").or_else(|| description.find("; ")).unwrap_or(description.len());
    description[..end].trim_end_matches('.').to_owned()
}

/// Proto names of the fields that the path gives.
fn bound_fields(route: &Route) -> impl Iterator<Item = String> {
    route.path.variables().map(|field| crate::field_mask::snake_case(&field.json_path))
}

fn parameters(route: &Route, schemas: &mut Schemas<'_>) -> Vec<Value> {
    let input = route.descriptor.input();
    let bound: Vec<String> = bound_fields(route).collect();
    let mut parameters: Vec<Value> = bound
        .iter()
        .filter_map(|path| field_at(&input, path).map(|field| (path, field)))
        .map(|(path, field)| {
            let mut parameter = parameter(path, &field, "path", schemas);
            parameter["required"] = json!(true);
            parameter["schema"]["minLength"] = json!(1);
            parameter
        })
        .collect();
    if !route.has_body() {
        add_query_parameters(&input, "", &bound, schemas, &mut parameters);
    }
    if route.has_language() {
        parameters.push(json!({
            "name": "Accept-Language",
            "in": "header",
            "description": "The languages the reader prefers, the dearest first or weighted, as browsers send them. They \
                stand where the query names no `language`.",
            "schema": {"type": "string", "examples": ["uk-UA, uk;q=0.9, en;q=0.5"]},
        }));
    }
    if route.has_etag() {
        parameters.push(json!({
            "name": "If-Match",
            "in": "header",
            "description": "The `ETag` of what was read: if it was changed meanwhile, nothing is done and 412 answered. The \
                same as `etag` in the body, which answers 409.",
            "schema": {"type": "string", "examples": ["\"7\""]},
        }));
    }
    if route.is_keyed() {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": true,
            "description": "Names this request. A repeat with the same key answers with the first outcome for 48 hours.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
        }));
    }
    parameters
}

fn add_query_parameters(
    message: &MessageDescriptor,
    prefix: &str,
    bound: &[String],
    schemas: &mut Schemas<'_>,
    parameters: &mut Vec<Value>,
) {
    for field in message.fields() {
        let path = format!("{prefix}{}", field.name());
        if bound.contains(&path) || field.is_map() {
            continue;
        }
        match field.kind() {
            Kind::Message(inner) if !inner.full_name().starts_with("google.protobuf.") => {
                // A message inside itself would have no end; one level of nesting is what lists need.
                if prefix.is_empty() && !field.is_list() {
                    add_query_parameters(&inner, &format!("{path}."), bound, schemas, parameters);
                }
            }
            _ => {
                let mut parameter = parameter(&path, &field, "query", schemas);
                if has_option(&field, "korob.api.v1.required") {
                    parameter["required"] = json!(true);
                }
                parameters.push(parameter);
            }
        }
    }
}

fn parameter(path: &str, field: &FieldDescriptor, place: &str, schemas: &mut Schemas<'_>) -> Value {
    let mut schema = schemas.property(field, Direction::Input);
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let mut parameter = json!({"name": crate::lower_camel_case(path), "in": place, "schema": schema});
    if let Some(description) = description {
        parameter["description"] = description;
    }
    parameter
}

fn field_at(message: &MessageDescriptor, path: &str) -> Option<FieldDescriptor> {
    let Some((outer, inner)) = path.split_once('.') else { return message.get_field_by_name(path) };
    field_at(message.get_field_by_name(outer)?.kind().as_message()?, inner)
}

fn responses(api: &Api, route: &Route, schemas: &mut Schemas<'_>) -> Map<String, Value> {
    let output = route.descriptor.output();
    let content = json!({"application/json": {"schema": schemas.output(&output)}});
    let location = json!({"description": "Where it can be read.", "schema": {"type": "string"}});
    let answer = |description: &str, headers: Value| {
        let mut headers = headers;
        headers["X-Request-Id"] =
            json!({"description": "Names the request in logs.", "schema": {"type": "string"}});
        if output.get_field_by_name("etag").is_some() {
            headers["ETag"] =
                json!({"description": "The version of the resource.", "schema": {"type": "string"}});
        }
        json!({"description": description, "headers": headers, "content": content})
    };
    let mut responses = problem::references(route);
    if route.operation == PLACES_ORDER {
        responses.insert("200".to_owned(), answer("The order was there already.", json!({})));
        responses.insert("201".to_owned(), answer("The order is placed.", json!({"Location": location})));
        let headers = json!({"Location": location, "Retry-After": problem::retry_after()});
        responses.insert("202".to_owned(), answer("The order is recorded and not decided yet.", headers));
    } else if route.creates {
        let headers = if api.can_locate(route) { json!({"Location": location}) } else { json!({}) };
        responses.insert("201".to_owned(), answer("Created.", headers));
    } else {
        responses.insert("200".to_owned(), answer("Done.", json!({})));
    }
    responses
}
