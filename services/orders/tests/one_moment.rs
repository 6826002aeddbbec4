//! What several statements read is what was there at one moment, whatever is written in between.

use proto::orders::v1 as pb;

use crate::shop::{Shop, uah};

/// What a change writes while a reader stands between its first statement and the one that reads its lines.
const ORDER_CHANGE: &str = "UPDATE orders SET goods_total = 30000, total = 30000;
                            UPDATE order_lines SET ordered = 3, reserved = 3, total = 30000;";

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_read_as_it_was_at_one_moment() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 2)])).await;
    let database = shop.world.database("orders").client().await;
    let (mut client, order_id) = (shop.client(), order.order_id.clone());

    let read = testing::during(&database, "order_lines", ORDER_CHANGE, async move {
        client.get_order(pb::GetOrderRequest { order_id }).await.unwrap().into_inner()
    });
    let read = read.await;

    assert_eq!((read.total, read.lines[0].total.clone()), (uah("200.00"), uah("200.00")));
    let after = shop.order(&order.order_id).await;
    assert_eq!(
        (after.total, after.lines[0].total.clone()),
        (uah("300.00"), uah("300.00")),
        "the next one sees it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_read_as_it_was_at_one_moment() {
    let shop = Shop::open().await;
    shop.placed(shop.cart(&[("A-1", 2)])).await;
    let database = shop.world.database("orders").client().await;
    let mut client = shop.client();
    let leaves = "UPDATE orders SET state = 'delivery', status = 'delivery';
                  UPDATE order_lines SET shipped = 2, reserved = 0;";

    let listed = testing::during(&database, "order_lines", leaves, async move {
        client.list_orders(pb::ListOrdersRequest::default()).await.unwrap().into_inner()
    });
    let listed = listed.await;

    let one = &listed.orders[0];
    let (before, after) = (
        (pb::OrderState::New, pb::FulfilmentStatus::Unfulfilled),
        (pb::OrderState::Delivery, pb::FulfilmentStatus::Shipped),
    );
    let read = (one.state(), one.fulfilment_status());
    assert!(read == before || read == after, "either is a moment, no mixture is: {read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_is_read_as_it_was_at_one_moment() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 2)])).await;
    shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap();
    shop.change_state(&order.order_id, pb::OrderState::Delivery).await.unwrap();
    let request = pb::CreateReturnRequest {
        order_id: order.order_id.clone(),
        lines: vec![pb::NewReturnLine {
            line_id: order.lines[0].line_id.clone(),
            quantity: 1,
            reason: "other".to_owned(),
            ..Default::default()
        }],
        idempotency_key: shop.key(),
        ..Default::default()
    };
    let one = shop.client().create_return(request).await.unwrap().into_inner();
    let database = shop.world.database("orders").client().await;
    let (mut client, return_id) = (shop.client(), one.return_id.clone());
    let change = "UPDATE returns SET comment = 'both';
                  UPDATE return_lines SET quantity = 2;";

    let read = testing::during(&database, "return_lines", change, async move {
        client.get_return(pb::GetReturnRequest { return_id }).await.unwrap().into_inner()
    });
    let read = read.await;

    assert_eq!(read, one);
}
