//! A process of orders: what it is asked for, and the real runner that does it.

use std::sync::Arc;
use std::time::Duration;

use korob_orders::model::order::Order;
use korob_orders::model::order_state::OrderState;
use korob_orders::sagas::cancel_order::{CancelOrder, Cancellation, Outcome};
use korob_orders::sagas::place_order::{PATIENCE, PlaceOrder, Terms};
use prost::Message;
use rpc::{Call, Caller, Fault};
use saga::{Definition, Runner};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use types::OrderId;
use uuid::Uuid;

use crate::around::Around;
use crate::books::Books;
use crate::buyers::OVERDUE;
use crate::follow;
use crate::network::{commit, read};
use crate::order_sagas::OrderSagas;
use crate::order_tables::{Answered, SagaRow, Wanted, shop_id};
use crate::process::Process;

/// How often an order that another process places is looked at.
const OUTCOME_POLL_PERIOD: Duration = Duration::from_millis(500);

type Placing = PlaceOrder<Around, Books>;
type Cancelling = CancelOrder<Around, Books>;

/// A process of orders.
pub struct OrderDesk {
    pub process: Arc<Process>,
    placements: Runner<Placing, OrderSagas>,
    cancellations: Runner<Cancelling, OrderSagas>,
}

enum Recorded {
    Now,
    Before(OrderId),
}

enum Begun {
    Now(Uuid, Box<Cancellation>),
    Running(Option<Uuid>),
    Before,
}

impl OrderDesk {
    /// Starts to work.
    pub fn open(process: Arc<Process>) {
        let books = Books(process.clone());
        let placing = PlaceOrder::new(Around(process.clone()), books.clone());
        let cancelling = CancelOrder::new(Around(process.clone()), books);
        let stop = CancellationToken::new();
        let desk = Arc::new(Self {
            placements: Runner::new(placing, OrderSagas(process.clone()), stop.clone()),
            cancellations: Runner::new(cancelling, OrderSagas(process.clone()), stop),
            process,
        });
        let (placements, cancellations) = (desk.placements.clone(), desk.cancellations.clone());
        tokio::spawn(async move { placements.recover().await });
        tokio::spawn(async move { cancellations.recover().await });
        tokio::spawn(follow::payments(desk.process.clone()));
        tokio::spawn(follow::stock(desk.process.clone()));
        desk.process.world.desks.lock().insert(desk.process.name, desk.clone());
    }

    /// Places an order: recorded first. Answers it when it is placed, rejected, or when that takes too long.
    pub async fn place(self: Arc<Self>, key: String, wanted: Wanted) -> Result<Order, Status> {
        let process = &self.process;
        let order_id = OrderId::from_uuid(process.world.new_id());
        let terms = wanted.terms(order_id);
        let call = self.call();
        if process.world.has("orders.acknowledged_before_recorded") {
            let order = wanted.order(order_id);
            let (desk, later) = (self.clone(), wanted);
            tokio::spawn(async move {
                desk.process.rest(Duration::from_millis(300)).await;
                let recorded = desk.record(&key, &later, order_id, &terms, &call).await;
                if let Ok(Recorded::Now) = recorded {
                    drop(desk.placements.start(order_id.uuid(), &call, terms));
                }
            });
            return Ok(order);
        }
        let (order_id, settled) = match self.record(&key, &wanted, order_id, &terms, &call).await? {
            Recorded::Now => {
                let outcome = self.placements.start(order_id.uuid(), &call, terms);
                (order_id, saga::wait(outcome, PATIENCE).await)
            }
            Recorded::Before(order_id) => (order_id, self.placements.wait(order_id.uuid(), PATIENCE).await),
        };
        if let Some(order) = settled {
            return Ok(Order::clone(&order));
        }
        let until = process.world.elapsed() + PATIENCE;
        loop {
            let found = read(process, |world| world.orders.lock().orders.get(&order_id).cloned()).await?;
            let order = found.ok_or_else(|| Status::not_found("the order is gone"))?;
            if order.state != OrderState::Placing || process.world.elapsed() >= until {
                return Ok(order);
            }
            process.rest(OUTCOME_POLL_PERIOD).await;
        }
    }

