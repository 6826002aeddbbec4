//! What is given back for goods that came back, payment by payment.

use serde::{Deserialize, Serialize};
use types::Money;
use uuid::Uuid;

use crate::model::order::Order;
use crate::model::returns::{Return, ReturnRefusal};

/// Money of one payment that was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnRefund {
    /// The payment.
    pub payment_id: Uuid,
    /// How much, in minor units.
    pub amount: i64,
}

impl Return {
    /// It is credited: what the goods are worth or less, and what delivery cost when asked for.
    pub fn credit(&mut self, wanted: Option<Money>, delivery: Money) -> Result<(), ReturnRefusal> {
        let goods = wanted.unwrap_or(self.amount);
        if goods.minor() > self.amount.minor() {
            return Err(ReturnRefusal::AboveValue { wanted: goods, value: self.amount });
        }
        self.credited_total = goods.checked_add(delivery)?;
        self.delivery_credit = delivery;
        Ok(())
    }

    /// It is not credited after all.
    pub fn take_credit_back(&mut self) {
        let nothing = Money::zero(self.currency);
        (self.credited_total, self.delivery_credit) = (nothing, nothing);
    }

    /// What was given back so far, in minor units.
    pub fn given_back(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.amount).sum()
    }
}

impl Order {
    /// How `credit` is given back: of each payment, the oldest first, what it kept; together what is kept beyond what is
    /// owed after the credit, less what was `given` back before.
    pub fn refunds(&self, credit: Money, given: i64) -> Vec<ReturnRefund> {
        let kept = self.paid.minor() - self.refunded.minor();
        let most = (credit.minor() - given).max(0);
        let mut left = (kept - (self.due() - credit.minor())).clamp(0, most);
        let mut refunds = Vec::new();
        for payment in self.known_payments() {
            let amount = payment.kept().clamp(0, left);
            if amount > 0 {
                refunds.push(ReturnRefund { payment_id: payment.payment_id, amount });
                left -= amount;
            }
        }
        refunds
    }

    /// What delivery cost and is not credited by any of `others`.
    pub fn delivery_to_credit(&self, others: &[Return]) -> Money {
        let credited: i64 = others.iter().map(|other| other.delivery_credit.minor()).sum();
        Money::new(self.currency, (self.delivery_total.minor() - credited).max(0))
    }
}
