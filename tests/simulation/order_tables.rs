//! What orders has stored: orders, keys, sagas, its event log and how far it has read those of others.

use std::collections::BTreeMap;
use std::time::Duration;

use korob_orders::model::order::{Delivery, Order};
use korob_orders::model::order_line::{OrderLine, UnitPrice};
use korob_orders::model::order_state::OrderState;
use korob_orders::model::origin::PaymentMethod;
use saga::LEASE;
use tonic::Status;
use types::{DeliveryMethodId, OrderId, ShopId, Sku, SourceId};
use uuid::Uuid;

use crate::world::currency;

/// What a buyer sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub lines: Vec<(Sku, i32)>,
    pub payment_method: PaymentMethod,
    pub accept_shortage: bool,
    pub one_warehouse: bool,
    pub delivers: bool,
    /// The total that the buyer saw, in minor units.
    pub expected_total: Option<i64>,
}

/// The database of orders.
#[derive(Default)]
pub struct OrderTables {
    pub orders: BTreeMap<OrderId, Order>,
    /// What was asked for under a key, and the order that it made.
    pub keys: BTreeMap<String, (Wanted, OrderId)>,
    /// Under which key each order was made.
    pub made_by: BTreeMap<OrderId, String>,
    /// Keys of cancellations, and whether they have their answer.
    pub cancel_keys: BTreeMap<String, Answered>,
    pub sagas: BTreeMap<Uuid, SagaRow>,
    pub log: Vec<OrderEvent>,
    /// The next event of each log that is followed.
    pub cursors: BTreeMap<&'static str, usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    NotYet,
    Cancelled,
}

/// A saga's row.
pub struct SagaRow {
    pub kind: &'static str,
    pub state: SagaState,
    pub input: Vec<u8>,
    pub refusal: Option<Status>,
    pub lease_until: Duration,
    /// How often it was taken over or tried again.
    pub attempts: u32,
    pub actor: String,
    pub traceparent: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SagaState {
    Running,
    Unwinding,
    Done,
    Undone,
}

/// What is told of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderEvent {
    pub order_id: OrderId,
    pub version: i64,
    pub state: OrderState,
}

impl SagaState {
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Unwinding)
    }
}

impl SagaRow {
    /// A saga that this process runs from now on.
    pub fn new(kind: &'static str, input: Vec<u8>, now: Duration, call: &rpc::Call) -> Self {
        Self {
            kind,
            state: SagaState::Running,
            input,
            refusal: None,
            lease_until: now + LEASE,
            attempts: 0,
            actor: call.caller.actor.to_string(),
            traceparent: call.trace.to_string(),
        }
    }
}

impl OrderTables {
    /// Closes a saga in the commit of its last effect; false when somebody else has.
    pub fn finish(&mut self, saga_id: Uuid, from: SagaState, to: SagaState) -> bool {
        let open = self.sagas.get_mut(&saga_id).filter(|row| row.state == from);
        open.map(|row| row.state = to).is_some()
    }

    /// Writes a changed order and tells of it; nothing when nothing is different.
    pub fn save(&mut self, before: &Order, mut after: Order) {
        if *before == after {
            return;
        }
        after.version = before.version + 1;
        self.log.push(OrderEvent { order_id: after.order_id, version: after.version, state: after.state });
        self.orders.insert(after.order_id, after);
    }
}

impl Wanted {
    /// The order before anything is known of it but this.
    pub fn order(&self, order_id: OrderId) -> Order {
        let line = |((sku, ordered), position): (&(Sku, i32), i32)| {
            OrderLine::wanted(position, sku.clone(), *ordered, UnitPrice::Open, currency())
        };
        let lines = self.lines.iter().zip(0..).map(line).collect();
        let delivery = self.delivers.then(|| Delivery {
            method_id: DeliveryMethodId::from_uuid(Uuid::from_u128(3)),
            method_name: String::new(),
            address: None,
            price_fixed: false,
        });
        let source_id = SourceId::from_uuid(Uuid::from_u128(2));
        Order {
            channel: "site".to_owned(),
            delivery,
            ..Order::wanted(order_id, shop_id(), source_id, self.payment_method, currency(), lines)
        }
    }

    /// Whether an order is what was asked for.
    pub fn is_in(&self, order: &Order) -> bool {
        let lines = order.lines.iter().map(|line| (line.sku.clone(), line.ordered));
        lines.eq(self.lines.iter().cloned()) && order.payment_method == self.payment_method
    }
}

/// The only shop.
pub fn shop_id() -> ShopId {
    ShopId::from_uuid(Uuid::from_u128(1))
}
