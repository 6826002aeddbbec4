//! Changing a way to deliver.

use prost_types::FieldMask;
use proto::delivery::v1::{DeliveryMethod, UpdateDeliveryMethodRequest};
use testing::refusal;
use tonic::Code;
use types::{DeliveryMethodId, ShopId};

use crate::{Answer, Yard, courier, tariff};

async fn update(yard: &Yard, method: &DeliveryMethod, paths: &[&str]) -> Answer<DeliveryMethod> {
    yard.delivery().update_delivery_method(request(method, paths)).await
}

fn request(method: &DeliveryMethod, paths: &[&str]) -> UpdateDeliveryMethodRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    UpdateDeliveryMethodRequest {
        delivery_method: Some(method.clone()),
        update_mask: Some(FieldMask { paths }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_named_fields_change() {
    let yard = Yard::open().await;
    let method = yard.offer_courier().await;
    let mut wanted = courier("Express", vec![tariff("90.00", "UAH"), tariff("1.00", "EUR")]);
    wanted.delivery_method_id = method.delivery_method_id.clone();
    wanted.cash_on_delivery = false;
    wanted.archived = true;
    wanted.sort_order = 7;

    let named = update(&yard, &wanted, &["name"]).await.expect("updates").into_inner();
    let expected = DeliveryMethod { name: "Express".to_owned(), etag: "2".to_owned(), ..method };
    assert_eq!(named, expected);
    let all = ["tariffs", "cash_on_delivery", "archived", "sort_order"];
    let changed = update(&yard, &wanted, &all).await.expect("updates").into_inner();
    assert_eq!(changed, DeliveryMethod { etag: "3".to_owned(), ..wanted.clone() });
    let same = update(&yard, &wanted, &all).await.expect("finds it done").into_inner();
    assert_eq!(same.etag, "3");
    assert_eq!(yard.history_of(&wanted.delivery_method_id).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_etag_is_refused_with_the_current_one() {
    let yard = Yard::open().await;
    let mut method = yard.offer_courier().await;
    method.sort_order = 1;
    update(&yard, &method, &["sort_order"]).await.expect("updates");
    method.sort_order = 2;
    let status = update(&yard, &method, &["sort_order"]).await.expect_err("an old etag");
    assert_eq!((status.code(), rpc::reason(&status).as_deref()), (Code::Aborted, Some("ETAG_MISMATCH")));
    assert_eq!(rpc::metadata(&status)["current_etag"], "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_change_their_own_methods_only() {
    let yard = Yard::open().await;
    let everywhere = yard.offer_courier().await;
    let mut own = courier("Own", vec![tariff("1.00", "UAH")]);
    own.shop_id = yard.shop.to_string();
    let own = yard.offer(own).await;
    let mut absent = own.clone();
    absent.delivery_method_id = DeliveryMethodId::new().to_string();

    let mut stranger = yard.partner_of(ShopId::new());
    let foreign = refusal(stranger.update_delivery_method(request(&own, &["name"])).await);
    assert_eq!(foreign, refusal(stranger.update_delivery_method(request(&absent, &["name"])).await));
    assert_eq!((foreign.code, foreign.reason.as_str()), (Code::NotFound, "DELIVERY_METHOD_NOT_FOUND"));
    let wide = refusal(stranger.update_delivery_method(request(&everywhere, &["name"])).await);
    assert_eq!(wide.reason, "ORGANIZATION_WIDE");
    yard.partner_of(yard.shop).update_delivery_method(request(&own, &["name"])).await.expect("updates");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let yard = Yard::open().await;
    let mut method = yard.offer_courier().await;
    assert_eq!(refusal(update(&yard, &method, &[]).await).fields, ["update_mask"]);
    assert_eq!(
        refusal(update(&yard, &method, &["kind", "etag"]).await).fields,
        ["update_mask", "update_mask"]
    );
    method.name = " ".to_owned();
    method.tariffs.clear();
    let refused = refusal(update(&yard, &method, &["name", "tariffs"]).await);
    assert_eq!(refused.fields, ["delivery_method.name", "delivery_method.tariffs"]);
    let nothing =
        refusal(yard.delivery().update_delivery_method(UpdateDeliveryMethodRequest::default()).await);
    assert_eq!(nothing.fields, ["update_mask", "delivery_method"]);
}
