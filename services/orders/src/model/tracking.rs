//! What a parcel's status means for its order.

/// What is heard of a parcel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parcel {
    /// Who has it.
    pub carrier: String,
    /// Its waybill.
    pub tracking_number: String,
}

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
