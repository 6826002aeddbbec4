//! Kits: sold as one line, kept in stock as what they are made of.

use proto::orders::v1 as pb;
use tonic::Code;

use crate::neighbours::short;
use crate::shop::{Shop, facts, refusal, uah};

#[tokio::test(flavor = "multi_thread")]
async fn a_kit_is_one_line_and_its_components_are_held() {
    let shop = Shop::open().await;

    let order = shop.placed(shop.parcel(&[("KIT", 2), ("A-1", 1)])).await;

    let kit = &order.lines[0];
    assert_eq!((kit.ordered, kit.reserved, kit.weight_grams), (2, 2, 300));
    assert_eq!((kit.unit_price.clone(), kit.total.clone()), (uah("40.00"), uah("80.00")));
    let components: Vec<_> = kit.components.iter().map(|part| (part.sku.as_str(), part.quantity)).collect();
    assert_eq!(components, [("C-1", 2), ("C-2", 1)]);
    assert!(order.lines[1].components.is_empty());
    let state = shop.them.state();
    assert_eq!((state.stock["C-1"], state.stock["C-2"], state.stock["A-1"]), (6, 2, 9));
    assert!(!state.reservations[&order.reservation_id].held.contains_key("KIT"));
    // 2 kits of 300 g and a piece of 100 g; a carrier is told what was sold, at its price.
    let plan = &state.plans[&order.delivery_plan_id].request;
    assert_eq!(plan.weight_grams, 700);
    let items: Vec<_> =
        plan.items.iter().map(|item| (item.sku.as_str(), item.quantity, item.unit_price.clone())).collect();
    assert_eq!(items, [("KIT", 2, uah("40.00")), ("A-1", 1, uah("100.00"))]);
    assert_eq!(plan.order_number, order.number);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kit_counts_when_all_of_it_is_there() {
    let shop = Shop::open().await;
    shop.accept_shortages();

    let order = shop.placed(shop.cart(&[("KIT", 6)])).await;

    // 4 of C-2: four kits, although C-1 would do for five.
    assert_eq!((order.lines[0].reserved, order.lines[0].ordered), (4, 6));
    let lacks: Vec<_> = order.shortages.iter().map(|short| (short.sku.as_str(), short.available)).collect();
    assert_eq!(lacks, [("C-1", 10), ("C-2", 4)]);
    let event = short(
        order.reservation_id.parse().unwrap(),
        &order.order_id,
        &[("C-1", 3), ("C-2", 4)],
        &[("C-1", 12, 3)],
    );
    shop.them.tell("inventory", &order.reservation_id, &event);
    let less =
        shop.eventually(&order.order_id, "the loss is heard of", |order| order.lines[0].reserved == 1).await;
    assert_eq!(less.shortages[0].sku, "C-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_kits_leave_and_what_is_missing_stays() {
    let shop = Shop::open().await;
    shop.accept_shortages();
    let order = shop.placed(shop.cart(&[("KIT", 6)])).await;
    shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap();

    let left = shop.change_state(&order.order_id, pb::OrderState::Delivery).await.unwrap().into_inner();

    assert_eq!((left.lines[0].shipped, left.lines[0].reserved), (4, 0));
    assert_eq!(left.fulfilment_status(), pb::FulfilmentStatus::PartiallyShipped);
    testing::eventually("the components are out of stock", async || {
        let state = shop.them.state();
        let shipped = state.reservations[&order.reservation_id].shipped_units();
        (shipped.get("C-1") == Some(&8) && shipped.get("C-2") == Some(&4)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_short_refuses_the_kit() {
    let shop = Shop::open().await;

    let answer = shop.place(shop.cart(&[("KIT", 5)])).await;

    let refused = refusal(&answer);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Aborted, "OUT_OF_STOCK"));
    assert_eq!(facts(&answer)["C-2"], "5/4");
    assert!(shop.them.held().is_empty());
}
