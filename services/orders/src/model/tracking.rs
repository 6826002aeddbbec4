//! What a parcel's status means for its order.

/// How far a parcel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tracking {
    /// Nothing is known that matters to the order.
    Waits,
    /// The carrier has it, or had it.
    Left,
    /// The buyer has it.
    Delivered,
}
