//! Who changed an order, when and how.

use proto::orders::v1 as pb;

use crate::shop::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn newest_first_page_by_page() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    shop.change_state(&order.order_id, pb::OrderState::Approval).await.unwrap();

    let mut request =
        pb::ListOrderHistoryRequest { order_id: order.order_id.clone(), page_size: 2, ..Default::default() };
    let first = shop.client().list_order_history(request.clone()).await.unwrap().into_inner();
    request.page_token = first.next_page_token;
    let second = shop.client().list_order_history(request.clone()).await.unwrap().into_inner();

    let entries: Vec<_> = first.entries.iter().chain(&second.entries).collect();
    let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["orders.change_order_state", "orders.settle_order", "orders.place_order"]);
    assert_eq!(second.next_page_token, "");
    let state = &entries[0].changes[0];
    assert_eq!(
        (state.field.as_str(), state.old_value.as_str(), state.new_value.as_str()),
        ("state", "\"new\"", "\"approval\"")
    );
    let actors: Vec<_> = entries.iter().map(|entry| entry.actor.as_str()).collect();
    assert_eq!(actors, ["operator:test", "service:orders on behalf of operator:test", "operator:test"]);
    assert!(entries.iter().all(|entry| entry.trace_id.len() == 32));

    let (other_shop, _) = shop.add_shop();
    request.page_token.clear();
    let foreign = shop.partner(&[other_shop], &["orders.read"]).list_order_history(request.clone()).await;
    assert_eq!(testing::refusal(foreign).reason, "ORDER_NOT_FOUND");
    request.page_size = 201;
    let too_many = testing::refusal(shop.client().list_order_history(request).await);
    assert_eq!(too_many.fields, ["page_size"]);
}
