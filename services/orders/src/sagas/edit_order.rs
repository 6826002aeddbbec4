//! Changes an order: its delivery is planned anew, then what is to be paid, then what is held; all of it, or nothing.
//!
//! Holding more is the last step that may be refused: until then everything that was done can be undone. What the edit no
//! longer needs is given up only after it.

use std::sync::Arc;

use proto::inventory::v1::StockQuantity;
use proto::orders::v1 as pb;
use rpc::{Call, Fault};
use saga::{Definition, Finished, Saga, Stop};
use store::{Audit, Store, Tx};
use tonic::{Code, Status};
use types::{DeliveryPlanId, Money, OrderId, PaymentId, ReservationId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::edit::{Edit, PaymentChanges, doing, undoing};
use crate::model::order::Order;
use crate::model::placement::Held;
use crate::sagas::keyed::{self, Key, Outcome, corrupt};
use crate::upstreams::{Load, Supply, Upstreams, units};
use crate::{changes, wire};

/// The operation, as idempotency keys name it.
pub const METHOD: &str = "orders.update_order";

const WHY: &str = "the order was changed";

/// Which edit; what it is to do is stored apart, for it holds what the buyer gave.
#[derive(Clone, PartialEq, prost::Message)]
pub struct EditInput {
    /// Of this saga.
    #[prost(string, tag = "1")]
    pub saga_id: String,
    /// The order.
    #[prost(string, tag = "2")]
    pub order_id: String,
    /// The edit's: the ids and revisions of all that it does follow from it.
    #[prost(int32, tag = "3")]
    pub ordinal: i32,
    /// What its answer is stored under.
    #[prost(message, optional, tag = "4")]
    pub key: Option<Key>,
    /// What holds the order's stock; empty when nothing does.
    #[prost(string, tag = "5")]
    pub reservation_id: String,
    /// Payments that took nothing before the edit.
    #[prost(string, repeated, tag = "6")]
    pub untouched_payment_ids: Vec<String>,
    /// Where stock is taken, in this order.
    #[prost(string, repeated, tag = "7")]
    pub warehouse_ids: Vec<String>,
    /// Whether the edit is done although stock is short.
    #[prost(bool, tag = "8")]
    pub accept_shortage: bool,
    /// Whether all of it comes from one warehouse.
    #[prost(bool, tag = "9")]
    pub one_warehouse: bool,
}

/// The opposites of its steps. What was there before is read from the order, which is unchanged until the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// Of planning the delivery.
    CancelDelivery(DeliveryPlanId),
    /// Of changing what is to be paid.
    RestoreAmount { payment_id: PaymentId, order_id: OrderId, ordinal: i32 },
    /// Of opening a payment.
    VoidPayment(PaymentId),
    /// Of changing what is held.
    RestoreStock { order_id: OrderId, ordinal: i32 },
    /// Of holding something for the first time.
    ReleaseStock(ReservationId),
}

/// The process.
pub struct EditOrder {
    store: Store,
    ask: Upstreams,
}

/// The order before and after, and what the edit is.
struct Plan {
    edit: Edit,
    before: Order,
    after: Order,
}

impl Definition for EditOrder {
    const KIND: &'static str = "edit_order";
    type Input = EditInput;
    type Undo = Undo;
    type Outcome = Outcome<pb::Order>;

