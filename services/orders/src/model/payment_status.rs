//! Derived from what an order costs and what was paid for it.

use crate::model::order_state::OrderState;

/// How far an order is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentStatus {
    /// Nothing came in.
    Unpaid,
    /// Less came in than it costs.
    PartiallyPaid,
    /// Nothing is owed.
    Paid,
    /// More came in than it costs.
    Overpaid,
    /// All that came in was given back.
    Refunded,
}

impl PaymentStatus {
    /// The status of an order in `state` of which `due` is to be paid: its total less what was credited for returns. All in
    /// minor units.
    pub fn of(state: OrderState, due: i64, paid: i64, refunded: i64) -> Self {
        let kept = paid - refunded;
        match kept.cmp(&due) {
            _ if kept == 0 && refunded > 0 => Self::Refunded,
            _ if kept == 0 && (due > 0 || !state.was_placed()) => Self::Unpaid,
            std::cmp::Ordering::Less => Self::PartiallyPaid,
            std::cmp::Ordering::Equal => Self::Paid,
            std::cmp::Ordering::Greater => Self::Overpaid,
        }
    }

    /// The name in history.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unpaid => "unpaid",
            Self::PartiallyPaid => "partially_paid",
            Self::Paid => "paid",
            Self::Overpaid => "overpaid",
            Self::Refunded => "refunded",
        }
    }
}
