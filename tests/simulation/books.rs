//! Where the real processes of orders read and write here: one commit each, as in the database.

use std::sync::Arc;

use korob_orders::model::order::{Identified, Order};
use korob_orders::model::order_state::OrderState;
use korob_orders::model::placement::Priced;
use korob_orders::sagas::cancel_order::{Cancellation, Outcome};
use korob_orders::sagas::cancellations::Cancellations;
use korob_orders::sagas::place_order::Settled;
use korob_orders::sagas::placements::{Placements, PricesHold, Redeemed};
use rpc::Call;
use tonic::Status;
use types::{DeliveryPlanId, OrderId, QuoteId};

use crate::network::{commit, read};
use crate::order_tables::{Answered, OrderTables, SagaState};
use crate::process::Process;

/// The orders database, as one process sees it.
#[derive(Clone)]
pub struct Books(pub Arc<Process>);

impl Placements for Books {
    async fn read(&self, order_id: OrderId) -> Result<Arc<Order>, Status> {
        let found = read(&self.0, |world| world.orders.lock().orders.get(&order_id).cloned()).await?;
        found.map(Arc::new).ok_or_else(|| Status::internal("the saga's order is gone"))
    }

    async fn quoted(&self, _: QuoteId) -> Result<Priced, Status> {
        unreachable!("nobody has a quote on this day")
    }

    async fn redeem(
        &self,
        _: &Call,
        _: &Order,
        _: PricesHold,
        _: &str,
        _: Identified,
        _: Priced,
    ) -> Result<Redeemed, Status> {
        unreachable!("nobody has a promo code on this day")
    }

    async fn give_back(&self, _: &Call, _: OrderId) -> Result<(), Status> {
        unreachable!("nobody has a promo code on this day")
    }

    async fn settle(&self, _: &Call, order: Order) -> Result<Settled, Status> {
        let what = format!("an order, {}", order.state);
        let settled = commit(&self.0, &what, move |world| {
            let mut orders = world.orders.lock();
            let (from, to) = match order.state {
                OrderState::Rejected => (SagaState::Unwinding, SagaState::Undone),
                _ => (SagaState::Running, SagaState::Done),
            };
            let ours = orders.finish(order.order_id.uuid(), from, to);
            if !ours && !world.has("orders.settled_by_whoever_comes") {
                return settled_before(&orders, order.order_id);
            }
            let keeps_news = !world.has("orders.news_of_stock_overwritten");
            Ok(write(&mut orders, order, keeps_news))
        });
        settled.await.map(Arc::new)
    }
}

fn settled_before(orders: &OrderTables, order_id: OrderId) -> Result<Order, Status> {
    match orders.orders.get(&order_id) {
        Some(order) if order.state != OrderState::Placing => Ok(order.clone()),
        _ => Err(Status::aborted("another process unwinds the saga")),
    }
}

/// What inventory has told of the order's stock before it was settled is newer than what it answered the saga.
fn write(orders: &mut OrderTables, mut order: Order, keeps_news: bool) -> Order {
    let Some(row) = orders.orders.get(&order.order_id).cloned() else { return order };
    let news = row.shortages.as_ref().filter(|news| Some(*news) != order.shortages.as_ref());
    if let Some(news) = news.filter(|_| keeps_news && order.state == OrderState::New) {
        order.shortages = Some(news.clone());
        for (line, known) in order.lines.iter_mut().zip(&row.lines) {
            line.reserved = known.reserved;
        }
    }
    order.progress = row.progress.clone();
    (order.paid, order.refunded, order.payments) = (row.paid, row.refunded, row.payments.clone());
    orders.save(&row, order.clone());
    order
}

impl Cancellations for Books {
    async fn settle(&self, _: &Call, input: &Cancellation) -> Result<Outcome, Status> {
        let (saga_id, order_id, reason) = input.read()?;
        let input = input.clone();
        commit(&self.0, "a cancellation", move |world| {
            let mut orders = world.orders.lock();
            let Some(before) = orders.orders.get(&order_id).cloned() else {
                return Err(Status::not_found("the order is gone"));
            };
            if !orders.finish(saga_id, SagaState::Running, SagaState::Done) {
                return Err(store::Error::KeyInUse.fault().into());
            }
            let mut order = before.clone();
            order.cancel(reason);
            orders.save(&before, order);
            orders.cancel_keys.insert(input.key.clone(), Answered::Cancelled);
            Ok(Outcome::Cancelled(Arc::default()))
        })
        .await
    }

    async fn give_up(&self, _: &Call, input: &Cancellation, _: &[DeliveryPlanId]) -> Result<(), Status> {
        let (saga_id, order_id, _) = input.read()?;
        let key = input.key.clone();
        commit(&self.0, "no cancellation", move |world| {
            let mut orders = world.orders.lock();
            if !orders.finish(saga_id, SagaState::Unwinding, SagaState::Undone) {
                return Ok(());
            }
            if let Some(order) = orders.orders.get_mut(&order_id) {
                order.cancelling = None;
            }
            orders.cancel_keys.remove(&key);
            Ok(())
        })
        .await
    }
}