    async fn run(
        &self,
        saga: &mut Saga<Undo>,
        call: &Call,
        input: &EditInput,
    ) -> Result<Self::Outcome, Stop> {
        let (order_id, ordinal) = (input.order_id(), input.ordinal);
        let Plan { edit, before, mut after } =
            saga.step("read", async { Ok(self.read(input).await?) }).await?;

        let replan = before.needs_plan(&after);
        if replan && let Some(load) = load(&after, ordinal) {
            let undo = Undo::CancelDelivery(load.delivery_plan_id);
            let planned =
                saga.step_or("plan delivery", undo, self.ask.delivery.plan(call, &after, &load)).await?;
            drop(load);
            saga.step("add up", async { Ok(after.replan(ordinal, planned).map_err(Error::from_sum)?) })
                .await?;
        }

        let changes = after.payment_changes();
        for (payment_id, amount) in &changes.changed {
            let undo = Undo::RestoreAmount { payment_id: *payment_id, order_id, ordinal };
            let change = self.ask.payments.change_amount(call, *payment_id, doing(ordinal), *amount);
            saga.step_or("change payment", undo, change).await?;
        }
        if let Some(amount) = changes.opened {
            let payment_id = input.payment_id();
            let open = self.ask.payments.open_as(call, &after, payment_id, amount);
            saga.step_or("open payment", Undo::VoidPayment(payment_id), open).await?;
        }

        let held = self.hold(saga, call, input, &before, &after).await?;

        self.give_up_plan(saga, call, &before, &after).await?;
        for payment_id in &changes.voided {
            let void = insist("a payment", self.ask.payments.void(call, *payment_id, WHY));
            saga.step("void payment", void).await?;
        }
        let settle = self.settle(call, input, &edit, (&after, replan), &changes, held);
        saga.step("settle", async { Ok(settle.await?) }).await
    }

    fn undos(&self, input: &EditInput) -> Vec<Undo> {
        let (order_id, ordinal) = (input.order_id(), input.ordinal);
        let mut undos = vec![Undo::CancelDelivery(plan_id(order_id, ordinal))];
        let ids = input.untouched_payment_ids.iter().filter_map(|id| id.parse().ok());
        undos.extend(ids.map(|payment_id| Undo::RestoreAmount { payment_id, order_id, ordinal }));
        undos.push(Undo::VoidPayment(input.payment_id()));
        undos.push(match input.reservation_id.is_empty() {
            true => Undo::ReleaseStock(input.fresh_reservation_id()),
            false => Undo::RestoreStock { order_id, ordinal },
        });
        undos
    }

    async fn undo(&self, call: &Call, undo: Undo) -> Result<(), Status> {
        match undo {
            Undo::CancelDelivery(id) => self.ask.delivery.cancel(call, id, "the order stays as it was").await,
            Undo::VoidPayment(id) => self.ask.payments.void(call, id, "the order stays as it was").await,
            Undo::ReleaseStock(id) => self.ask.inventory.release(call, id, "the order stays as it was").await,
            Undo::RestoreAmount { payment_id, order_id, ordinal } => {
                let order = self.order(order_id).await?;
                let known = order.known_payments();
                let Some(known) = known.iter().find(|known| known.payment_id == payment_id.uuid()) else {
                    return Ok(());
                };
                let amount = Money::new(order.currency, known.amount);
                let restore = self.ask.payments.change_amount(call, payment_id, undoing(ordinal), amount);
                give_way("what is to be paid", restore.await)
            }
            Undo::RestoreStock { order_id, ordinal } => {
                let order = self.order(order_id).await?;
                let Some(reservation_id) = order.reservation_id else { return Ok(()) };
                // What was let go may be somebody else's by now: then it is missing, visibly.
                let supply = Supply { warehouse_ids: &[], accept_shortage: true, one_warehouse: false };
                let wanted = wanted(&order);
                let restore =
                    self.ask.inventory.change(call, reservation_id, undoing(ordinal), wanted, supply).await;
                give_way("what is held", restore.map(drop))
            }
        }
    }

    async fn undone(
        &self,
        call: &Call,
        input: &EditInput,
        refusal: &Status,
    ) -> Result<Self::Outcome, Status> {
        self.give_up(call, input).await?;
        Ok(Outcome::Refused(refusal.clone()))
    }
}

impl EditOrder {
    /// The process over `store`, asking `ask`.
    pub fn new(store: Store, ask: Upstreams) -> Self {
        Self { store, ask }
    }

    async fn read(&self, input: &EditInput) -> Result<Plan> {
        let mut connection = self.store.connection().await?;
        let before = Order::load(&mut connection, input.order_id()).await?.ok_or(Error::OrderNotFound)?;
        let edit = Edit::load(&mut connection, input.saga_id()?, before.currency).await?;
        // Another process was faster.
        let edit = edit.ok_or(store::Error::KeyInUse)?;
        let after = before.edited(&edit)?;
        Ok(Plan { edit, before, after })
    }

