//! Money given back, and what a provider says of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use store::Error as StoreError;
use types::{AttemptId, Money, RefundId};

use crate::model::receipt_line::ReceiptLine;

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundState {
    /// The provider has not done it yet.
    Pending,
    /// The buyer has it.
    Succeeded,
    /// The provider refused; the sum can be refunded again.
    Failed,
}

/// Money given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    pub id: RefundId,
    pub amount: Money,
    pub reason: String,
    pub state: RefundState,
    /// The charge it is of; `None` when people pay it out.
    pub attempt: Option<AttemptId>,
    /// The provider's id of the refund.
    pub reference: String,
    pub failure_code: String,
    /// Money that came when nothing was due.
    pub surplus: bool,
    /// Grows when a refusal is tried again.
    pub tries: i32,
    pub lines: Vec<ReceiptLine>,
    pub create_time: DateTime<Utc>,
    /// When the provider is asked next.
    pub next_ask_time: Option<DateTime<Utc>>,
    /// When this try was first sent.
    pub send_time: Option<DateTime<Utc>>,
}

/// What a provider says of a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundReport {
    /// The provider's id of the refund; empty when it made none.
    pub reference: String,
    pub status: RefundStatus,
}

/// Where a refund stands at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundStatus {
    Pending,
    Succeeded,
    Failed { code: String },
}

/// The longest pause between two questions about a refund.
const PAUSE_MAX: Duration = Duration::from_secs(45);
/// How long to wait before money that must go back is sent once more after a refusal.
const PAUSE_OF_REFUSED: Duration = Duration::from_secs(3600);

impl Refund {
    /// The provider's idempotency key and our reference there: each try after a refusal has its own.
    pub fn key(&self) -> String {
        match self.tries {
            1 => self.id.to_string(),
            tries => format!("{}-{tries}", self.id),
        }
    }

    /// How long to wait after the question number `asks`.
    pub fn pause(asks: i32) -> Duration {
        Duration::from_secs(2 << asks.clamp(0, 5)).min(PAUSE_MAX)
    }

    /// How long to wait after the refusal number `tries`.
    pub fn pause_of_refused(tries: i32) -> Duration {
        PAUSE_OF_REFUSED * (1 << tries.clamp(0, 4))
    }
}

impl RefundState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Succeeded, Self::Failed];

    /// The word in the database and in history.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// Reads the word.
    pub fn stored(word: &str) -> Result<Self, StoreError> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == word);
        found.ok_or_else(|| StoreError::Corrupt(format!("refund state {word:?}")))
    }
}
