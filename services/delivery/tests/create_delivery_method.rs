//! Adding a way to deliver.

use proto::delivery::v1::{CreateDeliveryMethodRequest, DeliveryKind, DeliveryMethod};
use testing::refusal;
use tonic::Code;
use types::ShopId;

use crate::{Yard, courier, money, tariff};

fn request(method: DeliveryMethod, key: &str) -> CreateDeliveryMethodRequest {
    CreateDeliveryMethodRequest { delivery_method: Some(method), idempotency_key: key.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_is_kept_as_it_was_given() {
    let yard = Yard::open().await;
    let mut zoned = tariff("70.00", "UAH");
    zoned.country_code = "ua".to_owned();
    zoned.cities = vec!["Київ".to_owned(), "Львів".to_owned()];
    zoned.postal_prefixes = vec!["01".to_owned()];
    zoned.weight_grams_max = 5000;
    zoned.goods_total_min = Some(money("100.00", "UAH"));
    let mut wanted = courier("Our courier", vec![zoned, tariff("0.00", "UAH")]);
    wanted.sort_order = -3;

    let created = yard.offer(wanted.clone()).await;

    wanted.delivery_method_id = created.delivery_method_id.clone();
    wanted.etag = "1".to_owned();
    wanted.tariffs[0].country_code = "UA".to_owned();
    assert_eq!(created, wanted);
    assert_eq!(yard.history_of(&created.delivery_method_id).await, ["delivery.create_delivery_method"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_first_answer_and_another_request_none() {
    let yard = Yard::open().await;
    let method = courier("Courier", vec![tariff("1.00", "EUR")]);
    let first = yard.delivery().create_delivery_method(request(method.clone(), "k")).await.expect("creates");
    let again = yard.delivery().create_delivery_method(request(method, "k")).await.expect("replays");
    assert_eq!(first.into_inner(), again.into_inner());
    let other = courier("Other", vec![tariff("1.00", "EUR")]);
    let reused = refusal(yard.delivery().create_delivery_method(request(other, "k")).await);
    assert_eq!(reused.reason, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_offer_for_their_own_shops_only() {
    let yard = Yard::open().await;
    let mut method = courier("Courier", vec![tariff("1.00", "EUR")]);
    let mut partner = yard.partner_of(yard.shop);
    let refused = refusal(partner.create_delivery_method(request(method.clone(), "k")).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::PermissionDenied, "ORGANIZATION_WIDE"));
    method.shop_id = ShopId::new().to_string();
    let refused = refusal(partner.create_delivery_method(request(method.clone(), "k")).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "SHOP_NOT_FOUND"));
    method.shop_id = yard.shop.to_string();
    partner.create_delivery_method(request(method, "k")).await.expect("creates");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_named() {
    let yard = Yard::open().await;
    let mut bad = tariff("-1.00", "EUR");
    bad.country_code = "UKR".to_owned();
    bad.cities = vec!["Kyiv".to_owned(), " ".to_owned()];
    bad.postal_prefixes = vec!["\u{7}".to_owned()];
    bad.weight_grams_max = -1;
    bad.goods_total_min = Some(money("1.00", "USD"));
    bad.days_min = 5;
    bad.days_max = 4;
    let mut method = courier("", vec![tariff("1.00", "EUR"), bad]);
    method.shop_id = "shp".to_owned();
    method.kind = 9;
    let refused = refusal(yard.delivery().create_delivery_method(request(method, "")).await);
    assert_eq!(refused.code, Code::InvalidArgument);
    assert_eq!(
        refused.fields,
        [
            "idempotency_key",
            "delivery_method.shop_id",
            "delivery_method.kind",
            "delivery_method.name",
            "delivery_method.tariffs[1].country_code",
            "delivery_method.tariffs[1].cities[1]",
            "delivery_method.tariffs[1].postal_prefixes[0]",
            "delivery_method.tariffs[1].weight_grams_max",
            "delivery_method.tariffs[1].price.amount",
            "delivery_method.tariffs[1].goods_total_min.currency_code",
            "delivery_method.tariffs[1].days_max",
        ]
    );
    let mut method = courier("Courier", Vec::new());
    method.kind = DeliveryKind::Unspecified.into();
    let refused = refusal(yard.delivery().create_delivery_method(request(method, "k")).await);
    assert_eq!(refused.fields, ["delivery_method.kind", "delivery_method.tariffs"]);
    let refused =
        refusal(yard.delivery().create_delivery_method(CreateDeliveryMethodRequest::default()).await);
    assert_eq!(refused.fields, ["idempotency_key", "delivery_method"]);
}
