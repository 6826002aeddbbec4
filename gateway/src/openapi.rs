//! The description of the whole REST API: the routes from the contracts and the few that are written by hand.

use serde_json::{Map, Value, json};
use transcode::{Api, Info};

const DESCRIPTION: &str = "An open order desk for online shops. Every operation lists the scope that the key must hold. \
Names are lowerCamelCase; requests may also use snake_case. Unknown fields are refused by name; null is the same as leaving a field out. Refusals are RFC 9457 \
problems whose `reason` never changes its meaning.";

/// The document as it is served and kept in `gateway/openapi.json`.
pub fn text() -> serde_json::Result<String> {
    let info = Info {
        title: "Korob".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        description: DESCRIPTION.to_owned(),
        more_paths: paths(),
        more_messages: vec!["korob.catalog.v1.ImportFeedProgress".to_owned()],
    };
    let document = transcode::openapi(Api::suite(), &info);
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

fn paths() -> Map<String, Value> {
    let mut paths = Map::new();
    paths.insert(
        "/healthz".to_owned(),
        json!({"get": open("gateway.live", "Tells that the process answers", "Live.")}),
    );
    let mut ready = open("gateway.ready", "Tells whether every service serves", "Ready.");
    ready["responses"]["503"] = json!({
        "description": "Some service does not serve, or the gateway is about to stop.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    });
    paths.insert("/readyz".to_owned(), json!({"get": ready}));
    let openapi = open("gateway.openapi", "Describes the API", "This document.");
    paths.insert("/openapi.json".to_owned(), json!({"get": openapi}));
    paths.insert("/v1/feeds/yml".to_owned(), json!({"post": import_feed()}));
    paths
}

fn open(operation_id: &str, summary: &str, answer: &str) -> Value {
    json!({
        "operationId": operation_id,
        "tags": ["gateway"],
        "summary": summary,
        "security": [],
        "responses": {
            "200": {
                "description": answer,
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
        },
    })
}

fn import_feed() -> Value {
    let parameter = |name: &str, kind: &str, description: &str| json!({"name": name, "in": "query", "description": description, "schema": {"type": kind}});
    let problem = |name: &str| json!({"$ref": format!("#/components/responses/{name}")});
    json!({
        "operationId": "catalog.import_feed",
        "tags": ["catalog"],
        "summary": "Imports a YML feed, reporting progress and every refused row",
        "security": [{"apiKey": ["catalog.write"]}],
        "parameters": [
            parameter("dryRun", "boolean", "Tells what would change and writes nothing."),
            parameter("sourceId", "string",
                "The source whose ids the feed carries; the same source updates what it created."),
            parameter("priceListId", "string",
                "The price list that gets the prices; empty for the default list of each currency."),
        ],
        "requestBody": {"required": true, "content": {"application/xml": {}, "application/octet-stream": {}}},
        "responses": {
            "200": {
                "description": "One JSON object per line: progress, and as the last line `{\"problem\": …}` when it failed.",
                "content": {"application/x-ndjson": {
                    "schema": {"$ref": "#/components/schemas/catalog.ImportFeedProgress"},
                }},
            },
            "400": problem("BadRequest"),
            "401": problem("Unauthorized"),
            "403": problem("Forbidden"),
            "404": problem("NotFound"),
            "408": problem("RequestTimeout"),
            "409": problem("Conflict"),
            "413": problem("ContentTooLarge"),
            "415": problem("UnsupportedMediaType"),
            "429": problem("TooManyRequests"),
            "431": problem("HeadersTooLarge"),
            "500": problem("InternalError"),
            "503": problem("Unavailable"),
            "504": problem("Timeout"),
        },
    })
}
