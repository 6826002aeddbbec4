//! Derived from the quantities of an order's lines.

/// How far an order has reached its buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FulfilmentStatus {
    /// Nothing has left.
    Unfulfilled,
    /// Something has left.
    PartiallyShipped,
    /// Everything that was not cancelled has left.
    Shipped,
    /// Everything that was not cancelled has arrived.
    Delivered,
}

/// Sums over the lines of one order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineSums {
    /// Units ordered.
    pub ordered: i64,
    /// Units that left.
    pub shipped: i64,
    /// Units that arrived.
    pub delivered: i64,
    /// Units that were given up.
    pub cancelled: i64,
}

impl FulfilmentStatus {
    /// The status of an order with these sums.
    pub fn of(sums: LineSums) -> Self {
        let due = sums.ordered - sums.cancelled;
        if sums.shipped == 0 {
            Self::Unfulfilled
        } else if sums.shipped < due {
            Self::PartiallyShipped
        } else if sums.delivered < due {
            Self::Shipped
        } else {
            Self::Delivered
        }
    }

    /// The name in history.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unfulfilled => "unfulfilled",
            Self::PartiallyShipped => "partially_shipped",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
        }
    }
}
