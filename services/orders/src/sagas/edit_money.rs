//! What is to be paid follows a changed order, or is again what it was.

use rpc::{Call, Fault};
use saga::{Saga, Stop};
use store::Store;
use tonic::{Code, Status};
use types::{Currency, Money, OrderId, PaymentId};

use crate::error::{Error, Result};
use crate::model::edit::{PaymentChanges, doing, undoing};
use crate::model::order::Order;
use crate::model::order_payment::OrderPayment;
use crate::sagas::keyed::corrupt;
use crate::upstreams::Payments;

const WHY: &str = "the order was changed";
const WHY_BACK: &str = "the order stays as it was";

/// The money of an order when its change was begun. All that is decided about it rests on this: what comes in meanwhile makes no
/// attempt differ from the one before.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MoneyThen {
    /// Of every sum.
    #[prost(string, tag = "1")]
    pub currency: String,
    /// What had come in, in minor units.
    #[prost(int64, tag = "2")]
    pub paid: i64,
    /// What had been given back.
    #[prost(int64, tag = "3")]
    pub refunded: i64,
    /// What had been credited for goods that came back.
    #[prost(int64, tag = "4")]
    pub returned_total: i64,
    /// What had been opened, the oldest first.
    #[prost(message, repeated, tag = "5")]
    pub payments: Vec<PaymentThen>,
}

/// One payment of them; sums in minor units.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PaymentThen {
    /// The payment.
    #[prost(string, tag = "1")]
    pub payment_id: String,
    /// What was to be paid.
    #[prost(int64, tag = "2")]
    pub amount: i64,
    /// What had come in.
    #[prost(int64, tag = "3")]
    pub paid: i64,
    /// What had been given back.
    #[prost(int64, tag = "4")]
    pub refunded: i64,
    /// Of what was to be paid.
    #[prost(int32, tag = "5")]
    pub revision: i32,
}

/// The opposites of what is done with payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyUndo {
    /// Of changing what is to be paid.
    RestoreAmount {
        /// Whose it is.
        order_id: OrderId,
        /// Which payment.
        payment_id: PaymentId,
        /// Of the undo.
        revision: i32,
        /// What was to be paid.
        amount: Money,
    },
    /// Of opening a payment.
    VoidPayment(PaymentId),
}

/// The money of one change of an order.
pub struct EditMoney<'a> {
    /// Who is asked.
    pub payments: &'a Payments,
    /// For whom.
    pub call: &'a Call,
    /// What it rests on.
    pub then: &'a MoneyThen,
    /// Of the change.
    pub ordinal: i32,
}

impl MoneyThen {
    /// That of `order` as it is.
    pub fn of(order: &Order) -> Self {
        let payment = |known: OrderPayment| PaymentThen {
            payment_id: PaymentId::from_uuid(known.payment_id).to_string(),
            amount: known.amount,
            paid: known.paid,
            refunded: known.refunded,
            revision: known.revision,
        };
        Self {
            currency: order.currency.code().to_owned(),
            paid: order.paid.minor(),
            refunded: order.refunded.minor(),
            returned_total: order.returned_total.minor(),
            payments: order.known_payments().into_iter().map(payment).collect(),
        }
    }

    /// `order` with the money it had then.
    pub fn put_into(&self, order: Order) -> Result<Order> {
        let money = |minor| Money::new(order.currency, minor);
        let (paid, refunded, returned_total) =
            (money(self.paid), money(self.refunded), money(self.returned_total));
        let payments = self.payments.iter().map(PaymentThen::read).collect::<Result<_>>()?;
        Ok(Order { paid, refunded, returned_total, payments, ..order })
    }

    /// The undos of everything that [`EditMoney::follow`] may do.
    pub fn undos(&self, order_id: OrderId, ordinal: i32) -> Vec<MoneyUndo> {
        let untouched = self.payments.iter().filter(|payment| payment.paid == 0);
        let ids = untouched.filter_map(|payment| payment.payment_id.parse().ok());
        let mut undos: Vec<_> = ids.filter_map(|id| self.restore(order_id, id, ordinal)).collect();
        undos.push(MoneyUndo::VoidPayment(opened_id(order_id, ordinal)));
        undos
    }

