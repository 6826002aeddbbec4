//! Where an intent stands, and what may come next.

use store::Error as StoreError;

/// Where an intent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits for the money.
    RequiresPayment,
    /// The buyer must act.
    RequiresAction,
    /// The provider works on it, or has not answered.
    Processing,
    /// The sum is reserved on the card.
    Authorized,
    /// A part came in.
    PartiallyPaid,
    /// Paid in full. Refunds do not change that.
    Succeeded,
    /// Voided; what had come in is given back.
    Canceled,
}

/// What happens to an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// A provider is asked to take the money.
    Attempted,
    /// The provider works on it.
    Pended,
    /// The buyer must act first.
    ActionRequired,
    /// The sum was reserved.
    Authorized,
    /// An attempt failed, or what it reserved is free again.
    AttemptEnded,
    /// Money came in and more is due.
    CapturedInPart,
    /// Money came in and nothing more is due.
    CapturedInFull,
    /// Money is given back.
    Refunded,
    /// The amount changed, and what came in covers it.
    ChangedToNothingDue,
    /// The amount changed, and a part of it came in.
    ChangedToPartDue,
    /// The amount changed, and nothing of it came in.
    ChangedToAllDue,
    /// The intent was cancelled.
    Voided,
}

impl Happening {
    /// All happenings.
    pub const ALL: [Self; 12] = [
        Self::Attempted,
        Self::Pended,
        Self::ActionRequired,
        Self::Authorized,
        Self::AttemptEnded,
        Self::CapturedInPart,
        Self::CapturedInFull,
        Self::Refunded,
        Self::ChangedToNothingDue,
        Self::ChangedToPartDue,
        Self::ChangedToAllDue,
        Self::Voided,
    ];
}

impl State {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::RequiresPayment,
        Self::RequiresAction,
        Self::Processing,
        Self::Authorized,
        Self::PartiallyPaid,
        Self::Succeeded,
        Self::Canceled,
    ];

    /// The state after `happening`, or `None` when it cannot happen.
    pub const fn after(self, happening: Happening) -> Option<Self> {
        use Happening as H;
        use State as S;
        match (self, happening) {
            (S::RequiresPayment, H::Attempted) => Some(S::Processing),
            (S::RequiresAction | S::Processing, H::Attempted) => None,
            (S::RequiresAction | S::Processing, H::Pended) => Some(S::Processing),
            (S::RequiresAction | S::Processing, H::ActionRequired) => Some(S::RequiresAction),
            (S::RequiresAction | S::Processing, H::Authorized) => Some(S::Authorized),
            (S::RequiresAction | S::Processing | S::Authorized, H::AttemptEnded) => Some(S::RequiresPayment),
            (S::RequiresPayment, H::Pended | H::ActionRequired | H::Authorized | H::AttemptEnded) => None,
            (S::Authorized, H::Attempted | H::Pended | H::ActionRequired | H::Authorized) => None,

            (
                S::RequiresPayment | S::RequiresAction | S::Processing | S::PartiallyPaid,
                H::CapturedInPart,
            ) => Some(S::PartiallyPaid),
            // A card is captured once: what is not taken then is not due any more.
            (S::Authorized, H::CapturedInPart) => None,
            (
                S::RequiresPayment | S::RequiresAction | S::Processing | S::Authorized | S::PartiallyPaid,
                H::CapturedInFull,
            ) => Some(S::Succeeded),
            (S::PartiallyPaid | S::Succeeded, H::Refunded) => Some(self),
            (S::RequiresPayment | S::RequiresAction | S::Processing | S::Authorized, H::Refunded) => None,

            (S::Canceled, H::ChangedToNothingDue | H::ChangedToPartDue | H::ChangedToAllDue) => None,
            (_, H::ChangedToNothingDue) => Some(S::Succeeded),
            (S::PartiallyPaid | S::Succeeded, H::ChangedToPartDue) => Some(S::PartiallyPaid),
            (S::RequiresPayment | S::RequiresAction | S::Processing | S::Authorized, H::ChangedToPartDue) => {
                None
            }
            (S::RequiresPayment | S::RequiresAction | S::Processing | S::Authorized, H::ChangedToAllDue) => {
                Some(self)
            }
            (S::Succeeded, H::ChangedToAllDue) => Some(S::RequiresPayment),
            (S::PartiallyPaid, H::ChangedToAllDue) => None,

            (
                S::RequiresPayment
                | S::RequiresAction
                | S::Processing
                | S::Authorized
                | S::PartiallyPaid
                | S::Succeeded,
                H::Voided,
            ) => Some(S::Canceled),
            (
                S::PartiallyPaid | S::Succeeded,
                H::Attempted | H::Pended | H::ActionRequired | H::Authorized | H::AttemptEnded,
            ) => None,
            (S::Succeeded, H::CapturedInPart | H::CapturedInFull) => None,
            (
                S::Canceled,
                H::Attempted
                | H::Pended
                | H::ActionRequired
                | H::Authorized
                | H::AttemptEnded
                | H::CapturedInPart
                | H::CapturedInFull
                | H::Refunded
                | H::Voided,
            ) => None,
        }
    }

    /// The word in the database and in history.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequiresPayment => "requires_payment",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::Authorized => "authorized",
            Self::PartiallyPaid => "partially_paid",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }

    /// Reads the word.
    pub fn stored(word: &str) -> Result<Self, StoreError> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == word);
        found.ok_or_else(|| StoreError::Corrupt(format!("payment state {word:?}")))
    }
}
