//! The buyer's account: his own orders of one shop, in his language, and nothing of the desk's.

use std::time::Duration;

use proto::access::v1::PublicStatusName;
use proto::delivery::v1::{Shipment, ShipmentTracked, TrackingStatus};
use proto::orders::v1 as pb;
use proto::orders::v1::buyer_service_client::BuyerServiceClient;
use proto::orders::v1::create_buyer_token_request::Subject;
use rpc::{BoundChannel, BuyerTokens, Caller};
use testing::{World, refusal};
use tonic::Code;
use types::{CustomerId, OrderId, ShopId};

use crate::shop::{Shop, uah};

fn buyer(shop: &Shop, customer_id: &str, shop_id: ShopId) -> BuyerServiceClient<BoundChannel> {
    let caller = Caller::buyer(customer_id.parse().unwrap(), shop_id);
    BuyerServiceClient::new(shop.world.channel_as("orders", caller))
}

fn desk(shop: &Shop) -> BuyerServiceClient<BoundChannel> {
    BuyerServiceClient::new(shop.world.channel("orders"))
}

fn of_order(order_id: &str) -> pb::CreateBuyerTokenRequest {
    pb::CreateBuyerTokenRequest { subject: Some(Subject::OrderId(order_id.to_owned())), ..Default::default() }
}

