//! Ends a return: what is to be given back is given back, payment by payment, and the order owes so much less.

use std::convert::Infallible;
use std::sync::Arc;

use proto::orders::v1 as pb;
use rpc::Call;
use saga::{Definition, Finished, NewSaga, Saga, Stop};
use store::{Store, Tx};
use tonic::Status;
use types::{Currency, Money, PaymentId, ReturnId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::return_credit::ReturnRefund;
use crate::model::return_state::ReturnState;
use crate::model::returns::Return;
use crate::sagas::keyed::{self, Key, Outcome, corrupt};
use crate::sagas::receive_return::order_of;
use crate::upstreams::Upstreams;
use crate::{changes, return_changes, wire};

/// The operation, as idempotency keys name it.
pub const METHOD: &str = "orders.resolve_return";

const WHY: &str = "goods came back";

/// Which return, and what is given back of which payment.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Resolution {
    /// Of this saga.
    #[prost(string, tag = "1")]
    pub saga_id: String,
    /// The return.
    #[prost(string, tag = "2")]
    pub return_id: String,
    /// Counts the tries: the keys of refunds follow from it, so that a try may differ from the one before.
    #[prost(int32, tag = "3")]
    pub attempt: i32,
    /// Of every sum.
    #[prost(string, tag = "4")]
    pub currency: String,
    /// In this order.
    #[prost(message, repeated, tag = "5")]
    pub refunds: Vec<Refund>,
    /// What its answer is stored under.
    #[prost(message, optional, tag = "6")]
    pub key: Option<Key>,
}

/// What is given back of one payment.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Refund {
    /// The payment.
    #[prost(string, tag = "1")]
    pub payment_id: String,
    /// How much, in minor units.
    #[prost(int64, tag = "2")]
    pub amount: i64,
}

/// The process.
pub struct ResolveReturn {
    store: Store,
    ask: Upstreams,
}

impl Definition for ResolveReturn {
    const KIND: &'static str = "resolve_return";
    type Input = Resolution;
    type Undo = Infallible;
    type Outcome = Outcome<pb::Return>;

    async fn run(
        &self,
        saga: &mut Saga<Infallible>,
        call: &Call,
        input: &Resolution,
    ) -> Result<Self::Outcome, Stop> {
        for (refund, ordinal) in input.refunds.iter().zip(0..) {
            saga.step("refund", self.refund(call, input, refund, ordinal)).await?;
        }
        saga.step("settle", async { Ok(self.settle(call, input).await?) }).await
    }

    fn undos(&self, _: &Resolution) -> Vec<Infallible> {
        Vec::new()
    }

    async fn undo(&self, _: &Call, undo: Infallible) -> Result<(), Status> {
        match undo {}
    }

    async fn undone(
        &self,
        call: &Call,
        input: &Resolution,
        refusal: &Status,
    ) -> Result<Self::Outcome, Status> {
        let given_back = self.given_back(call, input).await?;
        self.give_up(call, input, &given_back).await?;
        Ok(Outcome::Refused(refusal.clone()))
    }
}

impl Resolution {
    /// A new process for a return that was locked in this transaction; it is marked, so that nothing else moves it.
    pub async fn record(
        tx: &mut Tx,
        one: &mut Return,
        refunds: Vec<ReturnRefund>,
        key: Key,
    ) -> Result<(Uuid, Self)> {
        let saga_id = Uuid::now_v7();
        one.attempts += 1;
        one.working = Some(saga_id);
        one.save(tx).await?;
        let refund = |refund: ReturnRefund| Refund {
            payment_id: PaymentId::from_uuid(refund.payment_id).to_string(),
            amount: refund.amount,
        };
        let input = Self {
            saga_id: saga_id.to_string(),
            return_id: one.return_id.to_string(),
            attempt: one.attempts,
            currency: one.currency.code().to_owned(),
            refunds: refunds.into_iter().map(refund).collect(),
            key: Some(key),
        };
        let saga = NewSaga::of::<ResolveReturn>(saga_id, &input, tx.call());
        saga::record(tx, &[saga]).await?;
        Ok((saga_id, input))
    }

