//! Takes a part of an order back: its parcel is given up, unless it has left.

use std::convert::Infallible;
use std::sync::Arc;

use proto::orders::v1 as pb;
use rpc::Call;
use saga::{Definition, Finished, Saga, Stop};
use store::{Store, Tx};
use tonic::Status;
use types::DeliveryPlanId;

use crate::error::{Error, Result};
use crate::model::fulfilment::FulfilmentState;
use crate::model::order::Order;
use crate::sagas::keyed::{self, Outcome};
use crate::sagas::part_input::PartInput;
use crate::upstreams::Upstreams;
use crate::{changes, wire};

/// The operation, as idempotency keys name it.
pub const METHOD: &str = "orders.cancel_fulfilment";

/// The process.
pub struct CancelFulfilment {
    store: Store,
    ask: Upstreams,
}

impl Definition for CancelFulfilment {
    const KIND: &'static str = "cancel_fulfilment";
    type Input = PartInput;
    type Undo = Infallible;
    type Outcome = Outcome<pb::Order>;

    async fn run(
        &self,
        saga: &mut Saga<Infallible>,
        call: &Call,
        input: &PartInput,
    ) -> Result<Self::Outcome, Stop> {
        if let Ok(plan) = input.delivery_plan_id.parse::<DeliveryPlanId>() {
            saga.step("cancel delivery", self.ask.delivery.cancel(call, plan, "the part was taken back"))
                .await?;
        }
        saga.step("settle", async { Ok(self.settle(call, input).await?) }).await
    }

    fn undos(&self, _: &PartInput) -> Vec<Infallible> {
        Vec::new()
    }

    async fn undo(&self, _: &Call, undo: Infallible) -> Result<(), Status> {
        match undo {}
    }

    async fn undone(
        &self,
        call: &Call,
        input: &PartInput,
        refusal: &Status,
    ) -> Result<Self::Outcome, Status> {
        self.give_up(call, input).await?;
        Ok(Outcome::Refused(refusal.clone()))
    }
}

impl CancelFulfilment {
    /// The process over `store`, asking `ask`.
    pub fn new(store: Store, ask: Upstreams) -> Self {
        Self { store, ask }
    }

    async fn settle(&self, call: &Call, input: &PartInput) -> Result<Outcome<pb::Order>> {
        let (saga_id, order_id, fulfilment_id) = input.read()?;
        let key = input.key.clone().unwrap_or_default();
        let answer = self.store.transaction(call, async |tx: &mut Tx| {
            let before = Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
            keyed::finish(tx, saga_id).await?;
            let mut order = before.clone();
            if let Some(part) = order.part_mut(fulfilment_id) {
                part.cancelling = None;
                if part.state.waits() {
                    part.state = FulfilmentState::Cancelled;
                }
            }
            changes::save(tx, METHOD, &before, &mut order).await?;
            key.answer(tx, METHOD, wire::order(&order)).await
        });
        Ok(Outcome::Done(Arc::new(answer.await?)))
    }

    /// The part stays, and the key is free.
    async fn give_up(&self, call: &Call, input: &PartInput) -> Result<()> {
        let (saga_id, order_id, fulfilment_id) = input.read()?;
        let key = input.key.clone().unwrap_or_default();
        self.store
            .transaction(call, async |tx: &mut Tx| {
                let mut order = Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
                if saga::finish(tx, &[saga_id], Finished::Undone).await?.is_empty() {
                    return Ok(());
                }
                if let Some(part) = order.part_mut(fulfilment_id) {
                    part.cancelling = None;
                }
                order.save(tx).await?;
                key.free(tx, METHOD).await
            })
            .await
    }
}
