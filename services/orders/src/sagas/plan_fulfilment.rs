//! Plans the delivery of a new part of an order; a part that cannot be delivered is taken back.

use std::sync::Arc;

use prost::Message;
use proto::orders::v1 as pb;
use rpc::Call;
use saga::{Definition, Finished, NewSaga, Saga, Stop};
use store::{Store, Tx};
use tonic::Status;
use types::{DeliveryPlanId, FulfilmentId, OrderId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::fulfilment::{Fulfilment, FulfilmentState};
use crate::model::order::Order;
use crate::model::order_state::OrderState;
use crate::model::placement::Planned;
use crate::sagas::book_shipment::Booking;
use crate::sagas::keyed::{Key, Outcome, corrupt};
use crate::upstreams::{Load, Upstreams};
use crate::{changes, wire};

/// The operation, as idempotency keys name it.
pub const METHOD: &str = "orders.create_fulfilment";

/// Which part.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NewPart {
    /// Of this saga.
    #[prost(string, tag = "1")]
    pub saga_id: String,
    /// The order.
    #[prost(string, tag = "2")]
    pub order_id: String,
    /// The part.
    #[prost(string, tag = "3")]
    pub fulfilment_id: String,
    /// Its delivery.
    #[prost(string, tag = "4")]
    pub delivery_plan_id: String,
    /// What its answer is stored under.
    #[prost(message, optional, tag = "5")]
    pub key: Option<Key>,
}

/// The process.
pub struct PlanFulfilment {
    store: Store,
    ask: Upstreams,
}

impl Definition for PlanFulfilment {
    const KIND: &'static str = "plan_fulfilment";
    type Input = NewPart;
    type Undo = DeliveryPlanId;
    type Outcome = Outcome<pb::Order>;

    async fn run(
        &self,
        saga: &mut Saga<DeliveryPlanId>,
        call: &Call,
        input: &NewPart,
    ) -> Result<Self::Outcome, Stop> {
        let (order, part) = saga.step("read", async { Ok(self.read(input).await?) }).await?;
        let Some(load) = load(&order, &part) else {
            return Err(Stop::Refused(Status::internal("the part has no delivery to plan")));
        };
        let plan = self.ask.delivery.plan(call, &order, &load);
        let planned = saga.step_or("plan delivery", load.delivery_plan_id, plan).await?;
        saga.step("settle", async { Ok(self.settle(call, input, planned).await?) }).await
    }

    fn undos(&self, input: &NewPart) -> Vec<DeliveryPlanId> {
        input.delivery_plan_id.parse().into_iter().collect()
    }

    async fn undo(&self, call: &Call, plan: DeliveryPlanId) -> Result<(), Status> {
        self.ask.delivery.cancel(call, plan, "the part was not made").await
    }

    async fn undone(&self, call: &Call, input: &NewPart, refusal: &Status) -> Result<Self::Outcome, Status> {
        self.give_up(call, input, refusal).await?;
        Ok(Outcome::Refused(refusal.clone()))
    }
}

impl NewPart {
    /// A new process for a part whose delivery is to be planned, recorded in the transaction that makes the part.
    pub async fn record(tx: &mut Tx, order: &Order, part: &Fulfilment, key: Key) -> Result<(Uuid, Self)> {
        let saga_id = Uuid::now_v7();
        let input = Self {
            saga_id: saga_id.to_string(),
            order_id: order.order_id.to_string(),
            fulfilment_id: part.fulfilment_id.to_string(),
            delivery_plan_id: part.delivery_plan_id.map(|id| id.to_string()).unwrap_or_default(),
            key: Some(key),
        };
        let call = tx.call().clone();
        let saga = NewSaga { saga_id, kind: PlanFulfilment::KIND, input: input.encode_to_vec(), call };
        saga::record(tx, &[saga]).await?;
        Ok((saga_id, input))
    }

