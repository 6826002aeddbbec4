//! Parts of orders: each with a delivery and a parcel of its own; sums stay as they are.

use proto::delivery::v1::{Incident, Shipment, ShipmentBooked, ShipmentBookingFailed, TrackingStatus};
use proto::orders::v1 as pb;
use proto::orders::v1::FulfilmentState;
use tonic::{Code, Response, Status};

use crate::neighbours::{Failure, short};
use crate::shop::{Shop, facts, refusal, uah};

fn part_of(shop: &Shop, order: &pb::Order, units: &[(usize, i32)]) -> pb::CreateFulfilmentRequest {
    let line = |(at, quantity): &(usize, i32)| pb::FulfilmentLine {
        line_id: order.lines[*at].line_id.clone(),
        quantity: *quantity,
        ..Default::default()
    };
    pb::CreateFulfilmentRequest {
        order_id: order.order_id.clone(),
        lines: units.iter().map(line).collect(),
        idempotency_key: shop.key(),
        ..Default::default()
    }
}

async fn split(shop: &Shop, order: &pb::Order, units: &[(usize, i32)]) -> pb::Order {
    shop.client().create_fulfilment(part_of(shop, order, units)).await.expect("a part").into_inner()
}

async fn ship(shop: &Shop, order: &pb::Order, at: usize) -> Result<Response<pb::Order>, Status> {
    let request = pb::ShipFulfilmentRequest {
        order_id: order.order_id.clone(),
        fulfilment_id: order.fulfilments[at].fulfilment_id.clone(),
        idempotency_key: shop.key(),
    };
    shop.client().ship_fulfilment(request).await
}

