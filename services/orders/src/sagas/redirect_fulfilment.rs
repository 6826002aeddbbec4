//! Sends a part of an order another way: the new way is planned, what is to be paid follows, and only then the old parcel is given
//! up, which may be too late. All of it is done, or nothing.
//!
//! That the old parcel is given up is decided before it is asked for, and taken back if it is refused: once it is gone, the
//! part goes the new way.

use std::sync::Arc;

use proto::orders::v1 as pb;
use rpc::Call;
use saga::{Definition, Finished, Saga, Stop};
use store::{Audit, Store, Tx};
use tonic::Status;
use types::{DeliveryPlanId, FulfilmentId, Money, OrderId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::edit::{Edit, PaymentChanges};
use crate::model::fulfilment::Fulfilment;
use crate::model::order::{Delivery, Order};
use crate::model::order_state::OrderState;
use crate::model::placement::Planned;
use crate::model::redirect::Redirect;
use crate::sagas::book_shipment::Booking;
use crate::sagas::decision::Decision;
use crate::sagas::edit_money::{EditMoney, MoneyThen, MoneyUndo};
use crate::sagas::follow_up;
use crate::sagas::keyed::{self, Key, Outcome, corrupt};
use crate::sagas::plan_fulfilment::load;
use crate::upstreams::Upstreams;
use crate::{changes, wire};

/// The operation, as idempotency keys name it.
pub const METHOD: &str = "orders.redirect_fulfilment";

const WHY: &str = "the part goes another way";
const WHY_BACK: &str = "the part stays as it was";

/// Which part; where it goes is stored apart, for it is personal.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RedirectInput {
    /// Of this saga.
    #[prost(string, tag = "1")]
    pub saga_id: String,
    /// The order.
    #[prost(string, tag = "2")]
    pub order_id: String,
    /// The part.
    #[prost(string, tag = "3")]
    pub fulfilment_id: String,
    /// The ids and revisions of all that is done follow from it.
    #[prost(int32, tag = "4")]
    pub ordinal: i32,
    /// What its answer is stored under.
    #[prost(message, optional, tag = "5")]
    pub key: Option<Key>,
    /// What the new way costs the buyer, in minor units.
    #[prost(int64, tag = "6")]
    pub price: i64,
    /// What the new carrier takes from the buyer, in minor units.
    #[prost(int64, tag = "7")]
    pub cash_on_delivery: i64,
    /// What its decisions rest on.
    #[prost(message, optional, tag = "8")]
    pub money: Option<MoneyThen>,
}

/// The opposites of its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// Of planning the new way.
    CancelDelivery(DeliveryPlanId),
    /// Of changing what is to be paid.
    Money(MoneyUndo),
}

impl From<MoneyUndo> for Undo {
    fn from(undo: MoneyUndo) -> Self {
        Self::Money(undo)
    }
}

/// The process.
pub struct RedirectFulfilment {
    store: Store,
    ask: Upstreams,
}

/// The part, its new way, and the order that goes it.
struct Plan {
    old: Fulfilment,
    redirect: Redirect,
    after: Order,
}

impl Definition for RedirectFulfilment {
    const KIND: &'static str = "redirect_fulfilment";
    type Input = RedirectInput;
    type Undo = Undo;
    type Outcome = Outcome<pb::Order>;

    async fn run(
        &self,
        saga: &mut Saga<Undo>,
        call: &Call,
        input: &RedirectInput,
    ) -> Result<Self::Outcome, Stop> {
        let (saga_id, ..) = input.read().map_err(|error| Stop::Later(error.into()))?;
        let decision = Decision::new(&self.store, saga_id);
        let end = self.go(saga, call, input, &decision).await;
        decision.hold(end).await
    }

    fn undos(&self, input: &RedirectInput) -> Vec<Undo> {
        let Ok((_, order_id, _)) = input.read() else { return Vec::new() };
        let plan = DeliveryPlanId::derived(order_id.uuid(), input.ordinal.unsigned_abs());
        let money = input.money.iter().flat_map(|money| money.undos(order_id, input.ordinal));
        [Undo::CancelDelivery(plan)].into_iter().chain(money.map(Undo::from)).collect()
    }

    async fn undo(&self, call: &Call, undo: Undo) -> Result<(), Status> {
        match undo {
            Undo::CancelDelivery(id) => self.ask.delivery.cancel(call, id, WHY_BACK).await,
            Undo::Money(undo) => undo.undo(&self.store, &self.ask.payments, call).await,
        }
    }

    async fn undone(
        &self,
        call: &Call,
        input: &RedirectInput,
        refusal: &Status,
    ) -> Result<Self::Outcome, Status> {
        self.give_up(call, input).await?;
        Ok(Outcome::Refused(refusal.clone()))
    }
}

impl RedirectInput {
    fn read(&self) -> Result<(Uuid, OrderId, FulfilmentId)> {
        let read = || {
            Some((self.saga_id.parse().ok()?, self.order_id.parse().ok()?, self.fulfilment_id.parse().ok()?))
        };
        read().ok_or_else(|| corrupt("a redirection"))
    }
}

impl RedirectFulfilment {
    /// The process over `store`, asking `ask`.
    pub fn new(store: Store, ask: Upstreams) -> Self {
        Self { store, ask }
    }

