//! Plans the delivery of a new part of an order; a part that cannot be delivered is taken back.

use std::sync::Arc;

use proto::orders::v1 as pb;
use rpc::Call;
use saga::{Definition, Finished, Saga, Stop};
use store::{Store, Tx};
use tonic::Status;
use types::DeliveryPlanId;

use crate::error::{Error, Result};
use crate::model::fulfilment::{Fulfilment, FulfilmentState};
use crate::model::order::Order;
use crate::model::order_state::OrderState;
use crate::model::placement::Planned;
use crate::sagas::book_shipment::Booking;
use crate::sagas::follow_up;
use crate::sagas::keyed::{self, Outcome};
use crate::sagas::part_input::PartInput;
use crate::upstreams::{Load, Upstreams};
use crate::{changes, wire};

/// The operation, as idempotency keys name it.
pub const METHOD: &str = "orders.create_fulfilment";

/// The process.
pub struct PlanFulfilment {
    store: Store,
    ask: Upstreams,
}

impl Definition for PlanFulfilment {
    const KIND: &'static str = "plan_fulfilment";
    type Input = PartInput;
    type Undo = DeliveryPlanId;
    type Outcome = Outcome<pb::Order>;

    async fn run(
        &self,
        saga: &mut Saga<DeliveryPlanId>,
        call: &Call,
        input: &PartInput,
    ) -> Result<Self::Outcome, Stop> {
        let (order, part) = saga.step("read", async { Ok(self.read(input).await?) }).await?;
        let Some(load) = load(&order, &part) else {
            return Err(Stop::Refused(Status::internal("the part has no delivery to plan")));
        };
        let plan = self.ask.delivery.plan(call, &order, &load);
        let planned = saga.step_or("plan delivery", load.delivery_plan_id, plan).await?;
        saga.step("settle", async { Ok(self.settle(call, input, planned).await?) }).await
    }

    fn undos(&self, input: &PartInput) -> Vec<DeliveryPlanId> {
        input.delivery_plan_id.parse().into_iter().collect()
    }

    async fn undo(&self, call: &Call, plan: DeliveryPlanId) -> Result<(), Status> {
        self.ask.delivery.cancel(call, plan, "the part was not made").await
    }

    async fn undone(
        &self,
        call: &Call,
        input: &PartInput,
        refusal: &Status,
    ) -> Result<Self::Outcome, Status> {
        self.give_up(call, input, refusal).await?;
        Ok(Outcome::Refused(refusal.clone()))
    }
}

impl PlanFulfilment {
    /// The process over `store`, asking `ask`.
    pub fn new(store: Store, ask: Upstreams) -> Self {
        Self { store, ask }
    }

    async fn read(&self, input: &PartInput) -> Result<(Order, Fulfilment)> {
        let (_, order_id, fulfilment_id) = input.read()?;
        let mut connection = self.store.connection().await?;
        let order = Order::load(&mut connection, order_id).await?.ok_or(Error::OrderNotFound)?;
        let part = order.part(fulfilment_id).cloned().ok_or(Error::FulfilmentNotFound)?;
        Ok((order, part))
    }

    async fn settle(&self, call: &Call, input: &PartInput, planned: Planned) -> Result<Outcome<pb::Order>> {
        let (saga_id, order_id, fulfilment_id) = input.read()?;
        let key = input.key.clone().unwrap_or_default();
        let answer = self.store.transaction(call, async |tx: &mut Tx| {
            let before = Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
            keyed::finish(tx, saga_id).await?;
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
                follow_up::record_for_anybody(tx, &booking).await?;
            }
            key.answer(tx, METHOD, wire::order(&order)).await
        });
        Ok(Outcome::Done(Arc::new(answer.await?)))
    }

    /// The part is taken back with the reason, and the key is free.
    async fn give_up(&self, call: &Call, input: &PartInput, refusal: &Status) -> Result<()> {
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
pub fn load<'a>(order: &'a Order, part: &'a Fulfilment) -> Option<Load<'a>> {
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