    async fn order(&self, order_id: OrderId) -> Result<Order, Status> {
        let mut connection = self.store.connection().await.map_err(Error::from)?;
        let order = Order::load(&mut connection, order_id).await.map_err(Error::from)?;
        order.ok_or_else(|| Error::OrderNotFound.into())
    }

    /// What is held afterwards; `None` when nothing changes.
    async fn hold(
        &self,
        saga: &mut Saga<Undo>,
        call: &Call,
        input: &EditInput,
        before: &Order,
        after: &Order,
    ) -> Result<Option<(ReservationId, Held)>, Stop> {
        let (wanted_before, wanted_after) = (wanted(before), wanted(after));
        if wanted_before == wanted_after {
            return Ok(None);
        }
        let supply = Supply {
            warehouse_ids: &input.warehouse_ids,
            accept_shortage: input.accept_shortage,
            one_warehouse: input.one_warehouse,
        };
        let inventory = &self.ask.inventory;
        if let Some(id) = before.reservation_id {
            let undo = Undo::RestoreStock { order_id: before.order_id, ordinal: input.ordinal };
            let change = inventory.change(call, id, doing(input.ordinal), wanted_after, supply);
            return Ok(Some((id, saga.step_or("change reservation", undo, change).await?)));
        }
        let id = input.fresh_reservation_id();
        let reserve = inventory.reserve_lines(call, after, id, wanted_after, supply);
        Ok(Some((id, saga.step_or("reserve stock", Undo::ReleaseStock(id), reserve).await?)))
    }

    /// What was planned before is not needed any more. Nothing was booked by it, so that nothing can have left.
    async fn give_up_plan(
        &self,
        saga: &Saga<Undo>,
        call: &Call,
        before: &Order,
        after: &Order,
    ) -> Result<(), Stop> {
        let Some(old) = before.delivery_plan_id.filter(|old| after.delivery_plan_id != Some(*old)) else {
            return Ok(());
        };
        saga.step("cancel old delivery", insist("a plan", self.ask.delivery.cancel(call, old, WHY))).await
    }

    async fn settle(
        &self,
        call: &Call,
        input: &EditInput,
        edit: &Edit,
        (planned, replan): (&Order, bool),
        changes: &PaymentChanges,
        held: Option<(ReservationId, Held)>,
    ) -> Result<Outcome<pb::Order>> {
        let (saga_id, order_id) = (input.saga_id()?, input.order_id());
        let key = input.key.clone().unwrap_or_default();
        let answer = self.store.transaction(call, async |tx: &mut Tx| {
            let before = Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
            let news = |held: &Held| before.progress.reservation_version > held.version && held.version > 0;
            if held.as_ref().is_some_and(|(_, held)| news(held)) {
                // Inventory spoke of this since it was asked: asked again, it answers what is true now.
                return Err(Error::Answered(Status::unavailable("inventory has news")));
            }
            keyed::finish(tx, saga_id).await?;
            let mut order = before.edited(edit)?;
            if replan {
                order.delivery.clone_from(&planned.delivery);
                order.delivery_plan_id = planned.delivery_plan_id;
            }
            order.deliver_for(planned.delivery_total).map_err(Error::from_sum)?;
            order.apply_payments(input.ordinal, changes);
            if let Some((reservation_id, held)) = held {
                order.reservation_id = Some(reservation_id);
                order.progress.reservation_revision = doing(input.ordinal);
                order.hold(held);
            }
            order.progress.editing = None;
            order.follow_departures();
            if edit.lines.is_some() {
                order.save_lines(tx).await?;
            }
            order.save_buyer(tx).await?;
            order.save_terms_if_any(tx).await?;
            Edit::forget(tx, saga_id).await?;
            let told = changes::tell(tx, personal(&before, &order), &before, &mut order).await?;
            if !told {
                // Nothing differs; the mark must go all the same.
                order.save(tx).await?;
            }
            key.answer(tx, METHOD, wire::order(&order)).await
        });
        Ok(Outcome::Done(Arc::new(answer.await?)))
    }

