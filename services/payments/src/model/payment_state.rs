//! Where an intent stands, and what may come next.

use store::Error as StoreError;

/// Where an intent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits for the money.
    RequiresPayment,
    /// The buyer must act.
    RequiresAction,
    /// The provider works on it.
    Processing,
    /// A part came in.
    PartiallyPaid,
    /// Paid in full. Refunds do not change that.
    Succeeded,
    /// Voided; what had come in was given back.
    Canceled,
}

/// What happens to an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// Money came in and more is due.
    CapturedInPart,
    /// Money came in and nothing more is due.
    CapturedInFull,
    /// Money was given back.
    Refunded,
    /// The intent was cancelled.
    Voided,
}

impl State {
    /// All states.
    pub const ALL: [Self; 6] = [
        Self::RequiresPayment,
        Self::RequiresAction,
        Self::Processing,
        Self::PartiallyPaid,
        Self::Succeeded,
        Self::Canceled,
    ];

    /// The state after `happening`, or `None` when it cannot happen.
    pub const fn after(self, happening: Happening) -> Option<Self> {
        use Happening::{CapturedInFull, CapturedInPart, Refunded, Voided};
        use State::{Canceled, PartiallyPaid, Processing, RequiresAction, RequiresPayment, Succeeded};
        match (self, happening) {
            (RequiresPayment | RequiresAction | Processing | PartiallyPaid, CapturedInPart) => {
                Some(PartiallyPaid)
            }
            (RequiresPayment | RequiresAction | Processing | PartiallyPaid, CapturedInFull) => {
                Some(Succeeded)
            }
            (RequiresPayment | RequiresAction | Processing, Refunded) => None,
            (PartiallyPaid | Succeeded, Refunded) => Some(self),
            (RequiresPayment | RequiresAction | Processing | PartiallyPaid | Succeeded, Voided) => {
                Some(Canceled)
            }
            (Succeeded, CapturedInPart | CapturedInFull) => None,
            (Canceled, CapturedInPart | CapturedInFull | Refunded | Voided) => None,
        }
    }

    /// The word in the database and in history.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequiresPayment => "requires_payment",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
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
