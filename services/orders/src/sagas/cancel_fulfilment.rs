//! Takes a part of an order back: its parcel is given up, unless it has left.

use std::convert::Infallible;
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
use crate::sagas::keyed::{Key, Outcome, corrupt};
use crate::upstreams::Upstreams;
use crate::{changes, wire};

/// The operation, as idempotency keys name it.
pub const METHOD: &str = "orders.cancel_fulfilment";

/// Which part.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PartBack {
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
pub struct CancelFulfilment {
    store: Store,
    ask: Upstreams,
}

impl Definition for CancelFulfilment {
    const KIND: &'static str = "cancel_fulfilment";
    type Input = PartBack;
    type Undo = Infallible;
    type Outcome = Outcome<pb::Order>;

    async fn run(
        &self,
        saga: &mut Saga<Infallible>,
        call: &Call,
        input: &PartBack,
    ) -> Result<Self::Outcome, Stop> {
        if let Ok(plan) = input.delivery_plan_id.parse::<DeliveryPlanId>() {
            saga.step("cancel delivery", self.ask.delivery.cancel(call, plan, "the part was taken back"))
                .await?;
        }
        saga.step("settle", async { Ok(self.settle(call, input).await?) }).await
    }

    fn undos(&self, _: &PartBack) -> Vec<Infallible> {
        Vec::new()
    }

    async fn undo(&self, _: &Call, undo: Infallible) -> Result<(), Status> {
        match undo {}
    }

    async fn undone(&self, call: &Call, input: &PartBack, refusal: &Status) -> Result<Self::Outcome, Status> {
        self.give_up(call, input).await?;
        Ok(Outcome::Refused(refusal.clone()))
    }
}

impl PartBack {
    /// A new process for a part that is to be taken back; it is marked, so that nothing else is done with it.
    pub async fn record(tx: &mut Tx, order: &Order, part: &mut Fulfilment, key: Key) -> Result<(Uuid, Self)> {
        let saga_id = Uuid::now_v7();
        part.cancelling = Some(saga_id);
        let input = Self {
            saga_id: saga_id.to_string(),
            order_id: order.order_id.to_string(),
            fulfilment_id: part.fulfilment_id.to_string(),
            delivery_plan_id: part.delivery_plan_id.map(|id| id.to_string()).unwrap_or_default(),
            key: Some(key),
        };
        let call = tx.call().clone();
        let saga = NewSaga { saga_id, kind: CancelFulfilment::KIND, input: input.encode_to_vec(), call };
        saga::record(tx, &[saga]).await?;
        Ok((saga_id, input))
    }

    fn read(&self) -> Result<(Uuid, OrderId, FulfilmentId)> {
        let read = || {
            Some((self.saga_id.parse().ok()?, self.order_id.parse().ok()?, self.fulfilment_id.parse().ok()?))
        };
        read().ok_or_else(|| corrupt("a part to take back"))
    }
}

impl CancelFulfilment {
    /// The process over `store`, asking `ask`.
    pub fn new(store: Store, ask: Upstreams) -> Self {
        Self { store, ask }
    }

    async fn settle(&self, call: &Call, input: &PartBack) -> Result<Outcome<pb::Order>> {
        let (saga_id, order_id, fulfilment_id) = input.read()?;
        let key = input.key.clone().unwrap_or_default();
        let answer = self.store.transaction(call, async |tx: &mut Tx| {
            let before = Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
            if saga::finish(tx, &[saga_id], Finished::Done).await?.is_empty() {
                // Another process was faster; its answer is under the key.
                return Err(store::Error::KeyInUse.into());
            }
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
    async fn give_up(&self, call: &Call, input: &PartBack) -> Result<()> {
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
