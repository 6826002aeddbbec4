//! What a client sends, and what reaches the service; every hostile body is a 4xx with a reason and a field.

use http::Method;
use prost::Message as _;
use proto::access::v1::{Shop as ShopResource, UpdateShopRequest};
use proto::orders::v1::{
    ListOrdersRequest, ListOrdersResponse, Order, OrderState, PlaceOrderRequest, PlaceOrderResponse,
};
use rpc::Fault;
use tonic::Code;

use crate::shop::Shop;

const PLACE: &str = "/korob.orders.v1.OrderService/PlaceOrder";
const LIST: &str = "/korob.orders.v1.OrderService/ListOrders";
const UPDATE_SHOP: &str = "/korob.access.v1.AccessService/UpdateShop";
const GET: &str = "/korob.orders.v1.OrderService/GetOrder";

const ORDER: &str = r#"{"sourceId": "src_1", "method": "ORDER_METHOD_CART", "lines": [
    {"sku": "A-1", "quantity": 2, "unitPrice": {"amount": "10.00", "currencyCode": "UAH"}},
    {"sku": "B-2", "quantity": 1}], "contact": {"name": "Олена", "phone": "+380"}}"#;

#[tokio::test]
async fn an_order_reaches_the_service_as_its_key() {
    let shop = Shop::open().await;
    shop.fakes.answer(PLACE, |_: PlaceOrderRequest| Ok(PlaceOrderResponse::default()));
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answer = shop
        .ask(Method::POST, "/v1/orders")
        .header("idempotency-key", "k-7")
        .header("traceparent", trace)
        .header("request-timeout", "1.5")
        .json(ORDER)
        .send()
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text);

    let asked = shop.fakes.asked(PLACE).remove(0);
    let request = PlaceOrderRequest::decode(asked.messages[0].clone()).unwrap();
    assert_eq!(request.idempotency_key, "k-7");
    assert_eq!((request.lines.len(), request.lines[0].quantity), (2, 2));
    assert_eq!(request.contact.unwrap().name, "Олена");
    assert!(asked.call.caller.actor.to_string().starts_with("key:key_"), "{:?}", asked.call);
    assert!(asked.call.caller.shops.single().is_some());
    assert_eq!(asked.call.trace.trace_id(), "0af7651916cd43dd8448eb211c80319c");
    assert!(asked.call.remaining().as_millis() <= 1500);
    assert_eq!(answer.header("x-request-id"), "0af7651916cd43dd8448eb211c80319c");
}