fn by(shop: &Shop, phone: &str) -> pb::PlaceOrderRequest {
    let contact = pb::Contact { phone: phone.to_owned(), ..Default::default() };
    pb::PlaceOrderRequest { contact: Some(contact), ..shop.cart(&[("WRAP", 1)]) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_names_the_buyer_of_an_order_for_as_long_as_was_asked() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let tokens = BuyerTokens::new(shop.world.directory.keys(), shop.world.clock.clone());

    let request = pb::CreateBuyerTokenRequest { life_hours: 2, ..of_order(&order.order_id) };
    let by_order = desk(&shop).create_buyer_token(request).await.unwrap().into_inner();
    let request = pb::CreateBuyerTokenRequest {
        shop_id: shop.shop_id.to_string(),
        subject: Some(Subject::CustomerId(order.customer_id.clone())),
        life_hours: 720,
    };
    let by_customer = desk(&shop).create_buyer_token(request).await.unwrap().into_inner();

    let verified = tokens.verify(&by_order.token).unwrap();
    assert_eq!((verified.shop, verified.customer.to_string()), (shop.shop_id, order.customer_id.clone()));
    assert_eq!(by_order.expire_time.as_ref().unwrap().seconds, verified.expire_time.timestamp());
    assert_eq!(tokens.verify(&by_customer.token).unwrap().customer, verified.customer);
    shop.world.clock.advance(Duration::from_secs(2 * 3600));
    assert!(tokens.verify(&by_order.token).is_err());
    assert!(tokens.verify(&by_customer.token).is_ok());
    assert_eq!(shop.actions(&order.customer_id).await, ["orders.create_buyer_token"; 2]);
    let kept = "SELECT count(*) FROM audit_log WHERE changes::text LIKE '%kbt\\_%'";
    assert_eq!(shop.count(kept).await, 0, "the token is stored nowhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_strangers_are_not_given() {
    let shop = Shop::open().await;
    let (foreign, _) = shop.add_shop();
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let partner = World::partner(&[foreign], &["orders.buyer_tokens"]);
    let mut partner = BuyerServiceClient::new(shop.world.channel_as("orders", partner));
    let customer = |customer_id: &str| pb::CreateBuyerTokenRequest {
        shop_id: foreign.to_string(),
        subject: Some(Subject::CustomerId(customer_id.to_owned())),
        life_hours: 0,
    };

    let foreign_order = refusal(partner.create_buyer_token(of_order(&order.order_id)).await);
    let never = refusal(partner.create_buyer_token(of_order(&OrderId::new().to_string())).await);
    let foreign_customer = refusal(partner.create_buyer_token(customer(&order.customer_id)).await);
    let nobody = refusal(partner.create_buyer_token(customer(&CustomerId::new().to_string())).await);
    let long = pb::CreateBuyerTokenRequest { life_hours: 721, ..of_order(&order.order_id) };

    assert_eq!((foreign_order.clone(), foreign_order.reason.as_str()), (never, "ORDER_NOT_FOUND"));
    assert_eq!((foreign_customer.clone(), foreign_customer.reason.as_str()), (nobody, "CUSTOMER_NOT_FOUND"));
    assert_eq!(refusal(desk(&shop).create_buyer_token(long).await).fields, ["life_hours"]);
    let empty = pb::CreateBuyerTokenRequest::default();
    assert_eq!(refusal(desk(&shop).create_buyer_token(empty).await).fields, ["order_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_sees_his_own_orders_of_this_shop_only() {
    let shop = Shop::open().await;
    let (foreign, foreign_source) = shop.add_shop();
    let first = shop.placed(by(&shop, "+380671111111")).await;
    let second = shop.placed(by(&shop, "+380671111111")).await;
    let other = shop.placed(by(&shop, "+380672222222")).await;
    let mut elsewhere = by(&shop, "+380671111111");
    (elsewhere.shop_id, elsewhere.source_id) = (foreign.to_string(), foreign_source.to_string());
    let elsewhere = shop.placed(elsewhere).await;
    let rejected = pb::PlaceOrderRequest { expected_total: uah("1.00"), ..by(&shop, "+380671111111") };
    assert_eq!(refusal(shop.place(rejected).await).reason, "PRICE_CHANGED");
    let mut me = buyer(&shop, &first.customer_id, shop.shop_id);

    let list = async |me: &mut BuyerServiceClient<BoundChannel>, size: i32, token: String| {
        let request = pb::ListBuyerOrdersRequest { page_size: size, page_token: token, ..Default::default() };
        let page = me.list_buyer_orders(request).await.unwrap().into_inner();
        (page.orders.into_iter().map(|order| order.order_id).collect::<Vec<_>>(), page.next_page_token)
    };
    let (page, token) = list(&mut me, 1, String::new()).await;
    let (rest, end) = list(&mut me, 1, token).await;

    assert_eq!((page, rest), (vec![second.order_id.clone()], vec![first.order_id.clone()]));
    assert_eq!(end, "");
    let mut get = async |order_id: &str| {
        me.get_buyer_order(pb::GetBuyerOrderRequest { order_id: order_id.to_owned(), ..Default::default() })
            .await
    };
    assert_eq!(get(&first.order_id).await.unwrap().into_inner().number, first.number);
    let never = refusal(get(&OrderId::new().to_string()).await);
    assert_eq!((never.code, never.reason.as_str()), (Code::NotFound, "ORDER_NOT_FOUND"));
    for hidden in [&other.order_id, &elsewhere.order_id] {
        assert_eq!(refusal(get(hidden).await), never, "as absent as one that never was");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_opens_the_account() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let request = || pb::GetBuyerOrderRequest { order_id: order.order_id.clone(), ..Default::default() };
    let partner = World::partner(&[shop.shop_id], &["orders.read", "orders.write", "buyer.read"]);
    let mut partner = BuyerServiceClient::new(shop.world.channel_as("orders", partner));

    let by_key = partner.get_buyer_order(request()).await.expect_err("no key is a buyer");
    let by_desk = refusal(desk(&shop).get_buyer_order(request()).await);
    let mut orders = proto::orders::v1::order_service_client::OrderServiceClient::new(
        shop.world.channel_as("orders", Caller::buyer(order.customer_id.parse().unwrap(), shop.shop_id)),
    );
    let by_buyer = orders.get_order(pb::GetOrderRequest { order_id: order.order_id.clone() }).await;

    assert_eq!(by_key.code(), Code::PermissionDenied);
    assert_eq!(by_desk.reason, "BUYER_REQUIRED");
    assert_eq!(by_buyer.expect_err("the desk's view is not the buyer's").code(), Code::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn states_are_called_as_the_shop_calls_them_in_the_buyers_language() {
    let shop = Shop::open().await;
    {
        let mut them = shop.them.state();
        let known = them.shops.get_mut(&shop.shop_id.to_string()).unwrap();
        known.locale = "uk-UA".to_owned();
        let names = [("uk", "Чекаємо на вас"), ("pl", "Czekamy")];
        known.public_status_names = vec![PublicStatusName {
            state: pb::OrderState::Approval.into(),
            names: names.into_iter().map(|(language, name)| (language.to_owned(), name.to_owned())).collect(),
        }];
    }
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let mut me = buyer(&shop, &order.customer_id, shop.shop_id);
    let mut name = async |language: &str| {
        let request =
            pb::GetBuyerOrderRequest { order_id: order.order_id.clone(), language: language.to_owned() };
        me.get_buyer_order(request).await.unwrap().into_inner().status_name
    };

    for (language, expected) in [
        ("", "Прийнято"),
        ("ru", "Принят"),
        ("en-GB", "Received"),
        ("de, ru;q=0.2, en;q=0.9", "Received"),
        ("de", "Прийнято"),
        ("en;q=0, ru;q=0.1", "Принят"),
    ] {
        assert_eq!(name(language).await, expected, "{language}");
    }
    shop.change_state(&order.order_id, pb::OrderState::Approval).await.unwrap();
    for (language, expected) in [("uk-UA", "Чекаємо на вас"), ("PL", "Czekamy"), ("ru", "Уточняется")]
    {
        assert_eq!(name(language).await, expected, "{language}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_sees_prices_discounts_and_his_parcel() {
    let shop = Shop::open().await;
    shop.promo_code("SPRING", |_| {}).await;
    let request = pb::PlaceOrderRequest { promo_code: "SPRING".to_owned(), ..shop.parcel(&[("A-1", 2)]) };
    let order = shop.placed(request).await;
    shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap();
    let booked = shop
        .eventually(&order.order_id, "a parcel is booked", |order| {
            order.fulfilments.iter().any(|part| !part.shipment_id.is_empty())
        })
        .await;
    let shipment_id = booked.fulfilments[0].shipment_id.clone();
    let shipment = Shipment {
        shipment_id: shipment_id.clone(),
        order_id: order.order_id.clone(),
        carrier: "nova-poshta".to_owned(),
        tracking_number: "20450000000001".to_owned(),
        status: TrackingStatus::InTransit.into(),
        ..Default::default()
    };
    let event = ShipmentTracked { shipment: Some(shipment), ..Default::default() };
    shop.them.tell("delivery", &shipment_id, &event);
    shop.eventually(&order.order_id, "it has left", |order| order.state() == pb::OrderState::Delivery).await;

    let mut me = buyer(&shop, &order.customer_id, shop.shop_id);
    let request = pb::GetBuyerOrderRequest { order_id: order.order_id.clone(), ..Default::default() };
    let seen = me.get_buyer_order(request).await.unwrap().into_inner();

    assert_eq!((seen.goods_total.clone(), seen.discount_total.clone()), (uah("180.00"), uah("20.00")));
    assert_eq!((seen.delivery_total.clone(), seen.total.clone()), (uah("50.00"), uah("230.00")));
    assert_eq!((seen.state(), seen.delivery_method_name.as_str()), (pb::OrderState::Delivery, "Courier"));
    let [line] = seen.lines.as_slice() else { panic!("one line") };
    assert_eq!((line.name.as_str(), line.quantity, line.total.clone()), ("Product A-1", 2, uah("180.00")));
    let [parcel] = seen.parcels.as_slice() else { panic!("one parcel") };
    assert_eq!((parcel.carrier.as_str(), parcel.status.as_str()), ("nova-poshta", "in_transit"));
    assert_eq!(parcel.tracking_number, "20450000000001");
}
