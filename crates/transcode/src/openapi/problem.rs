//! How every operation refuses: RFC 9457 problems.

use serde_json::{Map, Value, json};

use crate::Route;

/// The status, the name of the shared response, and when it is given.
const REFUSALS: [(&str, &str, &str); 16] = [
    ("400", "BadRequest", "The request cannot be read or a field is wrong; `errors` names each."),
    ("401", "Unauthorized", "There is no valid key."),
    ("403", "Forbidden", "The key lacks the scope."),
    ("404", "NotFound", "There is no such resource, or the key may not see it."),
    ("408", "RequestTimeout", "The body did not arrive in time."),
    (
        "409",
        "Conflict",
        "The state does not allow it, the etag is old, or the same request is still running.",
    ),
    ("410", "Gone", "What the cursor leads to is no longer kept: list what there is and begin anew."),
    ("412", "PreconditionFailed", "The header `If-Match` names an old etag."),
    ("413", "ContentTooLarge", "The body is larger than the limit."),
    ("415", "UnsupportedMediaType", "The body is not `application/json`."),
    ("422", "KeyReused", "The idempotency key was used for another request."),
    ("429", "TooManyRequests", "The key's rate is exceeded."),
    ("431", "HeadersTooLarge", "The headers are larger than the limit."),
    ("500", "InternalError", "A failure on our side."),
    ("503", "Unavailable", "A part of the suite is not available, or there is too much to do."),
    ("504", "Timeout", "The outcome is not known: repeat with the same idempotency key."),
];

/// The refusals that a route can answer.
pub(super) fn references(route: &Route) -> Map<String, Value> {
    let takes_body = |status: &str| route.has_body() || !matches!(status, "408" | "413" | "415");
    let keyed = |status: &str| route.is_keyed() || status != "422";
    let conditional = |status: &str| route.has_etag() || status != "412";
    REFUSALS
        .iter()
        .filter(|(status, ..)| route.has_cursor() || *status != "410")
        .filter(|(status, ..)| takes_body(status) && keyed(status) && conditional(status))
        .map(|(status, name, _)| {
            ((*status).to_owned(), json!({"$ref": format!("#/components/responses/{name}")}))
        })
        .collect()
}

/// The shared responses.
pub(super) fn responses() -> Map<String, Value> {
    let content = json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
    REFUSALS
        .iter()
        .map(|(status, name, description)| {
            let mut response = json!({"description": description, "content": content});
            if matches!(*status, "409" | "429" | "503") {
                response["headers"] = json!({"Retry-After": retry_after()});
            }
            ((*name).to_owned(), response)
        })
        .collect()
}

/// The header that says when to ask again.
pub(super) fn retry_after() -> Value {
    json!({"description": "Seconds until it makes sense to ask again.", "schema": {"type": "integer", "minimum": 0}})
}

/// The body of every refusal.
pub(super) fn schema() -> Value {
    json!({
        "type": "object",
        "description": "Why a request was refused (RFC 9457).",
        "required": ["type", "title", "status", "detail", "reason", "request_id"],
        "properties": {
            "type": {"type": "string", "description": "Always `about:blank`: `reason` says what happened."},
            "title": {"type": "string", "description": "The name of the status."},
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": {"type": "string", "description": "A sentence for people."},
            "reason": {"type": "string", "description": "A stable code, such as `UNKNOWN_FIELD`.",
                "pattern": "^[A-Z][A-Z0-9_]*$"},
            "request_id": {"type": "string", "description": "Also in the header `X-Request-Id`."},
            "errors": {
                "type": "array",
                "description": "The fields that are wrong.",
                "items": {
                    "type": "object",
                    "required": ["field", "reason", "message"],
                    "properties": {
                        "field": {"type": "string", "description": "Such as `lines[2].quantity`; empty for the whole body."},
                        "reason": {"type": "string"},
                        "message": {"type": "string"},
                    },
                },
            },
            "metadata": {
                "type": "object",
                "description": "Facts that belong to the reason.",
                "additionalProperties": {"type": "string"},
            },
        },
    })
}
