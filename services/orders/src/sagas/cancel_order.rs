//! Cancels an order: its delivery first, which may be too late, then its stock and its payment are given back.
//!
//! An order that is given up because nobody pays gives up its payment first: who has paid in that moment keeps the order.

use std::convert::Infallible;
use std::sync::Arc;

use proto::orders::v1 as pb;
use rpc::{Call, Fault};
use saga::{Definition, Saga, Stop};
use store::{Once, Store};
use tonic::{Code, Status};
use types::{DeliveryPlanId, OrderId, PaymentId, ReservationId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::cancel_reason::CancelReason;
use crate::sagas::cancellations::Cancellations;
use crate::sagas::neighbours::Neighbours;
use crate::upstreams::Upstreams;

/// The operation, as idempotency keys name it.
pub const METHOD: &str = "orders.cancel_order";

/// What is cancelled, why, and under which key.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Cancellation {
    /// Of this saga.
    #[prost(string, tag = "1")]
    pub saga_id: String,
    /// The order.
    #[prost(string, tag = "2")]
    pub order_id: String,
    /// Of the closed list.
    #[prost(string, tag = "3")]
    pub reason: String,
    /// The shop, as the scope of the key.
    #[prost(string, tag = "4")]
    pub scope: String,
    /// The caller's key.
    #[prost(string, tag = "5")]
    pub key: String,
    /// Empty when nothing is delivered.
    #[prost(string, tag = "6")]
    pub delivery_plan_id: String,
    /// Empty when nothing was reserved.
    #[prost(string, tag = "7")]
    pub reservation_id: String,
    /// Empty when nothing is owed.
    #[prost(string, tag = "8")]
    pub payment_id: String,
    /// Of the order's parts.
    #[prost(string, repeated, tag = "9")]
    pub part_plan_ids: Vec<String>,
    /// What was opened besides the first.
    #[prost(string, repeated, tag = "10")]
    pub more_payment_ids: Vec<String>,
    /// Whether it is cancelled only if nobody has begun to pay. Only for orders of which no parcel is asked for: nothing but
    /// the payment may say no then.
    #[prost(bool, tag = "11")]
    pub only_unpaid: bool,
}

/// How it ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The order is cancelled; this is the answer.
    Cancelled(Arc<pb::Order>),
    /// It was too late; the order is as it was.
    Refused(Status),
}

/// The process.
pub struct CancelOrder<N = Upstreams, C = Store> {
    ask: N,
    cancellations: C,
}

impl<N: Neighbours, C: Cancellations> Definition for CancelOrder<N, C> {
    const KIND: &'static str = "cancel_order";
    type Input = Cancellation;
    type Undo = Infallible;
    type Outcome = Outcome;

    async fn run(
        &self,
        saga: &mut Saga<Infallible>,
        call: &Call,
        input: &Cancellation,
    ) -> Result<Outcome, Stop> {
        if input.only_unpaid {
            let payments = input.payments();
            let void = self.ask.void_untouched(call, &payments, &input.saga_id, &input.reason);
            saga.step("void untouched payments", void).await?;
        }
        // Of what follows only the first two may say no: goods that have left cannot be given back.
        for plan in input.plans() {
            saga.step("cancel delivery", self.ask.cancel_delivery(call, plan, &input.reason)).await?;
        }
        if let Ok(reservation) = input.reservation_id.parse::<ReservationId>() {
            saga.step("release stock", self.ask.release(call, reservation, &input.reason)).await?;
        }
        for payment in input.payments().into_iter().filter(|_| !input.only_unpaid) {
            saga.step("void payment", insist(self.ask.void(call, payment, &input.reason))).await?;
        }
        saga.step("settle", self.cancellations.settle(call, input)).await
    }

    fn undos(&self, _: &Cancellation) -> Vec<Infallible> {
        Vec::new()
    }

    async fn undo(&self, _: &Call, undo: Infallible) -> Result<(), Status> {
        match undo {}
    }

    async fn undone(&self, call: &Call, input: &Cancellation, refusal: &Status) -> Result<Outcome, Status> {
        let taken_back = match input.only_unpaid {
            true => Vec::new(), // Payments was asked first: nothing else has begun.
            false => self.taken_back(call, input).await?,
        };
        self.cancellations.give_up(call, input, &taken_back).await?;
        Ok(Outcome::Refused(refusal.clone()))
    }
}

impl<N, C> CancelOrder<N, C> {
    /// The process over `cancellations`, asking `ask`.
    pub fn new(ask: N, cancellations: C) -> Self {
        Self { ask, cancellations }
    }
}

impl<N: Neighbours, C: Cancellations> CancelOrder<N, C> {
    /// Parcels are given up one after the other: those before the one that has left are gone, and are told so.
    async fn taken_back(&self, call: &Call, input: &Cancellation) -> Result<Vec<DeliveryPlanId>, Status> {
        let mut gone = Vec::new();
        for plan in input.plans() {
            match self.ask.cancel_delivery(call, plan, &input.reason).await {
                Ok(()) => gone.push(plan),
                Err(status) if rpc::is_unknown_outcome(&status) => return Err(status),
                Err(_) => break,
            }
        }
        Ok(gone)
    }
}

impl Cancellation {
    /// The key that its answer is stored under.
    pub fn once(&self) -> Once<'_> {
        Once { scope: &self.scope, method: METHOD, key: &self.key }
    }

    fn plans(&self) -> Vec<DeliveryPlanId> {
        let ids = self.part_plan_ids.iter().chain([&self.delivery_plan_id]);
        ids.filter_map(|id| id.parse().ok()).collect()
    }

    fn payments(&self) -> Vec<PaymentId> {
        let ids = self.more_payment_ids.iter().chain([&self.payment_id]);
        ids.filter_map(|id| id.parse().ok()).collect()
    }

    /// Saga, order and reason.
    pub fn read(&self) -> Result<(Uuid, OrderId, CancelReason)> {
        let read =
            || Some((self.saga_id.parse().ok()?, self.order_id.parse().ok()?, self.reason.parse().ok()?));
        read().ok_or_else(|| store::Error::Corrupt("the input of a cancellation".to_owned()).into())
    }
}

/// Past the point of no return a refusal is somebody's mistake to mend: the step is asked again until it is done.
async fn insist(step: impl Future<Output = Result<(), Status>>) -> Result<(), Status> {
    step.await.map_err(|status| match rpc::is_unknown_outcome(&status) {
        true => status,
        false => {
            tracing::error!(code = ?status.code(), message = status.message(), "a cancelled order's payment is not voided");
            Fault::new(Code::Unavailable, "VOID_REFUSED", status.message()).into()
        }
    })
}
