//! Orders: every order from every channel, never lost, each step visible.
//!
//! An order is recorded before anything else is asked; then the saga [`sagas::place_order`] holds what it needs, or gives
//! everything back. Start there, then read [`model::order`] and [`model::order_state`].

mod batches;
mod changes;
mod consumers;
mod error;
mod figures;
mod jobs;
pub mod model;
mod return_changes;
mod rpc;
pub mod sagas;
mod schema;
mod upstreams;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use ::rpc::{BuyerTokens, Call, Callee};
use events::READ_EVENTS;
use proto::orders::v1::bulk_order_service_server::BulkOrderServiceServer;
use proto::orders::v1::buyer_service_server::BuyerServiceServer;
use proto::orders::v1::cart_service_server::CartServiceServer;
use proto::orders::v1::order_repair_service_server::OrderRepairServiceServer;
use proto::orders::v1::order_service_server::OrderServiceServer;
use proto::orders::v1::promo_code_service_server::PromoCodeServiceServer;
use proto::orders::v1::quote_service_server::QuoteServiceServer;
use saga::{Definition, Runner};
use service::{Parts, Platform, Service};
use store::{EmbeddedMigrations, Store};
use tokio::time::Instant;

use crate::batches::commit_orders::Commits;
use crate::consumers::{follow_payments, follow_shipments, follow_stock};
use crate::error::{Error, Result};
use crate::jobs::{abandon_carts, cancel_overdue_orders, expire_quotes, identify_late_customers};
use crate::model::order::Order;
use crate::model::order_state::OrderState;
use crate::rpc::place_order::Recorded;
use crate::sagas::book_shipment::BookShipment;
use crate::sagas::cancel_fulfilment::CancelFulfilment;
use crate::sagas::cancel_order::CancelOrder;
use crate::sagas::edit_order::EditOrder;
use crate::sagas::place_order::{PATIENCE, PlaceOrder, Settled};
use crate::sagas::placements::StoredPlacements;
use crate::sagas::plan_fulfilment::PlanFulfilment;
use crate::sagas::receive_return::ReceiveReturn;
use crate::sagas::redirect_fulfilment::RedirectFulfilment;
use crate::sagas::resolve_return::ResolveReturn;
use crate::sagas::ship_stock::ShipStock;
use crate::upstreams::Upstreams;

const MIGRATIONS: EmbeddedMigrations = diesel_migrations::embed_migrations!("../../migrations/orders");

/// How often an order that another process places is looked at.
const OUTCOME_POLL_PERIOD: Duration = Duration::from_millis(50);
/// What is left of a caller's time to send him the answer.
const ANSWER_TIME: Duration = Duration::from_millis(200);

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Orders {
    store: Store,
    ask: Upstreams,
    buyer_tokens: BuyerTokens,
    commits: Commits,
    placements: Runner<PlaceOrder>,
    cancellations: Runner<CancelOrder>,
    bookings: Runner<BookShipment>,
    handovers: Runner<ShipStock>,
    edits: Runner<EditOrder>,
    new_parts: Runner<PlanFulfilment>,
    parts_back: Runner<CancelFulfilment>,
    redirects: Runner<RedirectFulfilment>,
    receipts: Runner<ReceiveReturn>,
    resolutions: Runner<ResolveReturn>,
}