    fn read(&self) -> Result<(Uuid, ReturnId, Currency)> {
        let read =
            || Some((self.saga_id.parse().ok()?, self.return_id.parse().ok()?, self.currency.parse().ok()?));
        read().ok_or_else(|| corrupt("a resolution"))
    }
}

impl Refund {
    fn read(&self) -> Result<ReturnRefund> {
        let payment_id: PaymentId = self.payment_id.parse().map_err(|_| corrupt("a resolution"))?;
        Ok(ReturnRefund { payment_id: payment_id.uuid(), amount: self.amount })
    }
}

impl ResolveReturn {
    /// The process over `store`, asking `ask`.
    pub fn new(store: Store, ask: Upstreams) -> Self {
        Self { store, ask }
    }

    /// A repeat finds it done: its key follows from the return.
    async fn refund(
        &self,
        call: &Call,
        input: &Resolution,
        refund: &Refund,
        ordinal: i32,
    ) -> Result<(), Status> {
        let (_, return_id, currency) = input.read()?;
        let payment_id = PaymentId::from_uuid(refund.read()?.payment_id);
        let key = format!("{return_id}:{}:{ordinal}", input.attempt);
        let amount = Money::new(currency, refund.amount);
        self.ask.payments.refund(call, payment_id, amount, WHY, &key).await
    }

    async fn settle(&self, call: &Call, input: &Resolution) -> Result<Outcome<pb::Return>> {
        let (saga_id, return_id, _) = input.read()?;
        let refunds = input.refunds.iter().map(Refund::read).collect::<Result<Vec<_>>>()?;
        let key = input.key.clone().unwrap_or_default();
        let answer = self.store.transaction(call, async |tx: &mut Tx| {
            let order = order_of(tx, return_id).await?;
            let before = Return::lock(tx, return_id).await?.ok_or(Error::ReturnNotFound)?;
            keyed::finish(tx, saga_id).await?;
            let mut after = before.clone();
            after.refunds.extend(refunds);
            (after.working, after.state) = (None, ReturnState::Resolved);
            if let Some(order) = order {
                let mut credited = order.clone();
                let total = order.returned_total.checked_add(after.credited_total);
                credited.returned_total = total.map_err(Error::from_sum)?;
                changes::save(tx, METHOD, &order, &mut credited).await?;
            }
            return_changes::save(tx, METHOD, &before, &mut after).await?;
            key.answer(tx, METHOD, wire::returns::whole(&after)).await
        });
        Ok(Outcome::Done(Arc::new(answer.await?)))
    }

    /// What was given back before a payment refused: asked again under the same keys, which changes nothing.
    async fn given_back(&self, call: &Call, input: &Resolution) -> Result<Vec<ReturnRefund>, Status> {
        let mut given_back = Vec::new();
        for (refund, ordinal) in input.refunds.iter().zip(0..) {
            match self.refund(call, input, refund, ordinal).await {
                Ok(()) => given_back.push(refund.read()?),
                Err(status) if rpc::is_unknown_outcome(&status) => return Err(status),
                Err(_) => break,
            }
        }
        Ok(given_back)
    }

    /// The return stays received, with what was given back; the next try gives back the rest.
    async fn give_up(&self, call: &Call, input: &Resolution, given_back: &[ReturnRefund]) -> Result<()> {
        let (saga_id, return_id, _) = input.read()?;
        let key = input.key.clone().unwrap_or_default();
        self.store
            .transaction(call, async |tx: &mut Tx| {
                let before = Return::lock(tx, return_id).await?.ok_or(Error::ReturnNotFound)?;
                if saga::finish(tx, &[saga_id], Finished::Undone).await?.is_empty() {
                    return Ok(());
                }
                let mut after = before.clone();
                after.working = None;
                after.take_credit_back();
                after.refunds.extend(given_back);
                match given_back.is_empty() {
                    true => after.save(tx).await?,
                    false => return_changes::save(tx, METHOD, &before, &mut after).await?,
                }
                key.free(tx, METHOD).await
            })
            .await
    }
}