    /// What was changed about payments of `order` is not: news of them that came meanwhile said what the change made of them.
    pub fn forget_changes(&self, order: &mut Order, ordinal: i32) {
        for payment in order.payments.iter_mut().filter(|payment| payment.revision == doing(ordinal)) {
            let id = PaymentId::from_uuid(payment.payment_id).to_string();
            if let Some(then) = self.payments.iter().find(|then| then.payment_id == id) {
                (payment.amount, payment.revision) = (then.amount, undoing(ordinal));
            }
        }
    }

    fn restore(&self, order_id: OrderId, payment_id: PaymentId, ordinal: i32) -> Option<MoneyUndo> {
        let currency: Currency = self.currency.parse().ok()?;
        let then = self.payments.iter().find(|then| then.payment_id == payment_id.to_string())?;
        let amount = Money::new(currency, then.amount);
        Some(MoneyUndo::RestoreAmount { order_id, payment_id, revision: undoing(ordinal), amount })
    }
}

impl PaymentThen {
    fn read(&self) -> Result<OrderPayment> {
        let id: PaymentId = self.payment_id.parse().map_err(|_| corrupt("a change of an order"))?;
        let Self { amount, paid, refunded, revision, .. } = *self;
        Ok(OrderPayment { payment_id: id.uuid(), amount, paid, refunded, revision })
    }
}

impl EditMoney<'_> {
    /// Changes what is open, and opens what is owed besides, for the order as it becomes.
    pub async fn follow<U: From<MoneyUndo>>(
        &self,
        saga: &mut Saga<U>,
        after: &Order,
        changes: &PaymentChanges,
    ) -> Result<(), Stop> {
        let (order_id, ordinal) = (after.order_id, self.ordinal);
        for (payment_id, amount) in &changes.changed {
            let undo = self.then.restore(order_id, *payment_id, ordinal);
            let undo = undo.ok_or_else(|| Stop::Later(corrupt("a change of an order").into()))?;
            let change = self.payments.change_amount(self.call, after, *payment_id, doing(ordinal), *amount);
            saga.step_or("change payment", undo.into(), change).await?;
        }
        if let Some(amount) = changes.opened {
            let payment_id = opened_id(order_id, ordinal);
            let open = self.payments.open_as(self.call, after, payment_id, amount);
            saga.step_or("open payment", MoneyUndo::VoidPayment(payment_id).into(), open).await?;
        }
        Ok(())
    }

    /// Gives up what is not needed any more. It cannot be undone.
    pub async fn give_up<U>(&self, saga: &Saga<U>, changes: &PaymentChanges) -> Result<(), Stop> {
        for payment_id in &changes.voided {
            let void = insist("a payment", self.payments.void(self.call, *payment_id, WHY));
            saga.step("void payment", void).await?;
        }
        Ok(())
    }
}

impl MoneyUndo {
    /// Undoes it; the order that it was done for is unchanged in `store`.
    pub async fn undo(self, store: &Store, payments: &Payments, call: &Call) -> Result<(), Status> {
        match self {
            Self::VoidPayment(id) => payments.void(call, id, WHY_BACK).await,
            Self::RestoreAmount { order_id, payment_id, revision, amount } => {
                let mut connection = store.connection().await.map_err(Error::from)?;
                let order = Order::load(&mut connection, order_id).await.map_err(Error::from)?;
                drop(connection);
                let order = order.ok_or(Error::OrderNotFound)?;
                let restore = payments.change_amount(call, &order, payment_id, revision, amount);
                give_way("what is to be paid", restore.await)
            }
        }
    }
}

/// The id of what is opened besides by a change.
pub fn opened_id(order_id: OrderId, ordinal: i32) -> PaymentId {
    PaymentId::derived(order_id.uuid(), ordinal.unsigned_abs())
}

/// Past the point of no return a refusal is somebody's mistake to mend: the step is asked again until it is done.
pub async fn insist(what: &str, step: impl Future<Output = Result<(), Status>>) -> Result<(), Status> {
    step.await.map_err(|status| match rpc::is_unknown_outcome(&status) {
        true => status,
        false => {
            tracing::error!(code = ?status.code(), message = status.message(), what, "is not given up after an edit");
            Fault::new(Code::Unavailable, "NOT_GIVEN_UP", status.message()).into()
        }
    })
}

/// An undo that is refused cannot be done by asking again: what is true is seen on the order, and somebody must look at it.
pub fn give_way(what: &str, answer: Result<(), Status>) -> Result<(), Status> {
    match answer {
        Err(status) if rpc::is_unknown_outcome(&status) => Err(status),
        Err(status) => {
            tracing::error!(code = ?status.code(), message = status.message(), what, "is not as it was before an edit");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
