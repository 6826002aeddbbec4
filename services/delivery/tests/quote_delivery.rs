//! Quoting a cart.

use proto::delivery::v1::{DeliveryKind, DeliveryOption, QuoteDeliveryRequest};
use testing::refusal;
use types::ShopId;

use crate::{Yard, courier, kyiv, money, tariff};

fn cart(total: &str) -> QuoteDeliveryRequest {
    QuoteDeliveryRequest {
        address: Some(kyiv()),
        goods_total: Some(money(total, "UAH")),
        ..Default::default()
    }
}

async fn quote(yard: &Yard, request: &QuoteDeliveryRequest) -> Vec<String> {
    let quoted = yard.delivery().quote_delivery(request.clone()).await.expect("quotes").into_inner();
    quoted.options.into_iter().map(line).collect()
}

fn line(option: DeliveryOption) -> String {
    let price = option.price.expect("a price");
    format!("{} {} {}", option.name, price.amount, price.currency_code)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fits_is_listed_in_the_order_of_the_shop() {
    let yard = Yard::open().await;
    let mut free_from_a_thousand = tariff("0.00", "UAH");
    free_from_a_thousand.goods_total_min = Some(money("1000.00", "UAH"));
    let mut courier_method = courier("Courier", vec![free_from_a_thousand, tariff("50.00", "UAH")]);
    courier_method.sort_order = 2;
    yard.offer(courier_method).await;
    let mut pickup = courier("Pick-up", vec![tariff("0.00", "UAH")]);
    pickup.kind = DeliveryKind::Pickup.into();
    pickup.cash_on_delivery = false;
    pickup.sort_order = 1;
    yard.offer(pickup).await;
    let mut abroad = tariff("900.00", "UAH");
    abroad.country_code = "PL".to_owned();
    yard.offer(courier("Abroad", vec![abroad])).await;
    let mut light = tariff("20.00", "UAH");
    light.weight_grams_max = 500;
    yard.offer(courier("Envelope", vec![light])).await;
    yard.offer(courier("Other money", vec![tariff("2.00", "EUR")])).await;
    let mut archived = courier("Archived", vec![tariff("1.00", "UAH")]);
    archived.archived = true;
    yard.offer(archived).await;

    assert_eq!(
        quote(&yard, &cart("999.99")).await,
        ["Envelope 20.00 UAH", "Pick-up 0.00 UAH", "Courier 50.00 UAH"]
    );
    let heavy = QuoteDeliveryRequest { weight_grams: 501, ..cart("1000.00") };
    assert_eq!(quote(&yard, &heavy).await, ["Pick-up 0.00 UAH", "Courier 0.00 UAH"]);
    let on_delivery = QuoteDeliveryRequest { cash_on_delivery: true, ..heavy };
    assert_eq!(quote(&yard, &on_delivery).await, ["Courier 0.00 UAH"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_shops_methods_are_not_quoted() {
    let yard = Yard::open().await;
    let other = ShopId::new();
    for (name, shop) in [("own", yard.shop), ("foreign", other)] {
        let mut method = courier(name, vec![tariff("1.00", "UAH")]);
        method.shop_id = shop.to_string();
        yard.offer(method).await;
    }
    yard.offer(courier("common", vec![tariff("2.00", "UAH")])).await;
    let names = async |request: QuoteDeliveryRequest| {
        let quoted = yard.partner_of(yard.shop).quote_delivery(request).await.expect("quotes").into_inner();
        quoted.options.into_iter().map(|option| option.name).collect::<Vec<_>>()
    };
    assert_eq!(names(cart("1.00")).await, ["own", "common"]);
    let foreign = QuoteDeliveryRequest { shop_id: other.to_string(), ..cart("1.00") };
    assert_eq!(names(foreign.clone()).await, ["common"]);
    assert_eq!(quote(&yard, &foreign).await, ["foreign 1.00 UAH", "common 2.00 UAH"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let yard = Yard::open().await;
    let mut request = cart("-5.00");
    request.shop_id = "x".to_owned();
    request.weight_grams = -1;
    let address = request.address.as_mut().expect("an address");
    address.country_code = "Ukraine".to_owned();
    address.city = "x".repeat(301);
    address.line = "\0".to_owned();
    let refused = refusal(yard.delivery().quote_delivery(request).await);
    let wrong = [
        "shop_id",
        "address.city",
        "address.line",
        "address.country_code",
        "goods_total.amount",
        "weight_grams",
    ];
    assert_eq!(refused.fields, wrong);
}
