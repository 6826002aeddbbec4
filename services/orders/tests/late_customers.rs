//! Buyers that could not be identified in time.

use proto::orders::v1 as pb;

use crate::neighbours::Failure;
use crate::shop::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_does_not_wait_for_its_customer() {
    let shop = Shop::open().await;
    shop.them.fail("IdentifyCustomer", [Failure::HangBefore, Failure::Unavailable]);

    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;

    assert_eq!(order.customer_id, "");
    let known =
        shop.eventually(&order.order_id, "the buyer is known", |order| !order.customer_id.is_empty()).await;
    assert_eq!((known.state(), known.etag.as_str()), (pb::OrderState::New, "2"));
    assert_eq!(shop.events(&order.order_id).await, ["OrderPlaced", "OrderChanged"]);
    assert_eq!(shop.actions(&order.order_id).await[2], "orders.identify_customer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_who_cannot_be_understood_is_not_asked_about_for_ever() {
    let shop = Shop::open().await;
    shop.them.fail("IdentifyCustomer", [Failure::Refuse("NO_SUCH_PHONE"), Failure::Refuse("NO_SUCH_PHONE")]);

    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;

    testing::eventually("the job gives up", async || {
        (shop.count("SELECT count(*) FROM orders WHERE customer_wanted").await == 0).then_some(())
    })
    .await;
    assert_eq!(shop.order(&order.order_id).await, order);
}