#[tokio::test]
async fn paths_and_parameters_become_fields() {
    let shop = Shop::open().await;
    shop.add_key("other", &["access.write"], 10);
    shop.fakes.answer(LIST, |_: ListOrdersRequest| Ok(ListOrdersResponse::default()));
    let answer = shop.get("/v1/orders?states=ORDER_STATE_NEW&states=ORDER_STATE_APPROVAL&pageSize=7").await;
    assert_eq!(answer.text, r#"{"orders":[],"nextPageToken":""}"#);
    let request = ListOrdersRequest::decode(shop.fakes.asked(LIST)[0].messages[0].clone()).unwrap();
    assert_eq!(request.states, [OrderState::New as i32, OrderState::Approval as i32]);
    assert_eq!(request.page_size, 7);

    shop.fakes.answer(UPDATE_SHOP, |request: UpdateShopRequest| Ok::<ShopResource, _>(request.shop.unwrap()));
    let answer = shop
        .ask_anonymously(Method::PATCH, "/v1/shops/shp_1")
        .header("authorization", "Bearer other")
        .json(r#"{"shop": {"name": "Цвіт"}, "updateMask": "name,countryCode"}"#)
        .send()
        .await;
    assert_eq!(
        (answer.json()["shopId"].as_str(), answer.json()["name"].as_str()),
        (Some("shp_1"), Some("Цвіт"))
    );
}

#[tokio::test]
async fn hostile_bodies_are_refused_with_reason_and_field() {
    let shop = Shop::open().await;
    let line =
        |line: &str| format!(r#"{{"sourceId": "s", "lines": [{{"sku": "A", "quantity": 1}}, {line}]}}"#);
    let cases = [
        (line(r#"{"quantity": 9223372036854775808}"#), "OUT_OF_RANGE", "lines[1].quantity"),
        (line(r#"{"quantity": 1e400}"#), "OUT_OF_RANGE", "lines[1].quantity"),
        (line(r#"{"quantity": 9007199254740993}"#), "OUT_OF_RANGE", "lines[1].quantity"),
        (line(r#"{"quantity": 1.5}"#), "NOT_AN_INTEGER", "lines[1].quantity"),
        (line(r#"{"quantity": NaN}"#), "INVALID_JSON", "lines[1].quantity"),
        (line(r#"{"quantity": 1, "quantity": 2}"#), "DUPLICATE_FIELD", "lines[1].quantity"),
        (line(r#"{"sku": "\u0000"}"#), "NUL_CHARACTER", "lines[1].sku"),
        (line(r#"{"sku": "\ud800"}"#), "LONE_SURROGATE", "lines[1].sku"),
        (line(r#"{"is_admin": true}"#), "UNKNOWN_FIELD", "lines[1].is_admin"),
        (r#"{"status": "paid"}"#.to_owned(), "UNKNOWN_FIELD", "status"),
        (r#"{"method": "ORDER_METHOD_THEFT"}"#.to_owned(), "UNKNOWN_ENUM_VALUE", "method"),
        (r#"{"method": 77}"#.to_owned(), "UNKNOWN_ENUM_VALUE", "method"),
        (r#"{"sourceId": "a"} {}"#.to_owned(), "TRAILING_TEXT", ""),
        ("[".repeat(100_000), "WRONG_TYPE", ""),
        (format!("{}{}", r#"{"lines":["#, "[".repeat(100_000)), "WRONG_TYPE", "lines[0]"),
        (r#"{"idempotencyKey": "other"}"#.to_owned(), "IDEMPOTENCY_KEY_MISMATCH", "idempotencyKey"),
    ];
    for (body, reason, field) in cases {
        let answer = shop.post("/v1/orders", body.clone()).await;
        let problem = answer.expect_problem(400, reason);
        assert_eq!(problem["errors"][0]["field"], field, "{:.80}", body);
        assert_eq!(problem["errors"][0]["reason"], reason);
    }
    let invalid = shop.post("/v1/orders", b"{\"comment\": \"\xff\"}".to_vec()).await;
    invalid.expect_problem(400, "INVALID_UTF8");
    assert!(shop.fakes.asked(PLACE).is_empty());
}

#[tokio::test]
async fn wrong_parameters_and_headers_are_refused() {
    let shop = Shop::open().await;
    shop.get("/v1/orders?pageSise=5").await.expect_problem(400, "UNKNOWN_PARAMETER");
    shop.get("/v1/orders?pageSize=many").await.expect_problem(400, "NOT_AN_INTEGER");
    shop.get("/v1/orders/ord%00").await.expect_problem(400, "NUL_CHARACTER");
    let post = |headers: &[(&str, &str)]| {
        let asking = shop.ask(Method::POST, "/v1/orders").body(ORDER);
        headers.iter().fold(asking, |asking, (name, value)| asking.header(name, value)).send()
    };
    post(&[("content-type", "text/plain")]).await.expect_problem(415, "UNSUPPORTED_MEDIA_TYPE");
    post(&[]).await.expect_problem(415, "UNSUPPORTED_MEDIA_TYPE");
    let json = ("content-type", "application/json; charset=UTF-8");
    post(&[json, ("content-encoding", "gzip")]).await.expect_problem(415, "UNSUPPORTED_ENCODING");
    post(&[json, ("request-timeout", "soon")]).await.expect_problem(400, "MALFORMED");
    post(&[json, ("idempotency-key", "a"), ("idempotency-key", "b")]).await.expect_problem(400, "MALFORMED");
}

#[tokio::test]
async fn a_change_is_made_to_what_was_read_or_not_at_all() {
    let shop = Shop::open().await;
    shop.add_key("other", &["access.write"], 1000);
    shop.fakes.answer(UPDATE_SHOP, |request: UpdateShopRequest| match request.shop.unwrap() {
        shop if shop.etag == "6" => {
            Err(Fault::new(Code::Aborted, "ETAG_MISMATCH", "it was changed meanwhile").into())
        }
        shop => Ok::<ShopResource, tonic::Status>(shop),
    });
    let update = |body: &'static str, conditions: &[&str]| {
        let asking = shop.ask_anonymously(Method::PATCH, "/v1/shops/shp_1");
        let asking = asking.header("authorization", "Bearer other").json(body);
        conditions.iter().fold(asking, |asking, value| asking.header("if-match", value)).send()
    };
    let renamed = r#"{"shop": {"name": "Цвіт"}, "updateMask": "name"}"#;
    for (conditions, etag) in [(&["\"7\""][..], "7"), (&["*"], ""), (&[], "")] {
        let answer = update(renamed, conditions).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["etag"]), (200, &etag.into()), "{conditions:?}");
    }
    update(renamed, &["\"6\""]).await.expect_problem(412, "ETAG_MISMATCH");
    // Whoever says it in the body knows this status from before.
    let old = r#"{"shop": {"name": "Цвіт", "etag": "6"}, "updateMask": "name"}"#;
    update(old, &[]).await.expect_problem(409, "ETAG_MISMATCH");
    update(old, &["\"7\""]).await.expect_problem(400, "IF_MATCH_MISMATCH");
    for wrong in [&["7"][..], &["W/\"7\""], &["\"6\", \"7\""], &["\"\""], &["\"6\"", "\"7\""], &["ї"]] {
        let problem = update(renamed, wrong).await.expect_problem(400, "MALFORMED");
        assert_eq!(problem["errors"][0]["field"], "If-Match", "{wrong:?}");
    }

    let placing =
        shop.ask(Method::POST, "/v1/orders").header("idempotency-key", "k").header("if-match", "\"7\"");
    placing.json(ORDER).send().await.expect_problem(400, "MALFORMED");
    assert!(shop.fakes.asked(PLACE).is_empty(), "a condition that cannot be kept");
    shop.fakes.answer(GET, |_: proto::orders::v1::GetOrderRequest| Ok(Order::default()));
    let reading = shop.ask(Method::GET, "/v1/orders/ord_1").header("if-match", "\"7\"").send().await;
    assert_eq!(reading.status, 200);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_however_it_is_announced() {
    let shop = Shop::open().await;
    let large = format!(r#"{{"comment": "{}"}}"#, "x".repeat(2 * 1024 * 1024));
    shop.post("/v1/orders", large).await.expect_problem(413, "BODY_TOO_LARGE");
}

#[tokio::test]
async fn any_text_reaches_the_service_unchanged() {
    let shop = Shop::open().await;
    shop.fakes.answer(PLACE, |_: PlaceOrderRequest| Ok(PlaceOrderResponse::default()));
    shop.fakes.answer(GET, |_: proto::orders::v1::GetOrderRequest| Ok(Order::default()));
    let texts =
        ["👩‍👩‍👧", "\u{202e}abc", "e\u{301}é", "'; DROP TABLE orders;--", "\r\nlevel=error", "=1+1", "<script>"];
    for text in texts {
        let body = serde_json::json!({"comment": text}).to_string();
        assert_eq!(shop.post("/v1/orders", body).await.status, 201);
        let asked = shop.fakes.asked(PLACE).pop().unwrap();
        assert_eq!(PlaceOrderRequest::decode(asked.messages[0].clone()).unwrap().comment, text);
    }
}