    async fn record(
        &self,
        key: &str,
        wanted: &Wanted,
        order_id: OrderId,
        terms: &Terms,
        call: &Call,
    ) -> Result<Recorded, Status> {
        commit(&self.process, "a new order", |world| {
            let mut orders = world.orders.lock();
            let claimed = !world.has("orders.key_not_claimed");
            if let Some((first, before)) = orders.keys.get(key).filter(|_| claimed) {
                return match first == wanted {
                    true => Ok(Recorded::Before(*before)),
                    false => Err(store::Error::KeyReused.fault().into()),
                };
            }
            let row = SagaRow::new(Placing::KIND, terms.encode_to_vec(), world.lease_time(), call);
            orders.keys.insert(key.to_owned(), (wanted.clone(), order_id));
            orders.made_by.insert(order_id, key.to_owned());
            orders.orders.insert(order_id, wanted.order(order_id));
            orders.sagas.insert(order_id.uuid(), row);
            Ok(Recorded::Now)
        })
        .await
    }

    /// Cancels an order, or says why not.
    pub async fn cancel(self: Arc<Self>, key: String, order_id: OrderId) -> Result<(), Status> {
        let call = self.call();
        let saga_id = self.process.world.new_id();
        let begun = commit(&self.process, "a wish to cancel", |world| {
            let mut orders = world.orders.lock();
            let before = orders.orders.get(&order_id).cloned();
            let order = before.ok_or_else(|| Status::not_found("there is no such order"))?;
            match orders.cancel_keys.get(&key) {
                Some(Answered::Cancelled) => return Ok(Begun::Before),
                Some(Answered::NotYet) => return Ok(Begun::Running(order.cancelling)),
                None => {}
            }
            if order.state == OrderState::Placing || order.cancelling.is_some() {
                return Err(refused(Code::Aborted, "BUSY"));
            }
            order.may_be_cancelled().map_err(|_| refused(Code::FailedPrecondition, "CANCEL_FORBIDDEN"))?;
            let input = cancellation(saga_id, &order, &key);
            let row = SagaRow::new(Cancelling::KIND, input.encode_to_vec(), world.lease_time(), &call);
            orders.orders.insert(order_id, Order { cancelling: Some(saga_id), ..order });
            orders.cancel_keys.insert(key.clone(), Answered::NotYet);
            orders.sagas.insert(saga_id, row);
            Ok(Begun::Now(saga_id, Box::new(input)))
        });
        let outcome = match begun.await? {
            Begun::Before => return Ok(()),
            Begun::Now(saga_id, input) => {
                saga::wait(self.cancellations.start(saga_id, &call, *input), PATIENCE).await
            }
            Begun::Running(Some(saga_id)) => self.cancellations.wait(saga_id, PATIENCE).await,
            Begun::Running(None) => None,
        };
        match outcome {
            Some(Outcome::Cancelled(_)) => Ok(()),
            Some(Outcome::Refused(status)) => Err(status),
            None => Err(store::Error::KeyInUse.fault().into()),
        }
    }

    fn call(&self) -> Call {
        Call::begin(Caller::operator("buyer"), PATIENCE)
    }
}

impl Wanted {
    fn terms(&self, order_id: OrderId) -> Terms {
        Terms {
            order_id: order_id.to_string(),
            accept_shortage: self.accept_shortage,
            expected_total_minor: self.expected_total,
            country_code: "UA".to_owned(),
            delivers: self.delivers,
            one_warehouse: self.one_warehouse,
            ..Terms::default()
        }
    }
}

/// As `services/orders/src/rpc/cancel_order.rs` makes it.
fn cancellation(saga_id: Uuid, order: &Order, key: &str) -> Cancellation {
    Cancellation {
        saga_id: saga_id.to_string(),
        order_id: order.order_id.to_string(),
        reason: "buyer_changed_mind".to_owned(),
        scope: shop_id().to_string(),
        key: key.to_owned(),
        delivery_plan_id: order.delivery_plan_id.map(String::from).unwrap_or_default(),
        reservation_id: order.reservation_id.map(String::from).unwrap_or_default(),
        payment_id: order.payment_id.map(String::from).unwrap_or_default(),
        // As shops give up by themselves what nobody pays, unless a parcel was asked for.
        only_unpaid: key.starts_with(OVERDUE) && order.delivery.is_none(),
        ..Cancellation::default()
    }
}

fn refused(code: Code, reason: &'static str) -> Status {
    Fault::new(code, reason, reason).into()
}
