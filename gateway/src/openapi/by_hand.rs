//! What the routes that are written by hand take and answer.

use serde_json::{Map, Value, json};

/// Refusals by status, as the routes from the contracts name them.
const REFUSALS: [(&str, &str); 12] = [
    ("400", "BadRequest"),
    ("401", "Unauthorized"),
    ("403", "Forbidden"),
    ("404", "NotFound"),
    ("408", "RequestTimeout"),
    ("409", "Conflict"),
    ("413", "ContentTooLarge"),
    ("415", "UnsupportedMediaType"),
    ("429", "TooManyRequests"),
    ("500", "InternalError"),
    ("503", "Unavailable"),
    ("504", "Timeout"),
];

pub(super) fn paths() -> Map<String, Value> {
    let document = |id: &str, summary: &str, answer: &str| json!({"get": open(id, summary, answer)});
    let mut ready = document("gateway.ready", "Tells whether every service serves", "Ready.");
    ready["get"]["responses"]["503"] = json!({
        "description": "Some service does not serve, or the gateway is about to stop.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    });
    let paths = [
        ("/healthz", document("gateway.live", "Tells that the process answers", "Live.")),
        ("/readyz", ready),
        ("/openapi.json", document("gateway.openapi", "Describes the API", "This document.")),
        ("/docs", docs()),
        ("/v1/feeds/yml", json!({"post": import_yml(), "get": export_yml()})),
        ("/v1/feeds/csv", json!({"post": import_csv()})),
        ("/v1/shipments/{shipmentId}/label", json!({"get": label()})),
        ("/v1/shipment-labels", json!({"get": labels()})),
        ("/v1/events/stream", json!({"get": event_stream()})),
        ("/v1/webhooks/payments/{providerAccountId}", json!({"post": payment_webhook()})),
        ("/v1/webhooks/carriers/{carrierAccountId}", json!({"post": carrier_webhook()})),
        ("/track/{trackerCode}", json!({"get": tracker()})),
    ];
    paths.into_iter().map(|(path, operations)| (path.to_owned(), operations)).collect()
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

fn docs() -> Value {
    let mut docs = open("gateway.docs", "Describes the API to people", "This document as a page.");
    docs["responses"]["200"]["content"] = json!({"text/html": {"schema": {"type": "string"}}});
    json!({"get": docs})
}

fn import_yml() -> Value {
    let mut parameters = import_parameters();
    parameters.push(query("createBrands", "boolean", "Whether vendors that are no brand yet become one."));
    json!({
        "operationId": "catalog.import_feed",
        "tags": ["catalog"],
        "summary": "Imports a YML feed, reporting progress and every refused row",
        "security": [{"apiKey": ["catalog.write"]}],
        "parameters": parameters,
        "requestBody": {"required": true, "content": {"application/xml": {}, "application/octet-stream": {}}},
        "responses": progress(),
    })
}

fn import_csv() -> Value {
    let mut parameters = import_parameters();
    parameters.push(query("importMappingId", "string", "How the columns are read."));
    parameters.push(query("createBrands", "boolean", "Whether vendors that are no brand yet become one."));
    json!({
        "operationId": "catalog.import_csv",
        "tags": ["catalog"],
        "summary": "Imports a spreadsheet as CSV, reporting progress and every refused row",
        "security": [{"apiKey": ["catalog.write"]}],
        "parameters": parameters,
        "requestBody": {"required": true, "content": {"text/csv": {}, "application/octet-stream": {}}},
        "responses": progress(),
    })
}

fn import_parameters() -> Vec<Value> {
    let mut identity = query("identity", "string", "Whose ids the file carries.");
    identity["schema"] = json!({"$ref": "#/components/schemas/catalog.FeedIdentity"});
    vec![
        query("dryRun", "boolean", "Tells what would change and writes nothing."),
        query(
            "sourceId",
            "string",
            "The source whose ids the feed carries; the same source updates what it created.",
        ),
        query(
            "priceListId",
            "string",
            "The price list that gets the prices; empty for the default list of each currency.",
        ),
        identity,
    ]
}

fn progress() -> Value {
    let lines = json!({
        "description": "One JSON object per line: progress, and as the last line `{\"problem\": …}` when it failed.",
        "content": {"application/x-ndjson": {
            "schema": {"$ref": "#/components/schemas/catalog.ImportFeedProgress"},
        }},
    });
    with_refusals(lines, &[])
}

fn export_yml() -> Value {
    let file = json!({
        "description": "The feed. A connection that breaks before its end means that the feed is not complete.",
        "content": {"application/xml": {"schema": {"type": "string"}}},
    });
    let required = |mut parameter: Value| {
        parameter["required"] = json!(true);
        parameter
    };
    json!({
        "operationId": "catalog.export_feed",
        "tags": ["catalog"],
        "summary": "Exports what a shop sells as a YML feed",
        "security": [{"apiKey": ["catalog.read"]}],
        "parameters": [
            required(query("shopId", "string",
                "Its name and address stand in the feed, and the stock of its warehouses counts.")),
            required(query("currencyCode", "string", "ISO 4217.")),
            query("channel", "string", "Such as `site`."),
            query("priceListId", "string", "Prices of this list only."),
        ],
        "responses": with_refusals(file, BODY_REFUSALS),
    })
}

fn label() -> Value {
    json!({
        "operationId": "delivery.get_shipment_label",
        "tags": ["delivery"],
        "summary": "Returns the label of a parcel as a file",
        "security": [{"apiKey": ["delivery.read"]}],
        "parameters": [in_path("shipmentId", "shm_…")],
        "responses": with_refusals(printed("The label."), BODY_REFUSALS),
    })
}

fn labels() -> Value {
    let mut ids = query("shipmentIds", "array", "1 to 100, each as a parameter of its own.");
    ids["schema"]["items"] = json!({"type": "string"});
    ids["required"] = json!(true);
    json!({
        "operationId": "delivery.print_labels",
        "tags": ["delivery"],
        "summary": "Returns the labels of several parcels as one file, in the order asked for",
        "security": [{"apiKey": ["delivery.read"]}],
        "parameters": [ids],
        "responses": with_refusals(printed("The labels."), BODY_REFUSALS),
    })
}

fn event_stream() -> Value {
    let mut types =
        query("types", "array", "Such as `order.placed`; without any, all that the key's scopes show.");
    types["schema"]["items"] = json!({"type": "string"});
    let mut last =
        query("Last-Event-ID", "string", "The `id` of the last event that came; it goes before `after`.");
    last["in"] = json!("header");
    let told = json!({
        "description": "Server-sent events: `event` is the type, `data` the event as in the feed, `id` the cursor behind it. An \
            `id` without data says how far the stream came. It ends by itself after some minutes: come back with the last id.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    });
    let mut responses = with_refusals(told, BODY_REFUSALS);
    responses["410"] = json!({"$ref": "#/components/responses/Gone"});
    json!({
        "operationId": "webhooks.watch_feed",
        "tags": ["webhooks"],
        "summary": "Tells of changes as they happen",
        "security": [{"apiKey": ["webhooks.events"]}],
        "parameters": [
            query("after", "string", "A cursor of the feed; without one the stream begins now."),
            types,
            query("shopId", "string", "Changes of this shop and of the organisation only."),
            query("exceptOwn", "boolean", "Leaves out what was done with the key that asks."),
            last,
        ],
        "responses": responses,
    })
}

fn printed(description: &str) -> Value {
    json!({
        "description": description,
        "headers": {"Content-Disposition": {"description": "The name of the file.", "schema": {"type": "string"}}},
        "content": {
            "application/pdf": {"schema": {"type": "string", "format": "binary"}},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    })
}

fn tracker() -> Value {
    let shown = json!({
        "description": "The parcel: a page in Ukrainian, Russian or English, with times by the shop's clock; JSON for \
            `Accept: application/json`.",
        "content": {
            "text/html": {"schema": {"type": "string"}},
            "application/json": {"schema": {"$ref": "#/components/schemas/delivery.Tracker"}},
        },
    });
    json!({
        "operationId": "delivery.get_tracker",
        "tags": ["delivery"],
        "summary": "Shows the buyer where a parcel is",
        "description": "Shows the buyer where a parcel is. No key: who has the link may look. Names nobody, no address and \
            no sum. Refusals are pages, too, unless JSON is asked for.",
        "security": [],
        "parameters": [in_path("trackerCode", "`trackerCode` of the shipment.")],
        "responses": as_pages(with_refusals(shown, &["400", "401", "403", "408", "409", "413", "415"])),
    })
}

/// The same refusals, to people. What has too large a header is refused before anybody knows what was asked.
fn as_pages(mut responses: Value) -> Value {
    for (status, said) in [
        ("404", "There is no such parcel."),
        ("429", "Too many looks from one address."),
        ("500", "Something failed inside."),
        ("503", "The parcel cannot be looked up at the moment."),
        ("504", "The parcel could not be looked up in time."),
    ] {
        responses[status] = json!({"description": said, "content": {
            "text/html": {"schema": {"type": "string"}},
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
        }});
    }
    responses
}

fn payment_webhook() -> Value {
    webhook(
        "payments.receive_provider_webhook",
        "payments",
        "Takes what a payment provider tells",
        in_path("providerAccountId", "The payment account, pac_…; give this address to the provider."),
    )
}

fn carrier_webhook() -> Value {
    webhook(
        "delivery.receive_carrier_webhook",
        "delivery",
        "Takes what a carrier tells",
        in_path("carrierAccountId", "The carrier account, cac_…; give this address to the carrier."),
    )
}

fn webhook(operation_id: &str, tag: &str, summary: &str, account: Value) -> Value {
    json!({
        "operationId": operation_id,
        "tags": [tag],
        "summary": summary,
        "description": format!("{summary}. No key: the sender is known by the signature. What is genuine is kept as it \
            was sent and applied once, later."),
        "security": [],
        "parameters": [account],
        "requestBody": {"required": true, "content": {"application/json": {}, "application/octet-stream": {}}},
        "responses": with_refusals(json!({"description": "Kept; it need not be sent again."}), &["403"]),
    })
}

/// What only requests with a body are refused for.
const BODY_REFUSALS: &[&str] = &["408", "413", "415"];

fn with_refusals(answer: Value, without: &[&str]) -> Value {
    let mut responses = json!({"200": answer});
    for (status, name) in REFUSALS.into_iter().filter(|(status, _)| !without.contains(status)) {
        responses[status] = json!({"$ref": format!("#/components/responses/{name}")});
    }
    responses["431"] = json!({"$ref": "#/components/responses/HeadersTooLarge"});
    responses
}

fn query(name: &str, kind: &str, description: &str) -> Value {
    json!({"name": name, "in": "query", "description": description, "schema": {"type": kind}})
}

fn in_path(name: &str, description: &str) -> Value {
    json!({"name": name, "in": "path", "required": true, "description": description,
        "schema": {"type": "string", "minLength": 1}})
}
