//! Receives the goods of a return: they are posted to stock as they were found; then they came back.

use std::convert::Infallible;
use std::sync::Arc;

use proto::orders::v1 as pb;
use rpc::Call;
use saga::{Definition, Finished, NewSaga, Saga, Stop};
use store::{Store, Tx};
use tonic::Status;
use types::{ReturnId, ReturnPostingId, WarehouseId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::order::Order;
use crate::model::returns::Return;
use crate::sagas::keyed::{self, Key, Outcome, corrupt};
use crate::upstreams::{ReturnedGoods, Upstreams};
use crate::{changes, return_changes, wire};

/// The operation, as idempotency keys name it.
pub const METHOD: &str = "orders.receive_return";

/// Which return, and where its goods lie. What was found is kept with the return: people wrote notes about it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Receipt {
    /// Of this saga.
    #[prost(string, tag = "1")]
    pub saga_id: String,
    /// The return.
    #[prost(string, tag = "2")]
    pub return_id: String,
    /// Where.
    #[prost(string, tag = "3")]
    pub warehouse_id: String,
    /// Counts the tries: each is posted under an id of its own, so that a refused one does not stand in the way.
    #[prost(int32, tag = "4")]
    pub attempt: i32,
    /// What its answer is stored under.
    #[prost(message, optional, tag = "5")]
    pub key: Option<Key>,
}

/// The process.
pub struct ReceiveReturn {
    store: Store,
    ask: Upstreams,
}

impl Definition for ReceiveReturn {
    const KIND: &'static str = "receive_return";
    type Input = Receipt;
    type Undo = Infallible;
    type Outcome = Outcome<pb::Return>;

    async fn run(
        &self,
        saga: &mut Saga<Infallible>,
        call: &Call,
        input: &Receipt,
    ) -> Result<Self::Outcome, Stop> {
        let goods = saga.step("read", async { Ok(self.read(input).await?) }).await?;
        if !goods.found.is_empty() {
            saga.step("post return", self.ask.inventory.post_return(call, &goods)).await?;
        }
        saga.step("settle", async { Ok(self.settle(call, input).await?) }).await
    }

    fn undos(&self, _: &Receipt) -> Vec<Infallible> {
        Vec::new()
    }

    async fn undo(&self, _: &Call, undo: Infallible) -> Result<(), Status> {
        match undo {}
    }

    async fn undone(&self, call: &Call, input: &Receipt, refusal: &Status) -> Result<Self::Outcome, Status> {
        self.give_up(call, input).await?;
        Ok(Outcome::Refused(refusal.clone()))
    }
}

impl Receipt {
    /// A new process for a return that was locked in this transaction; it is marked, so that nothing else moves it.
    pub async fn record(
        tx: &mut Tx,
        one: &mut Return,
        warehouse_id: WarehouseId,
        key: Key,
    ) -> Result<(Uuid, Self)> {
        let saga_id = Uuid::now_v7();
        one.attempts += 1;
        one.working = Some(saga_id);
        one.save(tx).await?;
        let input = Self {
            saga_id: saga_id.to_string(),
            return_id: one.return_id.to_string(),
            warehouse_id: warehouse_id.to_string(),
            attempt: one.attempts,
            key: Some(key),
        };
        let saga = NewSaga::of::<ReceiveReturn>(saga_id, &input, tx.call());
        saga::record(tx, &[saga]).await?;
        Ok((saga_id, input))
    }

    fn read(&self) -> Result<(Uuid, ReturnId, WarehouseId)> {
        let read = || {
            Some((self.saga_id.parse().ok()?, self.return_id.parse().ok()?, self.warehouse_id.parse().ok()?))
        };
        read().ok_or_else(|| corrupt("a receipt"))
    }
}

impl ReceiveReturn {
    /// The process over `store`, asking `ask`.
    pub fn new(store: Store, ask: Upstreams) -> Self {
        Self { store, ask }
    }

    async fn read(&self, input: &Receipt) -> Result<ReturnedGoods> {
        let (_, return_id, warehouse_id) = input.read()?;
        let mut connection = self.store.connection().await?;
        let one = Return::load(&mut connection, return_id).await?.ok_or(Error::ReturnNotFound)?;
        let order = match one.order_id {
            Some(order_id) => Order::load(&mut connection, order_id).await?,
            None => None,
        };
        Ok(ReturnedGoods {
            posting_id: ReturnPostingId::derived(return_id.uuid(), input.attempt.unsigned_abs()),
            return_id,
            order_id: one.order_id,
            shop_id: one.shop_id,
            warehouse_id,
            found: one.stock(order.as_ref(), &one.pending),
        })
    }

    async fn settle(&self, call: &Call, input: &Receipt) -> Result<Outcome<pb::Return>> {
        let (saga_id, return_id, warehouse_id) = input.read()?;
        let key = input.key.clone().unwrap_or_default();
        let answer = self.store.transaction(call, async |tx: &mut Tx| {
            let order = order_of(tx, return_id).await?;
            let before = Return::lock(tx, return_id).await?.ok_or(Error::ReturnNotFound)?;
            keyed::finish(tx, saga_id).await?;
            let mut after = before.clone();
            let mut changed = order.clone();
            after.receive(changed.as_mut(), warehouse_id, before.pending.clone()).map_err(Error::from_sum)?;
            after.working = None;
            if let Some((old, new)) = order.as_ref().zip(changed.as_mut()) {
                changes::save(tx, METHOD, old, new).await?;
            }
            return_changes::save(tx, METHOD, &before, &mut after).await?;
            key.answer(tx, METHOD, wire::returns::whole(&after)).await
        });
        Ok(Outcome::Done(Arc::new(answer.await?)))
    }

    /// The goods stay where they are said to be, and the key is free.
    async fn give_up(&self, call: &Call, input: &Receipt) -> Result<()> {
        let (saga_id, return_id, _) = input.read()?;
        let key = input.key.clone().unwrap_or_default();
        self.store
            .transaction(call, async |tx: &mut Tx| {
                let mut one = Return::lock(tx, return_id).await?.ok_or(Error::ReturnNotFound)?;
                if saga::finish(tx, &[saga_id], Finished::Undone).await?.is_empty() {
                    return Ok(());
                }
                one.working = None;
                one.pending.clear();
                one.save(tx).await?;
                key.free(tx, METHOD).await
            })
            .await
    }
}

/// The order of a return, locked before the return: everybody locks them so.
pub async fn order_of(tx: &mut Tx, return_id: ReturnId) -> Result<Option<Order>> {
    let one = Return::load(tx.conn(), return_id).await?.ok_or(Error::ReturnNotFound)?;
    match one.order_id {
        Some(order_id) => Ok(Some(Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?)),
        None => Ok(None),
    }
}
