//! A payment that was opened for an order, and what it took.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One of them; sums in minor units of the order's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPayment {
    /// Its id.
    pub payment_id: Uuid,
    /// What was to be paid.
    pub amount: i64,
    /// What came in.
    pub paid: i64,
    /// What was given back.
    pub refunded: i64,
    /// Of what is to be paid: an event from before an edit does not take the edit back.
    #[serde(default)]
    pub revision: i32,
}

impl OrderPayment {
    /// A payment that was just opened.
    pub const fn opened(payment_id: Uuid, amount: i64) -> Self {
        Self { payment_id, amount, paid: 0, refunded: 0, revision: 0 }
    }

    /// What may still be given back.
    pub const fn kept(&self) -> i64 {
        self.paid - self.refunded
    }
}