    /// The order stays as it was, and the key is free.
    async fn give_up(&self, call: &Call, input: &EditInput) -> Result<()> {
        let (saga_id, order_id) = (input.saga_id()?, input.order_id());
        let key = input.key.clone().unwrap_or_default();
        self.store
            .transaction(call, async |tx: &mut Tx| {
                let mut order = Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
                if saga::finish(tx, &[saga_id], Finished::Undone).await?.is_empty() {
                    return Ok(());
                }
                order.progress.editing = None;
                // An undo has a revision of its own.
                order.progress.reservation_revision = undoing(input.ordinal);
                order.save(tx).await?;
                Edit::forget(tx, saga_id).await?;
                key.free(tx, METHOD).await
            })
            .await
    }
}

impl EditInput {
    fn saga_id(&self) -> Result<Uuid> {
        self.saga_id.parse().map_err(|_| corrupt("an edit"))
    }

    /// That of no order when it cannot be read: then nothing is found.
    fn order_id(&self) -> OrderId {
        self.order_id.parse().unwrap_or(OrderId::from_uuid(Uuid::nil()))
    }

    fn payment_id(&self) -> PaymentId {
        PaymentId::derived(self.order_id().uuid(), self.ordinal.unsigned_abs())
    }

    fn fresh_reservation_id(&self) -> ReservationId {
        ReservationId::derived(self.order_id().uuid(), self.ordinal.unsigned_abs())
    }
}

/// What of the order is to be delivered by a plan of the edit.
pub fn load(order: &Order, ordinal: i32) -> Option<Load<'_>> {
    let delivery = order.delivery.as_ref()?;
    let outstanding = |line| -> (_, i32) { (line, crate::model::order_line::OrderLine::outstanding(line)) };
    // Before anything came in, the payment method says all about it.
    let paid = !order.paid.is_zero();
    Some(Load {
        delivery_plan_id: plan_id(order.order_id, ordinal),
        delivery,
        lines: order.lines.iter().map(outstanding).filter(|(_, units)| *units > 0).collect(),
        goods_total: order.goods_total,
        fixed_price: Some(order.delivery_total).filter(|_| delivery.price_fixed),
        cash_on_delivery: Some(Money::new(order.currency, order.balance().minor().max(0))).filter(|_| paid),
    })
}

fn plan_id(order_id: OrderId, ordinal: i32) -> DeliveryPlanId {
    DeliveryPlanId::derived(order_id.uuid(), ordinal.unsigned_abs())
}

/// What inventory is asked to hold: all that is still to leave.
pub fn wanted(order: &Order) -> Vec<StockQuantity> {
    let stocked = order.lines.iter().filter(|line| line.is_stocked());
    stocked.flat_map(|line| units(line, line.outstanding())).collect()
}

/// Whose history the personal changes go to.
fn personal(before: &Order, after: &Order) -> Audit {
    let person = after.customer_id.map_or_else(|| after.order_id.to_string(), |id| id.to_string());
    let address = |order: &Order| {
        let address = order.delivery.as_ref().and_then(|delivery| delivery.address.as_ref());
        address.map(|address| serde_json::json!(address).to_string()).unwrap_or_default()
    };
    Audit::new(METHOD, after.order_id)
        .personal(&person, "contact.name", &before.buyer.name, &after.buyer.name)
        .personal(&person, "contact.phone", &before.buyer.phone, &after.buyer.phone)
        .personal(&person, "contact.email", &before.buyer.email, &after.buyer.email)
        .personal(&person, "comment", &before.buyer.comment, &after.buyer.comment)
        .personal(&person, "delivery.address", &address(before), &address(after))
}

/// Past the point of no return a refusal is somebody's mistake to mend: the step is asked again until it is done.
async fn insist(what: &str, step: impl Future<Output = Result<(), Status>>) -> Result<(), Status> {
    step.await.map_err(|status| match rpc::is_unknown_outcome(&status) {
        true => status,
        false => {
            tracing::error!(code = ?status.code(), message = status.message(), what, "is not given up after an edit");
            Fault::new(Code::Unavailable, "NOT_GIVEN_UP", status.message()).into()
        }
    })
}

/// An undo that is refused cannot be done by asking again: what is true is seen on the order, and somebody must look at it.
fn give_way(what: &str, answer: Result<(), Status>) -> Result<(), Status> {
    match answer {
        Err(status) if rpc::is_unknown_outcome(&status) => Err(status),
        Err(status) => {
            tracing::error!(code = ?status.code(), message = status.message(), what, "is not as it was before an edit");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
