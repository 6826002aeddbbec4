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
