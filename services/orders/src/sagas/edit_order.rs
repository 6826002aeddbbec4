//! Changes an order: its delivery is planned anew, then what is to be paid, then what is held; all of it, or nothing.
//!
//! Holding more is the last step that may be refused: until then everything that was done can be undone. Then it is decided: what
//! the edit no longer needs is given up, and it goes forward only. Whatever it decides rests on the money of the order when it
//! was begun, so that every attempt does the same.

use std::sync::Arc;

use proto::inventory::v1::StockQuantity;
use proto::orders::v1 as pb;
use rpc::Call;
use saga::{Definition, Finished, Saga, Stop};
use store::{Audit, Store, Tx};
use tonic::Status;
use types::{DeliveryPlanId, Money, OrderId, ReservationId};

use crate::error::{Error, Result};
use crate::model::edit::{Edit, PaymentChanges, doing, undoing};
use crate::model::order::Order;
use crate::model::placement::Held;
use crate::sagas::decision::Decision;
use crate::sagas::edit_input::EditInput;
use crate::sagas::edit_money::{EditMoney, MoneyUndo, give_way, insist};
use crate::sagas::keyed::{self, Outcome, corrupt};
use crate::upstreams::{Load, Supply, Upstreams, units};
use crate::{changes, wire};

/// The operation, as idempotency keys name it.
pub const METHOD: &str = "orders.update_order";

const WHY: &str = "the order was changed";
const WHY_BACK: &str = "the order stays as it was";

/// The opposites of its steps. What was there before is read from the order, which is unchanged until the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// Of planning the delivery.
    CancelDelivery(DeliveryPlanId),
    /// Of changing what is to be paid.
    Money(MoneyUndo),
    /// Of changing what is held.
    RestoreStock { order_id: OrderId, ordinal: i32 },
    /// Of holding something for the first time.
    ReleaseStock(ReservationId),
}

impl From<MoneyUndo> for Undo {
    fn from(undo: MoneyUndo) -> Self {
        Self::Money(undo)
    }
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
        let decision =
            Decision::new(&self.store, input.saga_id().map_err(|error| Stop::Later(error.into()))?);
        let end = self.go(saga, call, input, &decision).await;
        decision.hold(end).await
    }

    fn undos(&self, input: &EditInput) -> Vec<Undo> {
        let (order_id, ordinal) = (input.order_id(), input.ordinal);
        let mut undos = vec![Undo::CancelDelivery(plan_id(order_id, ordinal))];
        let money = input.money.iter().flat_map(|money| money.undos(order_id, ordinal));
        undos.extend(money.map(Undo::from));
        undos.push(match input.reservation_id.is_empty() {
            true => Undo::ReleaseStock(input.fresh_reservation_id()),
            false => Undo::RestoreStock { order_id, ordinal },
        });
        undos
    }

    async fn undo(&self, call: &Call, undo: Undo) -> Result<(), Status> {
        match undo {
            Undo::CancelDelivery(id) => self.ask.delivery.cancel(call, id, WHY_BACK).await,
            Undo::ReleaseStock(id) => self.ask.inventory.release(call, id, WHY_BACK).await,
            Undo::Money(undo) => undo.undo(&self.store, &self.ask.payments, call).await,
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

    /// All steps: what may be refused first, then the decision, then what cannot be undone.
    async fn go(
        &self,
        saga: &mut Saga<Undo>,
        call: &Call,
        input: &EditInput,
        decision: &Decision<'_>,
    ) -> Result<Outcome<pb::Order>, Stop> {
        let ordinal = input.ordinal;
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
        let then = input.money.clone().unwrap_or_default();
        let money = EditMoney { payments: &self.ask.payments, call, then: &then, ordinal };
        money.follow(saga, &after, &changes).await?;
        let held = self.hold(saga, call, input, &before, &after).await?;

        let old_plan = before.delivery_plan_id.filter(|old| after.delivery_plan_id != Some(*old));
        if old_plan.is_some() || !changes.voided.is_empty() {
            saga.step("decide", decision.make()).await?;
        }
        if let Some(old) = old_plan {
            // Nothing was booked by it, so that nothing can have left.
            saga.step("cancel old delivery", insist("a plan", self.ask.delivery.cancel(call, old, WHY)))
                .await?;
        }
        money.give_up(saga, &changes).await?;
        let settle = self.settle(call, input, &edit, (&after, replan), &changes, held);
        saga.step("settle", async { Ok(settle.await?) }).await
    }

    async fn read(&self, input: &EditInput) -> Result<Plan> {
        let mut connection = self.store.connection().await?;
        let now = Order::load(&mut connection, input.order_id()).await?.ok_or(Error::OrderNotFound)?;
        let edit = Edit::load(&mut connection, input.saga_id()?, now.currency).await?;
        // Another process was faster.
        let edit = edit.ok_or(store::Error::KeyInUse)?;
        let then = input.money.as_ref().ok_or_else(|| corrupt("an edit"))?;
        let before = then.put_into(now)?;
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
                if let Some(then) = &input.money {
                    then.forget_changes(&mut order, input.ordinal);
                }
                // An undo has a revision of its own.
                order.progress.reservation_revision = undoing(input.ordinal);
                order.save(tx).await?;
                Edit::forget(tx, saga_id).await?;
                key.free(tx, METHOD).await
            })
            .await
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
