//! What payments has stored.

use std::collections::{BTreeMap, BTreeSet};

use korob_orders::model::order_payment::OrderPayment;
use korob_payments::Error;
use korob_payments::model::change::{Change, Told};
use korob_payments::model::ledger::Posting;
use korob_payments::model::payment::Payment;
use types::{AttemptId, OrderId, PaymentId, RefundId};

/// The database of payments.
#[derive(Default)]
pub struct MoneyTables {
    pub payments: BTreeMap<PaymentId, Stored>,
    /// Of confirmations and refunds.
    pub keys: BTreeSet<String>,
    /// Cancellations that were refused, and where the payment stood then.
    pub kept_refusals: BTreeMap<String, &'static str>,
    /// Questions about each attempt, and each refund.
    pub asks: BTreeMap<AttemptId, i32>,
    pub refund_asks: BTreeMap<RefundId, i32>,
    pub postings: Vec<Posting>,
    pub log: Vec<PaymentEvent>,
    /// What the provider told, by its number; gone when it was applied.
    pub notices: BTreeMap<u64, Notice>,
    /// Numbers of all that ever came.
    pub noticed: BTreeSet<u64>,
}

/// A payment, or an id that must never become one.
pub enum Stored {
    Payment(Box<Payment>),
    Tombstone,
}

/// What is told of a payment; with news for orders, if it is of a kind that orders follows.
pub struct PaymentEvent {
    pub payment_id: PaymentId,
    pub order_id: OrderId,
    pub version: i64,
    pub news: Option<OrderPayment>,
}

/// A webhook that was kept.
#[derive(Debug, Clone)]
pub struct Notice {
    pub attempt: AttemptId,
    pub reference: String,
}

impl MoneyTables {
    /// A payment; a tombstone is none.
    pub fn payment(&self, id: PaymentId) -> Result<Payment, Error> {
        match self.payments.get(&id) {
            Some(Stored::Payment(payment)) => Ok(Payment::clone(payment)),
            Some(Stored::Tombstone) | None => Err(Error::PaymentNotFound),
        }
    }

    pub fn all(&self) -> impl Iterator<Item = &Payment> {
        self.payments.values().filter_map(|stored| match stored {
            Stored::Payment(payment) => Some(&**payment),
            Stored::Tombstone => None,
        })
    }

    pub fn of_attempt(&self, id: AttemptId) -> Option<Payment> {
        self.all().find(|payment| payment.attempts.iter().any(|attempt| attempt.id == id)).cloned()
    }

    /// Rows, books and events in one commit.
    pub fn keep(&mut self, payment: Payment, change: Change) {
        for (told, payment) in &change.told {
            let followed =
                matches!(told, Told::Recorded | Told::Refunded | Told::RefundFailed | Told::Voided);
            self.tell(payment, followed);
        }
        self.postings.extend(change.postings);
        self.payments.insert(payment.terms.payment_id, Stored::Payment(Box::new(payment)));
    }

    pub fn tell(&mut self, payment: &Payment, followed: bool) {
        self.log.push(PaymentEvent {
            payment_id: payment.terms.payment_id,
            order_id: payment.terms.order_id,
            version: payment.version,
            news: followed.then(|| news_of(payment)),
        });
    }
}

/// As orders reads a payment from the contract.
fn news_of(payment: &Payment) -> OrderPayment {
    let paid = payment.captured.minor();
    OrderPayment {
        payment_id: payment.terms.payment_id.uuid(),
        revision: payment.amount_revision,
        amount: if payment.is_voided() { paid } else { payment.amount.minor() },
        paid,
        refunded: payment.refunded.minor(),
    }
}
