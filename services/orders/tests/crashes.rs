//! A crash of orders before or after any step: whoever comes next ends what was begun. One world after the other: a world
//! that ends drops its database, and that waits for every connection that is just being made.

use korob_orders::Orders;
use proto::orders::v1 as pb;
use testing::{TestDatabase, World};
use tokio::runtime::Runtime;
use types::{ShopId, SourceId};

use crate::neighbours::{Failure, Neighbours};
use crate::shop::{Client, Shop, furnish};

const STEPS: [&str; 5] = ["IdentifyCustomer", "QuoteItems", "ReserveStock", "PlanDelivery", "OpenPayment"];
const UNDOS: [&str; 3] = ["ReleaseReservation", "CancelDelivery", "VoidPayment"];
const EDITING: [&str; 4] = ["PlanDelivery", "ChangePaymentAmount", "ChangeReservation", "CancelDelivery"];
const CANCELLING: [&str; 3] = ["CancelDelivery", "ReleaseReservation", "VoidPayment"];

#[tokio::test(flavor = "multi_thread")]
async fn before_and_after_every_step_the_order_is_placed_by_the_next_process() {
    for (step, failure) in twice(&STEPS) {
        let doomed = Doomed::open().await;
        doomed.them.fail(step, [failure.clone()]);
        doomed.begin(async |mut client, shop| {
            let _ = client.place_order(shop.parcel(&[("A-1", 2)])).await;
        });
        let shop = doomed.crash_in(step).await;

        let order = the_order(&shop, "new").await;

        assert_eq!(shop.them.held().len(), 3, "{step} {failure:?}");
        assert_eq!(shop.them.state().stock["A-1"], 8, "{step} {failure:?}");
        assert_eq!(shop.events(&order.order_id).await[0], "OrderPlaced");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_and_after_every_undo_the_order_is_rejected_by_the_next_process() {
    for (undo, failure) in twice(&UNDOS) {
        let doomed = Doomed::open().await;
        doomed.them.fail("OpenPayment", [Failure::Refuse("NOT_TODAY")]);
        doomed.them.fail(undo, [failure.clone()]);
        doomed.begin(async |mut client, shop| {
            let _ = client.place_order(shop.parcel(&[("A-1", 2)])).await;
        });
        let shop = doomed.crash_in(undo).await;

        let order = the_order(&shop, "rejected").await;

        assert!(shop.them.held().is_empty(), "{undo} {failure:?}");
        assert_eq!(shop.them.state().stock["A-1"], 10, "{undo} {failure:?}");
        assert_eq!(order.rejection.unwrap().reason, "NOT_TODAY", "the reason outlives the crash");
        assert_eq!(shop.events(&order.order_id).await, ["OrderRejected"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_is_ended_by_the_next_process() {
    for (step, failure) in twice(&CANCELLING) {
        let doomed = Doomed::open().await;
        doomed.them.fail(step, [failure.clone()]);
        let request = doomed.begin_cancelling().await;
        let shop = doomed.crash_in(step).await;

        let order = the_order(&shop, "cancelled").await;

        assert!(shop.them.held().is_empty(), "{step} {failure:?}");
        assert_eq!(shop.them.state().stock["A-1"], 10, "{step} {failure:?}");
        assert_eq!(shop.events(&order.order_id).await, ["OrderPlaced", "OrderCancelled"]);
        let again = shop.client().cancel_order(request).await.unwrap().into_inner();
        assert_eq!(again, order, "the key has its answer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_is_ended_by_the_next_process() {
    for (step, failure) in twice(&["BookShipment"]) {
        let doomed = Doomed::open().await;
        doomed.them.fail(step, [failure.clone()]);
        doomed.begin(async |mut client, shop| {
            let placed = client.place_order(shop.parcel(&[("A-1", 2)])).await.unwrap().into_inner();
            let request = pb::ChangeOrderStateRequest {
                order_id: placed.order_id,
                state: pb::OrderState::Assembling.into(),
                idempotency_key: "assemble".to_owned(),
                ..Default::default()
            };
            client.change_order_state(request).await.unwrap();
        });
        let shop = doomed.crash_in(step).await;

        let order = the_order(&shop, "assembling").await;
        let order = shop
            .eventually(&order.order_id, "the parcel is booked", |order| !order.shipment_ids.is_empty())
            .await;

        assert!(shop.them.state().shipments.contains_key(&order.shipment_ids[0]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_and_after_every_step_an_edit_is_done_by_the_next_process() {
    for (step, failure) in twice(&EDITING) {
        let doomed = Doomed::open().await;
        let order = doomed.place().await;
        doomed.them.fail(step, [failure.clone()]);
        let request = edit(&order, 4);
        let again = request.clone();
        doomed.begin(async move |mut client, _| {
            let _ = client.update_order(request).await;
        });
        let shop = doomed.crash_in(step).await;

        let edited = shop.eventually(&order.order_id, "the edit is done", |order| order.etag == "2").await;

        assert_eq!((edited.lines[0].ordered, edited.lines[0].reserved), (4, 4), "{step} {failure:?}");
        {
            let state = shop.them.state();
            assert_eq!(state.stock["A-1"], 6, "{step} {failure:?}");
            assert_eq!(state.payments[&order.payment_id].amount, 45_000, "{step} {failure:?}");
            let live = state.plans.iter().filter(|(_, plan)| !plan.cancelled).map(|plan| plan.0.clone());
            assert_eq!(
                live.collect::<Vec<_>>(),
                std::slice::from_ref(&edited.delivery_plan_id),
                "{step} {failure:?}"
            );
        }
        assert_eq!(shop.count("SELECT count(*) FROM order_edits").await, 0);
        assert_eq!(shop.events(&order.order_id).await, ["OrderPlaced", "OrderChanged"]);
        assert_eq!(shop.update(again).await.unwrap().into_inner(), edited, "the key has its answer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_old_plan_the_next_process_goes_forward_too() {
    for step in ["PlanDelivery", "ChangePaymentAmount", "ChangeReservation"] {
        let doomed = Doomed::open().await;
        let order = doomed.place().await;
        doomed.them.fail("CancelDelivery", [Failure::HangAfter]);
        doomed.them.fail(step, [Failure::Pass, Failure::Refuse("NOT_TODAY")]);
        let request = edit(&order, 4);
        doomed.begin(async move |mut client, _| {
            let _ = client.update_order(request).await;
        });
        let shop = doomed.crash_in("CancelDelivery").await;

        let edited = shop.eventually(&order.order_id, "the edit is done", |order| order.etag == "2").await;

        assert_eq!((edited.lines[0].ordered, edited.lines[0].reserved), (4, 4), "{step}");
        assert!(shop.them.state().failures[step].is_empty(), "{step} was refused to the next process");
        let state = shop.them.state();
        assert_eq!(state.payments[&order.payment_id].amount, 45_000, "{step}");
        assert!(!state.plans[&edited.delivery_plan_id].cancelled, "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_edit_is_undone_by_the_next_process() {
    for (undo, failure) in twice(&["CancelDelivery"]) {
        let doomed = Doomed::open().await;
        let order = doomed.place().await;
        doomed.them.fail("ChangeReservation", [Failure::Refuse("NOT_TODAY")]);
        doomed.them.fail(undo, [failure.clone()]);
        let request = edit(&order, 4);
        doomed.begin(async move |mut client, _| {
            let _ = client.update_order(request).await;
        });
        let shop = doomed.crash_in(undo).await;

        testing::eventually("the edit is given up", async || {
            let open = "SELECT count(*) FROM sagas WHERE kind = 'edit_order' AND state <> 'undone'";
            (shop.count(open).await == 0).then_some(())
        })
        .await;

        assert_eq!(shop.order(&order.order_id).await, order, "{undo} {failure:?}");
        let state = shop.them.state();
        assert_eq!(
            (state.stock["A-1"], state.payments[&order.payment_id].amount),
            (8, 25_000),
            "{failure:?}"
        );
        let live = state.plans.iter().filter(|(_, plan)| !plan.cancelled).map(|plan| plan.0.clone());
        assert_eq!(
            live.collect::<Vec<_>>(),
            std::slice::from_ref(&order.delivery_plan_id),
            "{undo} {failure:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_made_and_taken_back_by_the_next_process() {
    for (step, failure) in twice(&["PlanDelivery", "CancelDelivery"]) {
        let doomed = Doomed::open().await;
        let order = doomed.place().await;
        let request = pb::CreateFulfilmentRequest {
            order_id: order.order_id.clone(),
            lines: vec![pb::FulfilmentLine {
                line_id: order.lines[0].line_id.clone(),
                quantity: 1,
                ..Default::default()
            }],
            idempotency_key: "part".to_owned(),
            ..Default::default()
        };
        let making = step == "PlanDelivery";
        if making {
            doomed.them.fail(step, [failure.clone()]);
            doomed.begin(async move |mut client, _| {
                let _ = client.create_fulfilment(request).await;
            });
        } else {
            let split = doomed.client().create_fulfilment(request).await.unwrap().into_inner();
            doomed.them.fail(step, [failure.clone()]);
            let request = pb::CancelFulfilmentRequest {
                order_id: order.order_id.clone(),
                fulfilment_id: split.fulfilments[0].fulfilment_id.clone(),
                reason: String::new(),
                idempotency_key: "back".to_owned(),
            };
            doomed.begin(async move |mut client, _| {
                let _ = client.cancel_fulfilment(request).await;
            });
        }
        let shop = doomed.crash_in(step).await;

        let wanted = if making { pb::FulfilmentState::Open } else { pb::FulfilmentState::Cancelled };
        let done = shop
            .eventually(&order.order_id, "the part is settled", |order| {
                order.fulfilments.first().is_some_and(|part| part.state() == wanted)
            })
            .await;

        let live = shop.them.state().plans.values().filter(|plan| !plan.cancelled).count();
        assert_eq!(live, if making { 2 } else { 1 }, "{step} {failure:?}");
        assert_eq!(done.total, order.total);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_and_after_every_step_a_part_is_redirected_by_the_next_process() {
    for (step, failure) in twice(&["PlanDelivery", "ChangePaymentAmount", "CancelDelivery"]) {
        let doomed = Doomed::open().await;
        let (order, request) = doomed.redirection().await;
        doomed.them.fail(step, [failure.clone()]);
        let again = request.clone();
        doomed.begin(async move |mut client, _| {
            let _ = client.redirect_fulfilment(request).await;
        });
        let shop = doomed.crash_in(step).await;

        let done = shop
            .eventually(&order.order_id, "the new parcel is booked", |order| {
                order.fulfilments.get(1).is_some_and(|part| part.state() == pb::FulfilmentState::Booked)
            })
            .await;

        assert_eq!(done.total, crate::shop::uah("280.00"), "{step} {failure:?}");
        assert_eq!(done.fulfilments[0].state(), pb::FulfilmentState::Cancelled, "{step} {failure:?}");
        {
            let state = shop.them.state();
            assert_eq!(state.payments[&order.payment_id].amount, 28_000, "{step} {failure:?}");
            let live = state.plans.iter().filter(|(_, plan)| !plan.cancelled).map(|plan| plan.0.clone());
            assert_eq!(
                live.collect::<Vec<_>>(),
                std::slice::from_ref(&done.delivery_plan_id),
                "{step} {failure:?}"
            );
        }
        let told = shop.client().redirect_fulfilment(again).await.unwrap().into_inner();
        assert_eq!(told.fulfilments.len(), 2, "the key has its answer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_redirection_is_undone_by_the_next_process() {
    // The carrier refuses; the first undo gives up the amount, the second the new way.
    for (undo, failures) in [
        ("ChangePaymentAmount", vec![Failure::Pass, Failure::HangAfter]),
        ("CancelDelivery", vec![Failure::Refuse("CARRIER_REFUSES"), Failure::HangBefore]),
    ] {
        let doomed = Doomed::open().await;
        let (order, request) = doomed.redirection().await;
        if undo != "CancelDelivery" {
            doomed.them.fail("CancelDelivery", [Failure::Refuse("CARRIER_REFUSES")]);
        }
        doomed.them.fail(undo, failures);
        doomed.begin(async move |mut client, _| {
            let _ = client.redirect_fulfilment(request).await;
        });
        let shop = doomed.crash_in(undo).await;

        testing::eventually("the redirection is given up", async || {
            let open = "SELECT count(*) FROM sagas WHERE kind = 'redirect_fulfilment' AND state <> 'undone'";
            (shop.count(open).await == 0).then_some(())
        })
        .await;

        assert_eq!(shop.order(&order.order_id).await, order, "{undo}");
        let state = shop.them.state();
        assert_eq!(state.payments[&order.payment_id].amount, 25_000, "{undo}");
        let live = state.plans.iter().filter(|(_, plan)| !plan.cancelled).map(|plan| plan.0.clone());
        assert_eq!(live.collect::<Vec<_>>(), std::slice::from_ref(&order.delivery_plan_id), "{undo}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_is_received_and_resolved_by_the_next_process() {
    for (step, failure) in twice(&["PostReturn", "RefundPayment"]) {
        let doomed = Doomed::open().await;
        let (order, one) = doomed.approved_return().await;
        let receive = pb::ReceiveReturnRequest {
            return_id: one.return_id.clone(),
            warehouse_id: types::WarehouseId::new().to_string(),
            lines: vec![pb::ReceivedUnits {
                quantity: 1,
                disposition: pb::ReturnDisposition::Sellable.into(),
                ..Default::default()
            }],
            idempotency_key: "receive".to_owned(),
            ..Default::default()
        };
        let resolve = pb::ResolveReturnRequest {
            return_id: one.return_id.clone(),
            idempotency_key: "resolve".to_owned(),
            ..Default::default()
        };
        let receiving = step == "PostReturn";
        if !receiving {
            doomed.client().receive_return(receive.clone()).await.unwrap();
        }
        doomed.them.fail(step, [failure.clone()]);
        doomed.begin(async move |mut client, _| {
            let _ = match receiving {
                true => client.receive_return(receive).await,
                false => client.resolve_return(resolve).await,
            };
        });
        let shop = doomed.crash_in(step).await;

        let wanted = if receiving { pb::ReturnState::Received } else { pb::ReturnState::Resolved };
        testing::eventually("the next process ends it", async || {
            let get = pb::GetReturnRequest { return_id: one.return_id.clone() };
            let now = shop.client().get_return(get).await.unwrap().into_inner();
            (now.state() == wanted).then_some(())
        })
        .await;

        assert_eq!(shop.order(&order.order_id).await.lines[0].returned, 1, "{step} {failure:?}");
        let state = shop.them.state();
        assert_eq!((state.returns.len(), state.stock["A-1"]), (1, 9), "{step} {failure:?}");
        let refunded = if receiving { 0 } else { 10_000 };
        assert_eq!(state.payments[&order.payment_id].refunded, refunded, "{step} {failure:?}");
    }
}

/// Another quantity of the first line.
fn edit(order: &pb::Order, ordered: i32) -> pb::UpdateOrderRequest {
    let lines = vec![pb::OrderLine { ordered, ..order.lines[0].clone() }];
    pb::UpdateOrderRequest {
        order: Some(pb::Order { lines, ..order.clone() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["lines".to_owned()] }),
        dry_run: false,
        idempotency_key: "edit".to_owned(),
    }
}

/// Each step with a crash before it takes effect and one after.
fn twice(steps: &[&'static str]) -> impl Iterator<Item = (&'static str, Failure)> {
    steps.iter().flat_map(|step| [(*step, Failure::HangBefore), (*step, Failure::HangAfter)])
}

/// Waits until the only order is in `state`.
async fn the_order(shop: &Shop, state: &str) -> pb::Order {
    let client = shop.world.database("orders").client().await;
    let sql = "SELECT replace(order_id::text, '-', '') FROM orders WHERE state = $1 AND cancelling IS NULL";
    let order_id: String = testing::eventually(&format!("the order is {state}"), async || {
        client.query_opt(sql, &[&state]).await.unwrap().map(|row| row.get(0))
    })
    .await;
    shop.order(&format!("ord_{order_id}")).await
}

/// A shop whose process can be killed: it runs on threads of its own.
struct Doomed {
    runtime: Option<Runtime>,
    world: World,
    them: Neighbours,
    shop_id: ShopId,
    site: SourceId,
    marketplace: SourceId,
}

/// What is known of a shop that is to crash.
#[derive(Clone, Copy)]
struct Carts {
    shop_id: ShopId,
    site: SourceId,
}

impl Carts {
    fn parcel(self, lines: &[(&str, i32)]) -> pb::PlaceOrderRequest {
        pb::PlaceOrderRequest {
            shop_id: self.shop_id.to_string(),
            source_id: self.site.to_string(),
            contact: Some(crate::shop::contact()),
            lines: lines.iter().map(|(sku, quantity)| crate::shop::line(sku, *quantity)).collect(),
            delivery: Some(crate::shop::courier()),
            idempotency_key: "the-key".to_owned(),
            ..Default::default()
        }
    }
}

impl Doomed {
    async fn open() -> Self {
        let (them, shop_id, site, marketplace) = furnish();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let neighbours = them.clone();
        let world = async move { neighbours.move_into(World::new().await).start::<Orders>().await };
        let world = runtime.spawn(world).await.expect("the world starts");
        Self { runtime: Some(runtime), world, them, shop_id, site, marketplace }
    }

    /// Runs `client`'s calls where the crash will end them.
    fn begin<F, Fut>(&self, calls: F)
    where
        F: FnOnce(Client, Carts) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let client = Client::new(self.world.channel("orders"));
        let carts = Carts { shop_id: self.shop_id, site: self.site };
        self.runtime.as_ref().unwrap().spawn(calls(client, carts));
    }

    fn client(&self) -> Client {
        Client::new(self.world.channel("orders"))
    }

    /// Two of A-1, placed.
    async fn place(&self) -> pb::Order {
        let carts = Carts { shop_id: self.shop_id, site: self.site };
        let placed = self.client().place_order(carts.parcel(&[("A-1", 2)])).await.unwrap().into_inner();
        let get = pb::GetOrderRequest { order_id: placed.order_id };
        self.client().get_order(get).await.unwrap().into_inner()
    }

    /// Two of A-1 in a booked parcel, and what sends it another way for 80.00.
    async fn redirection(&self) -> (pb::Order, pb::RedirectFulfilmentRequest) {
        let order = self.place().await;
        let request = pb::ChangeOrderStateRequest {
            order_id: order.order_id.clone(),
            state: pb::OrderState::Assembling.into(),
            idempotency_key: "assemble".to_owned(),
            ..Default::default()
        };
        self.client().change_order_state(request).await.unwrap();
        let booked = testing::eventually("the parcel is booked", async || {
            let get = pb::GetOrderRequest { order_id: order.order_id.clone() };
            let now = self.client().get_order(get).await.unwrap().into_inner();
            Some(now).filter(|now| now.fulfilments[0].state() == pb::FulfilmentState::Booked)
        })
        .await;
        self.them.state().tariff = Some("80.00");
        let mut delivery = crate::shop::courier();
        delivery.address.as_mut().unwrap().city = "Одеса".to_owned();
        let request = pb::RedirectFulfilmentRequest {
            order_id: order.order_id,
            fulfilment_id: booked.fulfilments[0].fulfilment_id.clone(),
            delivery: Some(delivery),
            idempotency_key: "redirect".to_owned(),
            ..Default::default()
        };
        (booked, request)
    }

    /// One of two comes back, and all is paid.
    async fn approved_return(&self) -> (pb::Order, pb::Return) {
        let order = self.place().await;
        for (state, key) in [(pb::OrderState::Assembling, "a"), (pb::OrderState::Delivery, "d")] {
            let request = pb::ChangeOrderStateRequest {
                order_id: order.order_id.clone(),
                state: state.into(),
                idempotency_key: key.to_owned(),
                ..Default::default()
            };
            self.client().change_order_state(request).await.unwrap();
        }
        let payment = {
            let mut state = self.them.state();
            let payment = state.payments.get_mut(&order.payment_id).unwrap();
            payment.captured = 25_000;
            payment.shown(&order.payment_id)
        };
        let event = proto::payments::v1::PaymentRecorded { payment: Some(payment) };
        self.them.tell("payments", &order.payment_id, &event);
        testing::eventually("it is paid", async || {
            let get = pb::GetOrderRequest { order_id: order.order_id.clone() };
            let now = self.client().get_order(get).await.unwrap().into_inner();
            (now.paid == crate::shop::uah("250.00")).then_some(())
        })
        .await;
        let request = pb::CreateReturnRequest {
            order_id: order.order_id.clone(),
            lines: vec![pb::NewReturnLine {
                line_id: order.lines[0].line_id.clone(),
                quantity: 1,
                reason: "other".to_owned(),
                ..Default::default()
            }],
            idempotency_key: "return".to_owned(),
            ..Default::default()
        };
        let one = self.client().create_return(request).await.unwrap().into_inner();
        let approve = pb::ApproveReturnRequest {
            return_id: one.return_id,
            idempotency_key: "approve".to_owned(),
            ..Default::default()
        };
        (order, self.client().approve_return(approve).await.unwrap().into_inner())
    }

    async fn begin_cancelling(&self) -> pb::CancelOrderRequest {
        let carts = Carts { shop_id: self.shop_id, site: self.site };
        let mut client = Client::new(self.world.channel("orders"));
        let placed = client.place_order(carts.parcel(&[("A-1", 2)])).await.unwrap().into_inner();
        let request = pb::CancelOrderRequest {
            order_id: placed.order_id,
            reason: "test".to_owned(),
            comment: String::new(),
            idempotency_key: "cancel".to_owned(),
        };
        let again = request.clone();
        self.begin(async move |mut client, _| {
            let _ = client.cancel_order(request).await;
        });
        again
    }

    /// Kills the process while it waits for `method`, and starts another one on the same database.
    async fn crash_in(mut self, method: &'static str) -> Shop {
        testing::eventually(&format!("{method} is asked"), async || {
            let hangs = self.them.calls(method) > 0 && self.them.state().failures[method].is_empty();
            hangs.then_some(())
        })
        .await;
        // Prices are asked while the order is being recorded; one that was not is asked for again by who wants it.
        let client = self.world.database("orders").client().await;
        testing::eventually("the order is recorded", async || {
            client.query_opt("SELECT FROM orders LIMIT 1", &[]).await.expect("the query runs").map(drop)
        })
        .await;
        drop(client);
        let database: TestDatabase = self.world.take_database("orders");
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        // Nobody waits ten seconds in a test for the dead process's lease to end.
        let client = database.client().await;
        client
            .execute("UPDATE sagas SET lease_until = clock_timestamp()", &[])
            .await
            .expect("the lease ends");
        Shop::reopen(database, self.them.clone(), self.shop_id, self.site, self.marketplace).await
    }
}