impl Service for Orders {
    const NAME: &'static str = "orders";
    const CALLS: &'static [Callee] = &[
        Callee::new("access", &["GetChannelAccount", "GetShop"]),
        Callee::new("catalog", &["QuoteItems"]),
        Callee::new("customers", &["IdentifyCustomer"]),
        Callee::new(
            "delivery",
            &[READ_EVENTS, "BookShipment", "CancelDelivery", "PlanDelivery", "QuoteDelivery"],
        ),
        Callee::new(
            "inventory",
            &[
                READ_EVENTS,
                "ChangeReservation",
                "GetReservation",
                "LookUpStock",
                "PostReturn",
                "ReleaseReservation",
                "ReserveStock",
                "ShipReservation",
            ],
        ),
        Callee::new(
            "payments",
            &[
                READ_EVENTS,
                "ChangePaymentAmount",
                "GetPayment",
                "OpenPayment",
                "RefundPayment",
                "VoidPayment",
            ],
        ),
    ];

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    async fn start(platform: Platform) -> anyhow::Result<Parts> {
        let orders = Self::new(platform);
        let late = orders.clone();
        let parts = Parts::new()
            .measure(&figures::ALL)
            .serve(OrderServiceServer::new(orders.clone()))
            .serve(OrderRepairServiceServer::new(orders.clone()))
            .serve(QuoteServiceServer::new(orders.clone()))
            .serve(PromoCodeServiceServer::new(orders.clone()))
            .serve(CartServiceServer::new(orders.clone()))
            .serve(BulkOrderServiceServer::new(orders.clone()))
            .serve(BuyerServiceServer::new(orders.clone()))
            .consume(follow_payments::subscription())
            .consume(follow_shipments::subscription())
            .consume(follow_stock::subscription())
            .every(identify_late_customers::PERIOD, "orders.identify_late_customers", move || {
                let orders = late.clone();
                async move { identify_late_customers::run(&orders).await }
            });
        let overdue = orders.clone();
        let parts = parts.every(cancel_overdue_orders::PERIOD, "orders.cancel_overdue_orders", move || {
            let orders = overdue.clone();
            async move { cancel_overdue_orders::run(&orders).await }
        });
        let carts = orders.clone();
        let parts = parts.every(abandon_carts::PERIOD, "orders.abandon_carts", move || {
            let orders = carts.clone();
            async move { abandon_carts::run(&orders).await }
        });
        let quotes = orders.clone();
        let parts = parts.every(expire_quotes::PERIOD, "orders.expire_quotes", move || {
            let orders = quotes.clone();
            async move { expire_quotes::run(&orders).await }
        });
        let parts = run(run(parts, orders.placements), orders.cancellations);
        let parts = run(run(parts, orders.bookings), orders.handovers);
        let parts = run(run(run(parts, orders.edits), orders.new_parts), orders.parts_back);
        Ok(run(run(run(parts, orders.redirects), orders.receipts), orders.resolutions))
    }
}

/// Goes on with the sagas that another process left, and lets the running ones end when the service drains.
fn run<D: Definition>(parts: Parts, runner: Runner<D>) -> Parts {
    let recovering = runner.clone();
    parts
        .always(D::KIND, async move { recovering.recover().await })
        .drain(async move { runner.drain().await })
}

impl Orders {
    fn new(Platform { store, directory, clock, stop, .. }: Platform) -> Self {
        let buyer_tokens = BuyerTokens::new(directory.keys(), clock.clone());
        let ask = Upstreams::new(&directory, clock);
        let commits = Commits::start(store.clone());
        let placements = StoredPlacements::new(store.clone(), commits.clone());
        let placements = Runner::new(PlaceOrder::new(ask.clone(), placements), store.clone(), stop.clone());
        let cancellations =
            Runner::new(CancelOrder::new(ask.clone(), store.clone()), store.clone(), stop.clone());
        let bookings =
            Runner::new(BookShipment::new(store.clone(), ask.clone()), store.clone(), stop.clone());
        let handovers = Runner::new(ShipStock::new(store.clone(), ask.clone()), store.clone(), stop.clone());
        let edits = Runner::new(EditOrder::new(store.clone(), ask.clone()), store.clone(), stop.clone());
        let new_parts =
            Runner::new(PlanFulfilment::new(store.clone(), ask.clone()), store.clone(), stop.clone());
        let parts_back =
            Runner::new(CancelFulfilment::new(store.clone(), ask.clone()), store.clone(), stop.clone());
        let redirects =
            Runner::new(RedirectFulfilment::new(store.clone(), ask.clone()), store.clone(), stop.clone());
        let receipts =
            Runner::new(ReceiveReturn::new(store.clone(), ask.clone()), store.clone(), stop.clone());
        let resolutions = Runner::new(ResolveReturn::new(store.clone(), ask.clone()), store.clone(), stop);
        Self {
            store,
            ask,
            buyer_tokens,
            commits,
            placements,
            cancellations,
            bookings,
            handovers,
            edits,
            new_parts,
            parts_back,
            redirects,
            receipts,
            resolutions,
        }
    }

    /// How an order ends that was just recorded, or was before; still placing when it takes longer than `patience`.
    async fn outcome(&self, recorded: Recorded, patience: Duration) -> Result<Settled> {
        let until = Instant::now() + patience;
        let order_id = recorded.order_id;
        let settled = match recorded.outcome {
            Some(outcome) => saga::wait(outcome, patience).await,
            None => self.placements.wait(order_id.uuid(), patience).await,
        };
        if let Some(order) = settled {
            return Ok(order);
        }
        loop {
            let mut connection = self.store.connection().await?;
            let order = Order::load(&mut connection, order_id).await?.ok_or(Error::OrderNotFound)?;
            if order.state != OrderState::Placing || Instant::now() >= until {
                return Ok(Arc::new(order));
            }
            drop(connection);
            tokio::time::sleep(OUTCOME_POLL_PERIOD).await;
        }
    }

    /// How long a call waits for the outcome of a saga.
    fn patience(&self, call: &Call) -> Duration {
        PATIENCE.min(call.remaining().saturating_sub(ANSWER_TIME))
    }
}
