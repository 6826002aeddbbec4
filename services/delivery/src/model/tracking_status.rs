//! The canonical statuses of a parcel, and which may follow which.

/// Where a parcel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackingStatus {
    /// Booked; the carrier does not have it.
    Pending,
    PickedUp,
    InTransit,
    OutForDelivery,
    ReadyForPickup,
    OnHold,
    DeliveryDelayed,
    DeliveryFailed,
    Delivered,
    ReturnToSender,
    Cancelled,
    /// The carrier said something that has no canonical status; it is noted and moves nothing.
    Unknown,
}

/// What an event does to the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The parcel has the new status.
    Moves,
    /// The event is noted, the status stays.
    Stays,
    /// It cannot follow.
    Refused,
    /// Nothing can follow.
    Final,
}

impl TrackingStatus {
    /// All statuses.
    pub const ALL: [Self; 12] = [
        Self::Pending,
        Self::PickedUp,
        Self::InTransit,
        Self::OutForDelivery,
        Self::ReadyForPickup,
        Self::OnHold,
        Self::DeliveryDelayed,
        Self::DeliveryFailed,
        Self::Delivered,
        Self::ReturnToSender,
        Self::Cancelled,
        Self::Unknown,
    ];

    /// What an event with the status `next` does to a parcel with this status. Carriers skip scans, so a parcel may go
    /// from any status under way to any other; it is booked and picked up only once, cancelled only before it leaves,
    /// and comes back only after it left.
    pub const fn then(self, next: Self) -> Effect {
        use Effect::{Final, Moves, Refused, Stays};
        use TrackingStatus::{
            Cancelled, Delivered, DeliveryDelayed, DeliveryFailed, InTransit, OnHold, OutForDelivery,
            Pending, PickedUp, ReadyForPickup, ReturnToSender, Unknown,
        };
        match (self, next) {
            (Delivered, Delivered) | (ReturnToSender, ReturnToSender) | (Cancelled, Cancelled) => Stays,
            (Delivered | ReturnToSender | Cancelled, _) => Final,

            (Pending | PickedUp | InTransit | OutForDelivery | ReadyForPickup, Unknown) => Stays,
            (OnHold | DeliveryDelayed | DeliveryFailed | Unknown, Unknown) => Stays,
            (Pending, Pending)
            | (PickedUp, PickedUp)
            | (InTransit, InTransit)
            | (OutForDelivery, OutForDelivery)
            | (ReadyForPickup, ReadyForPickup)
            | (OnHold, OnHold)
            | (DeliveryDelayed, DeliveryDelayed)
            | (DeliveryFailed, DeliveryFailed) => Stays,

            (PickedUp | InTransit | OutForDelivery | ReadyForPickup, Pending) => Refused,
            (OnHold | DeliveryDelayed | DeliveryFailed | Unknown, Pending) => Refused,

            (Pending | Unknown, Cancelled) => Moves,
            (PickedUp | InTransit | OutForDelivery | ReadyForPickup, Cancelled) => Refused,
            (OnHold | DeliveryDelayed | DeliveryFailed, Cancelled) => Refused,

            (Pending, ReturnToSender) => Refused,
            (PickedUp | InTransit | OutForDelivery | ReadyForPickup, ReturnToSender) => Moves,
            (OnHold | DeliveryDelayed | DeliveryFailed | Unknown, ReturnToSender) => Moves,

            (Pending | OnHold | DeliveryDelayed | DeliveryFailed | Unknown, PickedUp) => Moves,
            (InTransit | OutForDelivery | ReadyForPickup, PickedUp) => Refused,

            (
                Pending | PickedUp | InTransit | OutForDelivery | ReadyForPickup | OnHold | DeliveryDelayed
                | DeliveryFailed | Unknown,
                InTransit | OutForDelivery | ReadyForPickup | OnHold | DeliveryDelayed | DeliveryFailed
                | Delivered,
            ) => Moves,
        }
    }

    /// Whether an event with this status may say what went wrong.
    pub const fn may_have_incident(self) -> bool {
        matches!(self, Self::OnHold | Self::DeliveryDelayed | Self::DeliveryFailed | Self::ReturnToSender)
    }

    /// The word in the database and in history.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::PickedUp => "picked_up",
            Self::InTransit => "in_transit",
            Self::OutForDelivery => "out_for_delivery",
            Self::ReadyForPickup => "ready_for_pickup",
            Self::OnHold => "on_hold",
            Self::DeliveryDelayed => "delivery_delayed",
            Self::DeliveryFailed => "delivery_failed",
            Self::Delivered => "delivered",
            Self::ReturnToSender => "return_to_sender",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the word.
    pub fn stored(word: &str) -> Result<Self, store::Error> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == word);
        found.ok_or_else(|| store::Error::Corrupt(format!("tracking status {word:?}")))
    }
}
