//! How far the booking of a parcel with its carrier is.

/// How far the booking of a parcel with its carrier is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShipmentState {
    /// Stored; the carrier is being asked.
    Booking,
    /// The carrier gave a waybill.
    Booked,
    /// The carrier refused, or the data cannot be sent.
    BookingFailed,
    /// The carrier is being asked to cancel.
    Cancelling,
    /// There is no waybill any more.
    Cancelled,
}

impl ShipmentState {
    /// All states.
    pub const ALL: [Self; 5] =
        [Self::Booking, Self::Booked, Self::BookingFailed, Self::Cancelling, Self::Cancelled];

    /// The word in the database and in history.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::Booked => "booked",
            Self::BookingFailed => "booking_failed",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the word.
    pub fn stored(word: &str) -> Result<Self, store::Error> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == word);
        found.ok_or_else(|| store::Error::Corrupt(format!("shipment state {word:?}")))
    }
}
