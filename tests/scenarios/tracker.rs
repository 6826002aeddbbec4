//! The link that a shop sends: the buyer sees where the parcel is, and so may everybody who gets hold of the link.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::suite::{Mode, Suite};

/// What the suite knows of the people around the parcel, in every way it could be spelled.
const PERSONAL: [&str; 11] = [
    "Олена",
    "Коваленко",
    "380671000001",
    "671000001",
    "Київ",
    "Хрещатик",
    "Марії",
    "Лесі",
    "Іван",
    "150.00",
    "100.00",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_link_shows_the_parcel_and_nobody_behind_it() {
    let suite = Suite::start(Mode::OneProcess).await;
    suite.stock("MUG", 5).await;
    let placed = suite.rest.post("/v1/orders", "first", &suite.order("MUG", 1)).await.unwrap().ok().unwrap();
    let order_id = placed["orderId"].as_str().unwrap();
    for state in ["ORDER_STATE_APPROVAL", "ORDER_STATE_ASSEMBLING"] {
        let path = format!("/v1/orders/{order_id}/state");
        suite.rest.post(&path, state, &json!({ "state": state })).await.unwrap().ok().unwrap();
    }
    let parcel = testing::eventually("the parcel is booked", async || {
        let path = format!("/v1/shipments?orderId={order_id}");
        let shipments = suite.rest.get(&path).await.unwrap().ok().unwrap();
        let parcel = shipments["shipments"][0].clone();
        parcel["trackingNumber"].as_str().is_some_and(|number| !number.is_empty()).then_some(parcel)
    })
    .await;
    let code = parcel["trackerCode"].as_str().unwrap();

    let (status, page) = look(&suite, code, "text/html").await;
    assert!(status == StatusCode::OK && page.contains("<html lang=\"uk\">"), "the shop's language: {page}");
    assert!(
        page.contains(parcel["trackingNumber"].as_str().unwrap()) && page.contains("Europe/Kyiv"),
        "{page}"
    );
    expect_nobody(&page, &parcel);

    let now = types::Clock::system().now().to_rfc3339();
    let event = |status: &str| json!({ "status": status, "occurTime": now, "description": "віддати Марії <b>", "location": "вул. Лесі, 7" });
    let left = json!({ "event": event("TRACKING_STATUS_PICKED_UP") });
    let proof = json!({ "recipientName": "Іван", "codeWord": "Марії" });
    let handed_over = json!({ "event": event("TRACKING_STATUS_DELIVERED"), "proof": proof });
    for (key, report) in [("left", left), ("handed-over", handed_over)] {
        let path = format!("/v1/shipments/{}/tracking", parcel["shipmentId"].as_str().unwrap());
        suite.rest.post(&path, key, &report).await.unwrap().ok().unwrap();
    }
    let (_, page) = look(&suite, code, "text/html").await;
    assert!(page.contains("<p class=\"status\">Доставлено</p>"), "{page}");
    assert_eq!(page.matches("<li>").count(), 2, "{page}");
    expect_nobody(&page, &parcel);
    let (_, text) = look(&suite, code, "application/json").await;
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&told["status"], &told["shopId"]),
        (&json!("TRACKING_STATUS_DELIVERED"), &json!(suite.shop_id))
    );
    expect_nobody(&text, &parcel);

    // The other names of the parcel do not open the page: staff and partners know them.
    let (_, shipment) = parcel["shipmentId"].as_str().unwrap().split_once('_').unwrap();
    let (status, nowhere) = look(&suite, shipment, "text/html").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{nowhere}");
    assert_eq!(look(&suite, "x", "text/html").await, (status, nowhere));
    suite.stop().await;
}

#[track_caller]
fn expect_nobody(shown: &str, parcel: &Value) {
    let personal = PERSONAL
        .into_iter()
        .chain(["orderId", "shipmentId", "deliveryPlanId"].map(|id| parcel[id].as_str().unwrap()));
    for hidden in personal {
        assert!(!shown.contains(hidden), "{hidden} is shown: {shown}");
    }
}

/// What somebody without a key sees behind a link.
async fn look(suite: &Suite, code: &str, accept: &str) -> (StatusCode, String) {
    let request = Request::get(format!("{}/track/{code}", suite.url())).header("accept", accept);
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
