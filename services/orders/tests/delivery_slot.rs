//! The slot a buyer chose goes to delivery with the plan.

use proto::orders::v1 as pb;

use crate::neighbours::Failure;
use crate::shop::{Shop, refusal};

/// 1 December 2026, 08:00 UTC.
const START: Option<prost_types::Timestamp> =
    Some(prost_types::Timestamp { seconds: 1_796_112_000, nanos: 0 });

#[tokio::test(flavor = "multi_thread")]
async fn the_chosen_slot_is_planned() {
    let shop = Shop::open().await;
    // A repeat names the same slot, or it would be another plan.
    shop.them.fail("PlanDelivery", [Failure::AnswerLost]);
    let order = shop
        .placed(pb::PlaceOrderRequest { delivery_slot_start_time: START, ..shop.parcel(&[("A-1", 1)]) })
        .await;
    let plan = shop.them.state().plans[&order.delivery_plan_id].request.clone();
    assert_eq!(plan.slot_start_time, START);

    let order = shop.placed(shop.parcel(&[("A-1", 1)])).await;
    let plan = shop.them.state().plans[&order.delivery_plan_id].request.clone();
    assert_eq!(plan.slot_start_time, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_without_a_delivery_is_refused() {
    let shop = Shop::open().await;
    let request = pb::PlaceOrderRequest { delivery_slot_start_time: START, ..shop.cart(&[("A-1", 1)]) };
    assert_eq!(refusal(&shop.place(request).await).fields, ["delivery_slot_start_time"]);
}
