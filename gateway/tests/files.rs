//! Files that go out: feeds for marketplaces and labels for parcels.

use http::Method;
use prost::Message as _;
use proto::catalog::v1::{ExportFeedChunk, ExportFeedRequest};
use proto::delivery::v1::{
    GetShipmentLabelRequest, GetShipmentLabelResponse, PrintLabelsRequest, PrintLabelsResponse,
};
use rpc::{Actor, Fault};
use tonic::{Code, Status};

use crate::shop::{Answer, Shop};

const EXPORT: &str = "/korob.catalog.v1.CatalogService/ExportFeed";
const LABEL: &str = "/korob.delivery.v1.DeliveryService/GetShipmentLabel";
const LABELS: &str = "/korob.delivery.v1.DeliveryService/PrintLabels";

async fn open() -> Shop {
    let shop = Shop::open().await;
    shop.add_key("reader", &["catalog.read", "delivery.read"], 100);
    shop
}

async fn get(shop: &Shop, path: &str) -> Answer {
    shop.ask_anonymously(Method::GET, path).header("authorization", "Bearer reader").send().await
}

#[tokio::test]
async fn a_feed_streams_out() {
    let shop = open().await;
    shop.fakes.answer_stream(EXPORT, |_| {
        let chunks = ["<yml_catalog>", "", "<shop/>", "</yml_catalog>"];
        Ok(chunks.map(|text| ExportFeedChunk { chunk: text.into() }.encode_to_vec().into()).to_vec())
    });
    let answer = get(&shop, "/v1/feeds/yml?shopId=shp_1&currencyCode=UAH&channel=site").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "<yml_catalog><shop/></yml_catalog>"));
    assert_eq!(answer.header("content-type"), "application/xml; charset=utf-8");
    let asked = shop.fakes.asked(EXPORT).remove(0);
    let request = ExportFeedRequest::decode(asked.messages[0].clone()).unwrap();
    assert_eq!((request.shop_id.as_str(), request.channel.as_str()), ("shp_1", "site"));
    assert!(asked.call.caller.actor.to_string().starts_with("key:key_"));
}

#[tokio::test]
async fn what_the_catalog_refuses_is_refused_before_anything_is_sent() {
    let shop = open().await;
    shop.fakes.answer_stream(EXPORT, |_| Err(Fault::new(Code::NotFound, "SHOP_NOT_FOUND", "no shop").into()));
    get(&shop, "/v1/feeds/yml?shopId=shp_1").await.expect_problem(404, "SHOP_NOT_FOUND");
    get(&shop, "/v1/feeds/yml?shop=1").await.expect_problem(400, "UNKNOWN_PARAMETER");
    shop.get("/v1/feeds/yml").await.expect_problem(403, "SCOPE_MISSING");
    let put = shop.ask(Method::PUT, "/v1/feeds/yml").send().await;
    put.expect_problem(405, "METHOD_NOT_ALLOWED");
    assert_eq!(put.header("allow"), "GET, HEAD, OPTIONS, POST");
}

#[tokio::test]
async fn a_label_is_a_file_of_the_keys_own_shops() {
    let shop = open().await;
    shop.fakes.answer(LABEL, |request: GetShipmentLabelRequest| {
        assert_eq!(request.shipment_id, "shm_1");
        Ok(GetShipmentLabelResponse {
            content: b"%PDF-1.4".to_vec(),
            content_type: "application/pdf".to_owned(),
            file_name: "../TTN \"20450\"\r\nx: y.pdf".to_owned(),
        })
    });
    let answer = get(&shop, "/v1/shipments/shm_1/label").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "%PDF-1.4"));
    assert_eq!(answer.header("content-type"), "application/pdf");
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"TTN20450xy.pdf\"");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");

    // The method is one inside the suite: asked by the gateway, and still only for what the key may see.
    let caller = shop.fakes.asked(LABEL).remove(0).call.caller;
    assert_eq!(caller.actor, Actor::Service("gateway".to_owned()));
    assert!(caller.on_behalf_of.as_deref().is_some_and(|who| who.starts_with("key:key_")));
    assert!(caller.shops.single().is_some(), "{:?}", caller.shops);
    assert_eq!(caller.scopes, ["catalog.read", "delivery.read"]);
}

#[tokio::test]
async fn an_unknown_kind_of_label_is_bytes_and_a_refusal_a_problem() {
    let shop = open().await;
    shop.fakes.answer(LABELS, |request: PrintLabelsRequest| match request.shipment_ids.as_slice() {
        [first, second] if first == "shm_1" && second == "shm_2" => Ok(PrintLabelsResponse {
            content: b"<script>".to_vec(),
            content_type: "text/html".to_owned(),
            file_name: String::new(),
        }),
        _ => Err(Status::not_found("there is no such parcel")),
    });
    let answer = get(&shop, "/v1/shipment-labels?shipmentIds=shm_1&shipmentIds=shm_2").await;
    assert_eq!(answer.header("content-type"), "application/octet-stream");
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"label\"");
    get(&shop, "/v1/shipment-labels?shipmentIds=shm_3").await.expect_problem(404, "NOT_FOUND");
    shop.get("/v1/shipments/shm_1/label").await.expect_problem(403, "SCOPE_MISSING");
    shop.ask_anonymously(Method::GET, "/v1/shipments/shm_1/label")
        .send()
        .await
        .expect_problem(401, "KEY_REQUIRED");
}