    async fn go(
        &self,
        saga: &mut Saga<Undo>,
        call: &Call,
        input: &RedirectInput,
        decision: &Decision<'_>,
    ) -> Result<Outcome<pb::Order>, Stop> {
        let Plan { old, mut redirect, after } =
            saga.step("read", async { Ok(self.read(input).await?) }).await?;

        let planned = {
            let Some(load) = after.part(redirect.fulfilment_id(&after)).and_then(|new| load(&after, new))
            else {
                return Err(Stop::Refused(Status::internal("the part has no delivery to plan")));
            };
            let undo = Undo::CancelDelivery(load.delivery_plan_id);
            saga.step_or("plan delivery", undo, self.ask.delivery.plan(call, &after, &load)).await?
        };
        let Planned { method_name, .. } = planned;
        redirect.delivery.method_name = method_name;

        let changes = after.payment_changes();
        let then = input.money.clone().unwrap_or_default();
        let money = EditMoney { payments: &self.ask.payments, call, then: &then, ordinal: input.ordinal };
        money.follow(saga, &after, &changes).await?;

        saga.step("decide", decision.make()).await?;
        if let Some(plan) = old.delivery_plan_id {
            saga.step("cancel old delivery", self.cancel(call, plan, decision)).await?;
        }
        money.give_up(saga, &changes).await?;
        saga.step("settle", async {
            let settled = self.settle(call, input, &redirect, &changes).await;
            if let Err(Error::PartLeft(_)) = settled {
                decision.take_back().await?;
            }
            Ok(settled?)
        })
        .await
    }

    async fn read(&self, input: &RedirectInput) -> Result<Plan> {
        let (saga_id, order_id, fulfilment_id) = input.read()?;
        let mut connection = self.store.connection().await?;
        let now = Order::load(&mut connection, order_id).await?.ok_or(Error::OrderNotFound)?;
        let edit = Edit::load(&mut connection, saga_id, now.currency).await?;
        // Another process was faster.
        let edit = edit.ok_or(store::Error::KeyInUse)?;
        let delivery = edit.delivery.flatten().ok_or_else(|| corrupt("a redirection"))?;
        let money = |minor| Money::new(now.currency, minor);
        let (price, cash_on_delivery) = (money(input.price), Some(money(input.cash_on_delivery)));
        let redirect = Redirect { ordinal: input.ordinal, delivery, price, cash_on_delivery };
        let then = input.money.as_ref().ok_or_else(|| corrupt("a redirection"))?;
        let before = then.put_into(now)?;
        let old = before.part(fulfilment_id).cloned().ok_or(Error::FulfilmentNotFound)?;
        let after = before.redirected(&old, &redirect).map_err(Error::from_sum)?;
        Ok(Plan { old, redirect, after })
    }

    /// Too late when the parcel has left: then nothing was given up, and all of it is undone.
    async fn cancel(&self, call: &Call, plan: DeliveryPlanId, decision: &Decision<'_>) -> Result<(), Status> {
        let answer = self.ask.delivery.cancel(call, plan, WHY).await;
        if answer.as_ref().is_err_and(|status| !rpc::is_unknown_outcome(status)) {
            decision.take_back().await?;
        }
        answer
    }

    async fn settle(
        &self,
        call: &Call,
        input: &RedirectInput,
        redirect: &Redirect,
        changes: &PaymentChanges,
    ) -> Result<Outcome<pb::Order>> {
        let (saga_id, order_id, fulfilment_id) = input.read()?;
        let key = input.key.clone().unwrap_or_default();
        let answer = self.store.transaction(call, async |tx: &mut Tx| {
            let before = Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
            keyed::finish(tx, saga_id).await?;
            let old = before.part(fulfilment_id).cloned().ok_or(Error::FulfilmentNotFound)?;
            if !old.state.waits() {
                // The carrier took the parcel although it was given up: it is where it was to go before.
                return Err(Error::PartLeft(old.state));
            }
            let mut order = before.redirected(&old, redirect).map_err(Error::from_sum)?;
            order.apply_payments(input.ordinal, changes);
            order.progress.editing = None;
            let packs = matches!(order.state, OrderState::Assembling | OrderState::Delivery);
            let parts = if packs { order.ask_for_parcels() } else { Vec::new() };
            order.save_buyer(tx).await?;
            order.save_terms_if_any(tx).await?;
            Edit::forget(tx, saga_id).await?;
            changes::tell(tx, personal(&order, &old, redirect), &before, &mut order).await?;
            for booking in Booking::of(&order, &parts) {
                follow_up::record_for_anybody(tx, &booking).await?;
            }
            key.answer(tx, METHOD, wire::order(&order)).await
        });
        Ok(Outcome::Done(Arc::new(answer.await?)))
    }

    /// The part stays as it was, and the key is free.
    async fn give_up(&self, call: &Call, input: &RedirectInput) -> Result<()> {
        let (saga_id, order_id, _) = input.read()?;
        let key = input.key.clone().unwrap_or_default();
        self.store
            .transaction(call, async |tx: &mut Tx| {
                let mut order = Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
                if saga::finish(tx, &[saga_id], Finished::Undone).await?.is_empty() {
                    return Ok(());
                }
                order.progress.editing = None;
                if let Some(then) = &input.money {
                    then.forget_changes(&mut order, input.ordinal);
                }
                order.save(tx).await?;
                Edit::forget(tx, saga_id).await?;
                key.free(tx, METHOD).await
            })
            .await
    }
}

/// Whose history the addresses go to.
fn personal(order: &Order, old: &Fulfilment, redirect: &Redirect) -> Audit {
    let person = order.customer_id.map_or_else(|| order.order_id.to_string(), |id| id.to_string());
    let address = |delivery: Option<&Delivery>| {
        let address = delivery.and_then(|delivery| delivery.address.as_ref());
        address.map(|address| serde_json::json!(address).to_string()).unwrap_or_default()
    };
    let (from, to) = (address(old.delivery.as_ref()), address(Some(&redirect.delivery)));
    Audit::new(METHOD, order.order_id).personal(&person, "delivery.address", &from, &to)
}
