//! What orders hears of stock that is not there after all.

use proto::orders::v1 as pb;

use crate::neighbours::{Failure, short};
use crate::shop::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn lost_units_are_shown_on_the_order() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 2), ("B-1", 1), ("A-1", 2)])).await;
    let reservation = order.reservation_id.parse().unwrap();

    let lost = short(reservation, &order.order_id, &[("A-1", 3), ("B-1", 1)], &[("A-1", 4, 3)]);
    shop.them.tell("inventory", &order.reservation_id, &short(reservation, "cart:7", &[], &[]));
    shop.them.tell("inventory", &order.reservation_id, &lost);

    let lacking =
        shop.eventually(&order.order_id, "the loss is shown", |order| !order.shortages.is_empty()).await;
    let reserved: Vec<_> = lacking.lines.iter().map(|line| line.reserved).collect();
    assert_eq!(reserved, [2, 1, 1]);
    assert_eq!(lacking.shortages, [pb::MissingItem { sku: "A-1".to_owned(), wanted: 4, available: 3 }]);
    assert_eq!(shop.events(&order.order_id).await, ["OrderPlaced", "OrderChanged"]);
    assert_eq!(shop.actions(&order.order_id).await[2], "orders.follow_stock");
}

#[tokio::test(flavor = "multi_thread")]
async fn units_lost_while_the_order_is_placed_are_not_forgotten() {
    let shop = Shop::open().await;
    shop.them.fail("OpenPayment", std::iter::repeat_n(Failure::Unavailable, 5));
    let (mut client, request) = (shop.client(), shop.cart(&[("A-1", 2)]));
    let placing = tokio::spawn(async move { client.place_order(request).await });
    testing::eventually("stock is held", async || (!shop.them.held().is_empty()).then_some(())).await;
    let (reservation, owner) = {
        let state = shop.them.state();
        let (id, reservation) = state.reservations.iter().next().unwrap();
        (id.clone(), reservation.owner.clone())
    };

    let lost = short(reservation.parse().unwrap(), &owner, &[("A-1", 1)], &[("A-1", 2, 1)]);
    shop.them.tell("inventory", &reservation, &lost);

    let receipt = placing.await.unwrap().unwrap().into_inner();
    let order =
        shop.eventually(&receipt.order_id, "the loss is shown", |order| !order.shortages.is_empty()).await;
    assert_eq!((order.state(), order.lines[0].reserved), (pb::OrderState::New, 1));
    assert_eq!(order.lines[0].name, "Product A-1");
}
