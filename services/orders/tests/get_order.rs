//! Reading one order.

use proto::orders::v1 as pb;
use tonic::Code;
use types::OrderId;

use crate::shop::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_order_is_as_absent_as_none() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let (other_shop, _) = shop.add_shop();
    let get = async |mut client: crate::shop::Client, order_id: String| {
        client.get_order(pb::GetOrderRequest { order_id }).await
    };

    let foreign =
        get(shop.partner(&[other_shop], &["orders.read"]), order.order_id.clone()).await.unwrap_err();
    let absent = get(shop.client(), OrderId::new().to_string()).await.unwrap_err();
    let own = get(shop.partner(&[shop.shop_id], &["orders.read"]), order.order_id.clone()).await.unwrap();

    assert_eq!(
        (foreign.code(), foreign.message(), foreign.details()),
        (absent.code(), absent.message(), absent.details())
    );
    assert_eq!(testing::refusal::<pb::Order>(Err(absent)).reason, "ORDER_NOT_FOUND");
    assert_eq!(own.into_inner(), order);
    let malformed = testing::refusal(get(shop.client(), "ord_7".to_owned()).await);
    assert_eq!((malformed.code, malformed.fields), (Code::InvalidArgument, vec!["order_id".to_owned()]));
    let scopeless =
        testing::refusal(get(shop.partner(&[shop.shop_id], &["orders.write"]), order.order_id).await);
    assert_eq!(scopeless.reason, "SCOPE_MISSING");
}
