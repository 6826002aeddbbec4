//! Why orders are cancelled: a closed list, so that reports can count.

use std::fmt;
use std::str::FromStr;

/// A reason of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelReason(&'static str);

/// Not a reason of the list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("one of: {}", CancelReason::ALL.join(", "))]
pub struct CancelReasonUnknown;

impl CancelReason {
    /// The list.
    pub const ALL: [&'static str; 11] = [
        "buyer_changed_mind",
        "no_answer",
        "out_of_stock",
        "price",
        "delivery_terms",
        "payment_terms",
        "duplicate",
        "fraud",
        "test",
        "other",
        Self::PAYMENT_OVERDUE.0,
    ];
    /// Nobody has begun to pay in time.
    pub const PAYMENT_OVERDUE: Self = Self("payment_overdue");

    /// The text.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl FromStr for CancelReason {
    type Err = CancelReasonUnknown;

    fn from_str(text: &str) -> Result<Self, CancelReasonUnknown> {
        Self::ALL.into_iter().find(|known| *known == text).map(Self).ok_or(CancelReasonUnknown)
    }
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
