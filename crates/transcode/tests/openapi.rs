//! The document says what the routes do.

use serde_json::{Value, json};
use transcode::{Api, Info, openapi};

use crate::shapes::KINDS;

fn document(api: &Api) -> Value {
    let info = Info {
        title: "Test".into(),
        version: "1".into(),
        description: "A test.".into(),
        more_paths: serde_json::Map::new(),
        more_messages: vec!["korob.catalog.v1.ImportFeedProgress".into()],
    };
    openapi(api, &info)
}

#[test]
fn placing_an_order_is_described_in_full() {
    let document = document(Api::suite());
    let place = &document["paths"]["/v1/orders"]["post"];
    assert_eq!(place["operationId"], "orders.place_order");
    assert_eq!(
        place["summary"],
        "Places an order: it is recorded first, then everything is held, or nothing is"
    );
    assert_eq!(place["security"], json!([{"apiKey": ["orders.write"]}]));
    assert_eq!(place["parameters"][0]["name"], "Idempotency-Key");
    for status in ["200", "201", "202", "400", "401", "403", "409", "413", "422", "429", "503"] {
        assert!(place["responses"].get(status).is_some(), "{status}");
    }
    let request = &document["components"]["schemas"]["orders.PlaceOrderRequest"];
    assert_eq!(request["additionalProperties"], false);
    assert_eq!(request["required"], json!(["sourceId", "lines"]));
    assert!(request["properties"].get("idempotencyKey").is_none());
    assert_eq!(request["properties"]["contact"]["x-data-class"], "personal");
    let receipt = &document["components"]["schemas"]["orders.PlaceOrderResponse"];
    assert!(receipt.get("additionalProperties").is_none());
    assert_eq!(receipt["required"], json!(["orderId", "number", "state", "paymentId", "existing"]));
}

#[test]
fn paths_queries_and_bodies_share_the_fields() {
    let document = document(&KINDS);
    let names = |operation: &Value| -> Vec<String> {
        let parameters = operation["parameters"].as_array().unwrap();
        parameters.iter().map(|one| format!("{} {}", one["in"], one["name"]).replace('"', "")).collect()
    };
    let get = names(&document["paths"]["/v1/kinds/{text}"]["get"]);
    assert_eq!(get[0], "path text");
    assert!(get.contains(&"query int32Value".to_owned()) && get.contains(&"query inner.name".to_owned()));
    assert!(!get.contains(&"query text".to_owned()));
    let update = names(&document["paths"]["/v1/kinds/{inner.name}/of/{int32Value}"]["patch"]);
    assert_eq!(update, ["path inner.name", "path int32Value", "header Idempotency-Key"]);
    assert!(
        document["paths"].to_string().contains("kinds.create_kind")
            && !document.to_string().contains("Purge")
    );
}

#[test]
fn every_reference_leads_somewhere_and_the_text_is_stable() {
    let document = document(Api::suite());
    let text = document.to_string();
    for part in text.split("\"$ref\":\"#").skip(1) {
        let pointer = part.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some_and(Value::is_object), "{pointer}");
    }
    assert_eq!(text, self::document(Api::suite()).to_string());
}