    fn read(&self) -> Result<(Uuid, OrderId, FulfilmentId)> {
        let read = || {
            Some((self.saga_id.parse().ok()?, self.order_id.parse().ok()?, self.fulfilment_id.parse().ok()?))
        };
        read().ok_or_else(|| corrupt("a new part"))
    }
}

impl PlanFulfilment {
    /// The process over `store`, asking `ask`.
    pub fn new(store: Store, ask: Upstreams) -> Self {
        Self { store, ask }
    }

    async fn read(&self, input: &NewPart) -> Result<(Order, Fulfilment)> {
        let (_, order_id, fulfilment_id) = input.read()?;
        let mut connection = self.store.connection().await?;
        let order = Order::load(&mut connection, order_id).await?.ok_or(Error::OrderNotFound)?;
        let part = order.part(fulfilment_id).cloned().ok_or(Error::FulfilmentNotFound)?;
        Ok((order, part))
    }

    async fn settle(&self, call: &Call, input: &NewPart, planned: Planned) -> Result<Outcome<pb::Order>> {
        let (saga_id, order_id, fulfilment_id) = input.read()?;
        let key = input.key.clone().unwrap_or_default();
        let answer = self.store.transaction(call, async |tx: &mut Tx| {
            let before = Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
            if saga::finish(tx, &[saga_id], Finished::Done).await?.is_empty() {
                // Another process was faster; its answer is under the key.
                return Err(store::Error::KeyInUse.into());
            }
            let mut order = before.clone();
            let planning = |part: &&mut Fulfilment| part.state == FulfilmentState::Planning;
            if let Some(part) = order.part_mut(fulfilment_id).filter(planning) {
                part.state = FulfilmentState::Open;
                if let Some(delivery) = &mut part.delivery {
                    delivery.method_name = planned.method_name;
                }
            }
            let packs = matches!(order.state, OrderState::Assembling | OrderState::Delivery);
            let parts = if packs { order.ask_for_parcels() } else { Vec::new() };
            changes::save(tx, METHOD, &before, &mut order).await?;
            for booking in Booking::of(&order, &parts) {
                booking.record_for_anybody(tx).await?;
            }
            key.answer(tx, METHOD, wire::order(&order)).await
        });
        Ok(Outcome::Done(Arc::new(answer.await?)))
    }

    /// The part is taken back with the reason, and the key is free.
    async fn give_up(&self, call: &Call, input: &NewPart, refusal: &Status) -> Result<()> {
        let (saga_id, order_id, fulfilment_id) = input.read()?;
        let key = input.key.clone().unwrap_or_default();
        let reason = rpc::reason(refusal).unwrap_or_else(|| format!("{:?}", refusal.code()));
        self.store
            .transaction(call, async |tx: &mut Tx| {
                let before = Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
                if saga::finish(tx, &[saga_id], Finished::Undone).await?.is_empty() {
                    return Ok(());
                }
                let mut order = before.clone();
                if let Some(part) = order.part_mut(fulfilment_id) {
                    part.state = FulfilmentState::Cancelled;
                    part.incident = reason;
                }
                changes::save(tx, METHOD, &before, &mut order).await?;
                key.free(tx, METHOD).await
            })
            .await
    }
}

/// What of the order is in the part; it costs the buyer what was agreed for the order.
fn load<'a>(order: &'a Order, part: &'a Fulfilment) -> Option<Load<'a>> {
    let units = |line: &crate::model::fulfilment::FulfilmentLine| {
        let of_order = order.lines.iter().find(|one| one.position == line.position)?;
        Some((of_order, line.quantity))
    };
    Some(Load {
        delivery_plan_id: part.delivery_plan_id?,
        delivery: part.delivery.as_ref()?,
        lines: part.lines.iter().filter_map(units).collect(),
        goods_total: part.goods_total().ok()?,
        fixed_price: Some(part.delivery_total),
        cash_on_delivery: Some(part.cash_on_delivery),
    })
}