async fn take_back(shop: &Shop, order: &pb::Order, at: usize) -> Result<Response<pb::Order>, Status> {
    let request = pb::CancelFulfilmentRequest {
        order_id: order.order_id.clone(),
        fulfilment_id: order.fulfilments[at].fulfilment_id.clone(),
        reason: String::new(),
        idempotency_key: shop.key(),
    };
    shop.client().cancel_fulfilment(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_leave_and_arrive_one_after_the_other() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 3), ("KIT", 2), ("WRAP", 1)])).await;
    let first = split(&shop, &order, &[(0, 1), (1, 1)]).await;
    let both = split(&shop, &first, &[]).await;
    assert_eq!(both.fulfilments.len(), 2);
    assert_eq!(both.fulfilments[0].state(), FulfilmentState::Open);

    shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap();
    let booked = shop
        .eventually(&order.order_id, "both parcels are booked", |order| {
            let booked = order.fulfilments.iter().all(|part| part.state() == FulfilmentState::Booked);
            booked && order.shipment_ids.len() == 2
        })
        .await;
    let parts = &booked.fulfilments;
    assert_ne!(parts[0].delivery_plan_id, parts[1].delivery_plan_id);
    assert_ne!(parts[0].tracking_number, parts[1].tracking_number);
    {
        let state = shop.them.state();
        // Delivery costs the buyer what was agreed, once; the carrier takes no more than is owed.
        let (one, other) =
            (&state.plans[&parts[0].delivery_plan_id], &state.plans[&parts[1].delivery_plan_id]);
        assert_eq!((one.price.as_str(), other.price.as_str()), ("50.00", "0.00"));
        assert_eq!((one.request.weight_grams, other.request.weight_grams), (100 + 300, 200 + 300 + 100));
        let cash = |plan: &crate::neighbours::Plan| plan.request.cash_on_delivery_amount.clone();
        assert_eq!((cash(one), cash(other)), (uah("190.00"), uah("255.00")));
    }
    assert_eq!((booked.total.clone(), parts[0].goods_total.clone()), (uah("445.00"), uah("140.00")));
    assert_eq!(parts[1].goods_total, uah("255.00"));

    shop.track(&booked, &parts[0].shipment_id, TrackingStatus::PickedUp);
    let one = shop
        .eventually(&order.order_id, "the first has left", |order| {
            order.fulfilments[0].state() == FulfilmentState::Shipped
        })
        .await;
    assert_eq!(
        (one.state(), one.fulfilment_status()),
        (pb::OrderState::Assembling, pb::FulfilmentStatus::PartiallyShipped)
    );
    let seen: Vec<_> = one.lines.iter().map(|line| (line.reserved, line.shipped)).collect();
    assert_eq!(seen, [(2, 1), (1, 1), (0, 0)]);
    testing::eventually("its goods are out of stock", async || {
        let state = shop.them.state();
        let shipped = state.reservations[&order.reservation_id].shipped_units();
        let units = |sku: &str| shipped.get(sku).copied().unwrap_or_default();
        ((units("A-1"), units("C-1"), units("C-2")) == (1, 2, 1)).then_some(())
    })
    .await;
    assert_eq!(testing::refusal(shop.cancel(&order.order_id).await).reason, "PARTLY_SHIPPED");

    shop.track(&booked, &parts[0].shipment_id, TrackingStatus::Delivered);
    shop.track(&booked, &parts[1].shipment_id, TrackingStatus::Delivered);
    let complete = shop
        .eventually(&order.order_id, "it is complete", |order| order.state() == pb::OrderState::Complete)
        .await;
    assert!(complete.lines.iter().all(|line| line.delivered == line.ordered));
    testing::eventually("everything is out of stock", async || {
        let state = shop.them.state();
        let shipped = state.reservations[&order.reservation_id].shipped_units();
        (shipped.get("A-1") == Some(&3) && shipped.get("C-2") == Some(&2)).then_some(())
    })
    .await;
    assert_eq!(complete.total, uah("445.00"), "sums stay as they are");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_goes_its_own_way() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 2)])).await;
    let mut request = part_of(&shop, &order, &[(0, 1)]);
    let mut elsewhere = crate::shop::courier();
    elsewhere.address.as_mut().unwrap().city = "Одеса".to_owned();
    request.delivery = Some(elsewhere);

    let split = shop.client().create_fulfilment(request.clone()).await.unwrap().into_inner();
    let again = shop.client().create_fulfilment(request).await.unwrap().into_inner();

    assert_eq!(split, again);
    let part = &split.fulfilments[0];
    assert_eq!(part.delivery.as_ref().unwrap().address.as_ref().unwrap().city, "Одеса");
    assert_eq!(split.delivery.unwrap().address.unwrap().city, "Київ");
    let plan = shop.them.state().plans[&part.delivery_plan_id].request.clone();
    assert_eq!(plan.address.unwrap().city, "Одеса");
    assert_eq!(shop.rows_with("event_log", "body", "Одеса").await, 0);
    assert_ne!(shop.rows_with("event_log", "body", &order.number).await, 0, "what is told is found");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_parts_assembling_makes_one_of_everything() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 2), ("WRAP", 1)])).await;

    let packed = shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap().into_inner();

    assert_eq!(packed.fulfilments.len(), 1);
    let part = &packed.fulfilments[0];
    assert_eq!(
        (part.delivery_plan_id.as_str(), part.state()),
        (order.delivery_plan_id.as_str(), FulfilmentState::Booking)
    );
    assert_eq!((part.goods_total.clone(), part.delivery_total.clone()), (uah("215.00"), uah("50.00")));
    assert_eq!(part.cash_on_delivery_amount, order.total);
    assert_eq!(shop.them.calls("PlanDelivery"), 1, "what was planned for all of it is booked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_without_a_parcel_is_handed_over() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 2), ("B-1", 1)])).await;
    split(&shop, &order, &[(0, 1)]).await;
    let packed = shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap().into_inner();
    assert_eq!(packed.fulfilments.len(), 1, "somebody has decided what leaves together");

    let left = ship(&shop, &packed, 0).await.unwrap().into_inner();

    assert_eq!(
        (left.state(), left.fulfilment_status()),
        (pb::OrderState::Assembling, pb::FulfilmentStatus::PartiallyShipped)
    );
    let twice = ship(&shop, &packed, 0).await;
    assert_eq!(
        (refusal(&twice).reason.as_str(), facts(&twice)["state"].as_str()),
        ("FULFILMENT_STATE", "shipped")
    );
    let rest = split(&shop, &left, &[]).await;
    let gone = ship(&shop, &rest, 1).await.unwrap().into_inner();
    assert_eq!(
        (gone.state(), gone.fulfilment_status()),
        (pb::OrderState::Delivery, pb::FulfilmentStatus::Shipped)
    );
    testing::eventually("everything is out of stock", async || {
        let state = shop.them.state();
        (state.reservations[&order.reservation_id].shipments.len() == 2).then_some(())
    })
    .await;
    let done = shop.change_state(&order.order_id, pb::OrderState::Complete).await.unwrap().into_inner();
    assert!(done.fulfilments.iter().all(|part| part.state() == FulfilmentState::Delivered));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_taken_back_until_it_has_left() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 2)])).await;
    shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap();
    let booked = shop
        .eventually(&order.order_id, "the parcel is booked", |order| {
            order.fulfilments[0].state() == FulfilmentState::Booked
        })
        .await;
    let bound = testing::refusal(shop.update(shop.edit(&booked, &["delivery"])).await);
    assert_eq!(bound.reason, "DELIVERY_BOUND");

    shop.them.state().plans.get_mut(&order.delivery_plan_id).unwrap().left = true;
    let late = testing::refusal(take_back(&shop, &booked, 0).await);
    assert_eq!((late.code, late.reason.as_str()), (Code::FailedPrecondition, "SHIPMENT_LEFT"));
    assert_eq!(shop.order(&order.order_id).await, booked, "the part is as it was");
    shop.them.state().plans.get_mut(&order.delivery_plan_id).unwrap().left = false;
    shop.them.fail("CancelDelivery", [Failure::Unavailable, Failure::AnswerLost]);

    let back = take_back(&shop, &booked, 0).await.unwrap().into_inner();

    assert_eq!(back.fulfilments[0].state(), FulfilmentState::Cancelled);
    assert!(shop.them.state().plans[&order.delivery_plan_id].cancelled);
    // Now it can be changed, and the rest is a part again, by a plan of its own.
    let fewer =
        pb::Order { lines: vec![pb::OrderLine { ordered: 1, ..back.lines[0].clone() }], ..back.clone() };
    let fewer = shop.update(shop.edit(&fewer, &["lines"])).await.unwrap().into_inner();
    let again = split(&shop, &fewer, &[]).await;
    let booked = shop
        .eventually(&order.order_id, "the new parcel is booked", |order| {
            order.fulfilments[1].state() == FulfilmentState::Booked
        })
        .await;
    assert_ne!(booked.fulfilments[1].shipment_id, booked.fulfilments[0].shipment_id);
    assert_eq!(again.fulfilments[1].goods_total, uah("100.00"));
    assert_eq!(booked.fulfilments[1].delivery_total, uah("50.00"), "delivery is charged once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_that_takes_its_time_is_followed() {
    let shop = Shop::open().await;
    shop.them.state().carrier_is_slow = true;
    let order = shop.placed(shop.parcel(&[("A-1", 1)])).await;
    shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap();
    let asked = shop
        .eventually(&order.order_id, "the carrier is asked", |order| {
            !order.fulfilments[0].shipment_id.is_empty()
        })
        .await;
    assert_eq!(asked.fulfilments[0].state(), FulfilmentState::Booking);
    testing::eventually("the booking is settled", async || {
        (shop.count("SELECT count(*) FROM sagas WHERE kind = 'book_shipment' AND state = 'done'").await == 1)
            .then_some(())
    })
    .await;
    let shipment = Shipment {
        shipment_id: asked.fulfilments[0].shipment_id.clone(),
        order_id: order.order_id.clone(),
        carrier: "nova-poshta".to_owned(),
        tracking_number: "204500".to_owned(),
        ..Default::default()
    };

    let incident = Some(Incident { reason: "address_unknown".to_owned(), ..Default::default() });
    let failed = ShipmentBookingFailed { shipment: Some(shipment.clone()), incident };
    shop.them.tell("delivery", &shipment.shipment_id, &failed);
    let refused = shop
        .eventually(&order.order_id, "the refusal is seen", |order| {
            order.fulfilments[0].state() == FulfilmentState::BookingFailed
        })
        .await;
    assert_eq!(refused.fulfilments[0].incident, "address_unknown");
    let booked = ShipmentBooked { shipment: Some(shipment.clone()) };
    shop.them.tell("delivery", &shipment.shipment_id, &booked);
    let booked = shop
        .eventually(&order.order_id, "the waybill is seen", |order| {
            order.fulfilments[0].state() == FulfilmentState::Booked
        })
        .await;

    let part = &booked.fulfilments[0];
    assert_eq!(
        (part.tracking_number.as_str(), part.carrier.as_str(), part.incident.as_str()),
        ("204500", "nova-poshta", "")
    );
    assert_eq!(booked.shipment_ids, std::slice::from_ref(&part.shipment_id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_cannot_be_delivered_is_not_made() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 2)])).await;
    shop.them.fail("PlanDelivery", [Failure::AnswerLost, Failure::Refuse("NO_SUCH_STREET")]);

    let refused = testing::refusal(shop.client().create_fulfilment(part_of(&shop, &order, &[(0, 1)])).await);

    assert_eq!(refused.reason, "NO_SUCH_STREET");
    let now = shop.order(&order.order_id).await;
    assert_eq!(
        (now.fulfilments[0].state(), now.fulfilments[0].incident.as_str()),
        (FulfilmentState::Cancelled, "NO_SUCH_STREET")
    );
    let live: Vec<_> = shop
        .them
        .state()
        .plans
        .iter()
        .filter(|(_, plan)| !plan.cancelled)
        .map(|plan| plan.0.clone())
        .collect();
    assert_eq!(live, std::slice::from_ref(&order.delivery_plan_id));
    // All units are free again.
    split(&shop, &order, &[(0, 2)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn units_are_in_one_part_only() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 3)])).await;
    split(&shop, &order, &[(0, 2)]).await;

    let calls: Vec<_> = (0..8)
        .map(|_| {
            let (mut client, request) = (shop.client(), part_of(&shop, &order, &[(0, 1)]));
            tokio::spawn(async move { client.create_fulfilment(request).await })
        })
        .collect();
    let mut made = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => made += 1,
            Err(status) => assert_eq!(rpc::reason(&status).as_deref(), Some("UNITS_NOT_FREE")),
        }
    }
    assert_eq!(made, 1);
    let none = testing::refusal(shop.client().create_fulfilment(part_of(&shop, &order, &[])).await);
    assert_eq!(none.reason, "NOTHING_LEFT");
    let lines = vec![pb::OrderLine { ordered: 2, ..order.lines[0].clone() }];
    let now = shop.order(&order.order_id).await;
    let edit = shop.update(shop.edit(&pb::Order { lines, ..now }, &["lines"])).await;
    assert_eq!((refusal(&edit).reason.as_str(), facts(&edit)["lines[0]"].as_str()), ("LINE_BOUND", "2/3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missing_follows_in_a_part_of_its_own() {
    let shop = Shop::open().await;
    shop.accept_shortages();
    let order = shop.placed(shop.parcel(&[("A-1", 12)])).await;
    shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap();
    let booked = shop
        .eventually(&order.order_id, "the parcel is booked", |order| !order.shipment_ids.is_empty())
        .await;
    shop.track(&booked, &booked.shipment_ids[0], TrackingStatus::PickedUp);
    let left = shop
        .eventually(&order.order_id, "ten have left", |order| order.state() == pb::OrderState::Delivery)
        .await;
    assert_eq!((left.lines[0].shipped, left.lines[0].reserved), (10, 0));
    assert_eq!(left.fulfilments[0].goods_total, uah("1000.00"), "a part costs what left with it");
    testing::eventually("they are out of stock", async || {
        shop.them.state().reservations[&order.reservation_id].shipped.then_some(())
    })
    .await;

    // Two more arrive, and inventory covers what is missing.
    let reservation = {
        let mut state = shop.them.state();
        let known = state.reservations.get_mut(&order.reservation_id).unwrap();
        known.held.insert("A-1".to_owned(), 2);
        known.short.clear();
        known.version += 1;
        let mut told = short(order.reservation_id.parse().unwrap(), &order.order_id, &[("A-1", 2)], &[]);
        told.reservation.as_mut().unwrap().version = known.version;
        told.reservation
    };
    let covered = proto::inventory::v1::ShortageCovered { reservation, ..Default::default() };
    shop.them.tell("inventory", &order.reservation_id, &covered);
    let there = shop
        .eventually(&order.order_id, "they are held, and nothing is missing", |order| {
            order.lines[0].reserved == 2 && order.shortages.is_empty()
        })
        .await;
    split(&shop, &there, &[]).await;
    let rest = shop
        .eventually(&order.order_id, "the rest is booked", |order| {
            order.fulfilments.get(1).is_some_and(|part| part.state() == FulfilmentState::Booked)
        })
        .await;
    shop.track(&rest, &rest.fulfilments[1].shipment_id, TrackingStatus::Delivered);
    shop.track(&rest, &rest.fulfilments[0].shipment_id, TrackingStatus::Delivered);
    let done = shop
        .eventually(&order.order_id, "it is complete", |order| order.state() == pb::OrderState::Complete)
        .await;
    assert_eq!((done.lines[0].delivered, done.total), (12, uah("1250.00")));
    assert_eq!(done.fulfilments[1].goods_total, uah("200.00"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_inventory_lost_cannot_leave_it_and_the_rest_does() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 3), ("B-1", 1)])).await;
    let packed = shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap().into_inner();
    // A count found one less, and nobody has told orders yet.
    shop.them.state().reservations.get_mut(&order.reservation_id).unwrap().held.insert("A-1".to_owned(), 2);

    ship(&shop, &packed, 0).await.unwrap();

    testing::eventually("what was there is out of stock", async || {
        let state = shop.them.state();
        let shipped = state.reservations[&order.reservation_id].shipped_units();
        (shipped.get("A-1") == Some(&2) && shipped.get("B-1") == Some(&1)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_orders_are_listed_the_most_urgent_first() {
    let shop = Shop::open().await;
    let now = shop.world.clock.now().timestamp();
    let due = |seconds: i64| Some(prost_types::Timestamp { seconds: now + seconds, nanos: 0 });
    let promised =
        |seconds: i64| pb::PlaceOrderRequest { ship_by_time: due(seconds), ..shop.parcel(&[("A-1", 1)]) };
    let later = shop.placed(promised(7200)).await;
    let soon = shop.placed(promised(3600)).await;
    let gone = shop.placed(promised(1800)).await;
    shop.placed(shop.parcel(&[("A-1", 1)])).await;
    assert_eq!(later.ship_by_time, due(7200));
    for order in [&soon, &gone] {
        shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap();
        shop.eventually(&order.order_id, "the parcel is booked", |order| !order.shipment_ids.is_empty())
            .await;
    }
    let list = async |until: Option<prost_types::Timestamp>, labelled: bool| {
        let mut request = pb::ListLateOrdersRequest {
            ship_by_until_time: until,
            labelled,
            page_size: 1,
            ..Default::default()
        };
        let mut ids = Vec::new();
        loop {
            let page = shop.client().list_late_orders(request.clone()).await.unwrap().into_inner();
            ids.extend(page.orders.into_iter().map(|order| order.order_id));
            if page.next_page_token.is_empty() {
                return ids;
            }
            request.page_token = page.next_page_token;
        }
    };
    assert_eq!(list(due(9000), false).await, [&gone, &soon, &later].map(|order| order.order_id.clone()));

    shop.change_state(&gone.order_id, pb::OrderState::Delivery).await.unwrap();

    assert_eq!(list(due(9000), false).await, [&soon, &later].map(|order| order.order_id.clone()));
    assert_eq!(list(due(9000), true).await, std::slice::from_ref(&soon.order_id), "only it has a label");
    assert!(list(None, false).await.is_empty(), "nothing is late yet");
    // Promised for another time: the list follows.
    let other = pb::Order { ship_by_time: due(1), ..later.clone() };
    shop.update(shop.edit(&other, &["ship_by_time"])).await.unwrap();
    assert_eq!(list(due(9000), false).await, [&later, &soon].map(|order| order.order_id.clone()));
    let (other_shop, _) = shop.add_shop();
    let mut stranger = shop.partner(&[other_shop], &["orders.read"]);
    let request = pb::ListLateOrdersRequest { ship_by_until_time: due(9000), ..Default::default() };
    assert!(stranger.list_late_orders(request).await.unwrap().into_inner().orders.is_empty());
}
