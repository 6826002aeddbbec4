//! Paths, query parameters, idempotency keys, and what is found where.

use http::Method;
use transcode::{Api, NoRoute};

use crate::shapes::{KINDS, read, refusal, request};

#[test]
fn every_annotated_method_of_the_suite_has_a_route() {
    let api = Api::suite();
    let place = api.find(&Method::POST, "/v1/orders").unwrap().route;
    assert_eq!(place.operation, "orders.place_order");
    assert_eq!(place.grpc_path, "/korob.orders.v1.OrderService/PlaceOrder");
    assert_eq!((place.service.as_str(), place.policy.scope.as_str()), ("orders", "orders.write"));
    assert!(place.is_keyed() && place.has_body());
    let update = api.find(&Method::PATCH, "/v1/shops/shp_1").unwrap().route;
    assert_eq!(update.template, "/v1/shops/{shop.shopId}");
    assert!(api.routes().iter().all(|route| route.policy.no_http_reason.is_empty()));
}

#[test]
fn literals_win_over_variables() {
    let api = Api::suite();
    let operation = |method, path| api.find(&method, path).map(|found| found.route.operation.as_str());
    assert_eq!(operation(Method::POST, "/v1/stock/receive"), Ok("inventory.receive_stock"));
    assert_eq!(operation(Method::GET, "/v1/stock/receive"), Ok("inventory.get_stock_level"));
    assert_eq!(operation(Method::GET, "/v1/stock"), Ok("inventory.list_stock_levels"));
}

#[test]
fn unknown_paths_and_other_methods() {
    let found = |method, path| KINDS.find(&method, path).map(|found| found.route.operation.clone());
    for path in ["", "/", "/v1", "/v1/kinds/", "/v1/kinds/a/", "//v1/kinds", "/v1/kinds/a/b", "/v2/kinds"] {
        assert_eq!(found(Method::GET, path), Err(NoRoute::UnknownPath), "{path}");
    }
    assert_eq!(found(Method::DELETE, "/v1/kinds"), Err(NoRoute::OtherMethods(vec![Method::POST])));
    let both = vec![Method::GET, Method::POST];
    assert_eq!(found(Method::DELETE, "/v1/kinds/count"), Err(NoRoute::OtherMethods(both)));
}

#[test]
fn query_parameters_become_fields() {
    let query = "int32_value=-5&texts=a&texts=b%26c+d&inner.name=%D0%9A&inner.inner.count=2&colour=COLOUR_RED\
                 &atTime=2025-01-31T10:00:00%2B02:00&boolValue=true&colours=COLOUR_RED&colours=COLOUR_FAR&numbers=1&numbers=2";
    let body = r#"{"text": "a b", "int32Value": -5, "texts": ["a", "b&c d"], "inner": {"name": "К", "inner": {"count": 2}},
        "colour": "COLOUR_RED", "atTime": "2025-01-31T08:00:00Z", "boolValue": true,
        "colours": ["COLOUR_RED", "COLOUR_FAR"], "numbers": [1, 2]}"#;
    assert_eq!(request(Method::GET, &format!("/v1/kinds/a%20b?{query}"), "", None), read(body));
}

#[test]
fn wrong_parameters_are_refused_by_name() {
    let cases = [
        ("surprise=1", "surprise UNKNOWN_PARAMETER"),
        ("inner=1", "inner UNKNOWN_PARAMETER"),
        ("inner.surprise=1", "inner.surprise UNKNOWN_PARAMETER"),
        ("inners.name=1", "inners.name UNKNOWN_PARAMETER"),
        ("textByText=1", "textByText UNKNOWN_PARAMETER"),
        ("text=1", "text UNKNOWN_PARAMETER"),
        ("int32Value=1&int32_value=1", "int32Value DUPLICATE_FIELD"),
        ("int32Value=", "int32Value NOT_AN_INTEGER"),
        ("int32Value=2147483648", "int32Value OUT_OF_RANGE"),
        ("boolValue=yes", "boolValue WRONG_TYPE"),
        ("colour=red", "colour UNKNOWN_ENUM_VALUE"),
        ("atTime=now", "atTime MALFORMED"),
        ("optionalText=%00", "optionalText NUL_CHARACTER"),
        ("optionalText=%ff", "optionalText INVALID_UTF8"),
        ("optionalText=%4", "optionalText MALFORMED"),
    ];
    for (query, wanted) in cases {
        assert_eq!(refusal(request(Method::GET, &format!("/v1/kinds/a?{query}"), "", None)), wanted);
    }
    assert_eq!(refusal(request(Method::POST, "/v1/kinds?text=a", "{}", None)), "text UNKNOWN_PARAMETER");
    assert_eq!(refusal(request(Method::GET, "/v1/kinds/a%00b", "", None)), "text NUL_CHARACTER");
    assert_eq!(refusal(request(Method::GET, "/v1/kinds/a", "{}", None)), " UNEXPECTED_BODY");
}

#[test]
fn path_and_body_agree() {
    let update = |body| request(Method::PATCH, "/v1/kinds/a/of/7", body, None);
    let wanted = read(r#"{"inner": {"name": "a", "count": 3}, "int32Value": 7}"#);
    assert_eq!(update(r#"{"inner": {"count": 3}}"#), wanted);
    assert_eq!(update(r#"{"inner": {"count": 3, "name": "a"}, "int32Value": 7}"#), wanted);
    assert_eq!(refusal(update(r#"{"inner": {"name": "b"}}"#)), "inner.name PATH_MISMATCH");
    assert_eq!(refusal(update(r#"{"int32Value": 8}"#)), "int32Value PATH_MISMATCH");
    assert_eq!(refusal(request(Method::PATCH, "/v1/kinds/a/of/x", "", None)), "int32Value NOT_AN_INTEGER");
}

#[test]
fn the_idempotency_key_comes_from_the_header_or_the_body() {
    let create = |body, key| request(Method::POST, "/v1/kinds", body, key);
    let wanted = read(r#"{"idempotencyKey": "k1"}"#);
    assert_eq!(create("", Some("k1")), wanted);
    assert_eq!(create(r#"{"idempotencyKey": "k1"}"#, None), wanted);
    assert_eq!(create(r#"{"idempotencyKey": "k1"}"#, Some("k1")), wanted);
    let differs = create(r#"{"idempotency_key": "k2"}"#, Some("k1"));
    assert_eq!(refusal(differs), "idempotencyKey IDEMPOTENCY_KEY_MISMATCH");
}

#[test]
fn a_created_resource_has_a_location() {
    let api = Api::suite();
    let route = api.find(&Method::POST, "/v1/shops").unwrap().route;
    assert!(route.creates);
    let shop = prost::Message::encode_to_vec(&proto::access::v1::Shop {
        shop_id: "shp 1".into(),
        ..Default::default()
    });
    assert_eq!(api.location(route, &shop).as_deref(), Some("/v1/shops/shp%201"));
    let legal_entities = api.find(&Method::POST, "/v1/legal-entities").unwrap().route;
    assert_eq!(api.location(legal_entities, &[]), None);
}
