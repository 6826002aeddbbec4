//! One try to move money in, and what a provider says of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use store::Error as StoreError;
use types::{AttemptId, Money, PaymentAccountId};

use crate::model::payment_state::State;

/// Where a try to move money in stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The provider was asked and has not answered: it is asked again, never charged again.
    Unknown,
    /// The buyer must act.
    RequiresAction,
    /// The provider works on it.
    Processing,
    /// Reserved, to be captured or released.
    Authorized,
    Succeeded,
    Failed,
    /// What was reserved is free again.
    Released,
    /// Money came when nothing was due any more; it is given back.
    Returned,
}

impl Outcome {
    /// Where an intent stands while this is its live attempt.
    pub const fn state_while_live(self) -> State {
        match self {
            Self::RequiresAction => State::RequiresAction,
            Self::Authorized => State::Authorized,
            Self::Unknown
            | Self::Processing
            | Self::Succeeded
            | Self::Failed
            | Self::Released
            | Self::Returned => State::Processing,
        }
    }
}

/// What is asked of the provider and not confirmed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing: it goes its way.
    Nothing,
    /// To take this much of what is reserved.
    Capture(Money),
    /// To take nothing and free what is reserved.
    Release,
}

/// Whether anything is asked of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanting {
    Nothing,
    Something,
}

/// One try to move money in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub id: AttemptId,
    pub provider: String,
    pub amount: Money,
    /// What of it came in and counts.
    pub captured: Money,
    pub outcome: Outcome,
    /// The document of money that people moved, or the provider's id of the charge.
    pub reference: String,
    pub create_time: DateTime<Utc>,
    /// `None` when people moved the money.
    pub charge: Option<Charge>,
}

/// What an attempt through a provider has besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    pub account: PaymentAccountId,
    /// Whether the provider takes the money at once.
    pub automatic: bool,
    pub wanted: Wanted,
    pub redirect_url: String,
    pub failure_code: String,
    /// When the provider is asked next.
    pub next_ask_time: Option<DateTime<Utc>>,
}

/// What a provider says of a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The provider's id of the charge.
    pub reference: String,
    pub status: ChargeStatus,
}

/// Where a charge stands at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChargeStatus {
    Processing,
    RequiresAction { redirect_url: String },
    Authorized,
    Captured(Money),
    Failed { code: String },
    Released,
}

/// What to do next about an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing can change any more.
    Rest,
    /// Ask whether the charge was made, under its own key.
    Ask,
    /// Ask where the charge stands, by the provider's id.
    Look,
    /// Take this much.
    Capture(Money),
    /// Free what is reserved.
    Release,
}

/// How long the first call may take before somebody else asks.
pub const FIRST_ANSWER_TIME: Duration = Duration::from_secs(12);
/// The longest pause between two questions about money that may have moved.
pub const PAUSE_MAX: Duration = Duration::from_secs(45);
/// The longest pause while a buyer makes up his mind; the provider tells by webhook sooner.
const PAUSE_OF_BUYERS: Duration = Duration::from_secs(15 * 60);
/// Questions after which a buyer is thought to have gone.
const ASKS_OF_BUYERS: i32 = 40;
/// How often a reserved sum is looked at: it expires at the provider one day.
pub const PAUSE_OF_RESERVED: Duration = Duration::from_secs(24 * 3600);

impl Attempt {
    /// What to do next.
    pub fn next_step(&self) -> Step {
        let Some(charge) = &self.charge else { return Step::Rest };
        match (self.outcome, charge.wanted) {
            (Outcome::Succeeded | Outcome::Failed | Outcome::Released | Outcome::Returned, _) => Step::Rest,
            (Outcome::Unknown, _) if self.reference.is_empty() => Step::Ask,
            (Outcome::Unknown, _) => Step::Look,
            (_, Wanted::Release) => Step::Release,
            (Outcome::Authorized, Wanted::Capture(amount)) => Step::Capture(amount),
            (Outcome::RequiresAction | Outcome::Processing | Outcome::Authorized, _) => Step::Look,
        }
    }

    /// What to do next, and the provider's id of the charge, when a webhook has `named` one; empty: none has. A charge whose
    /// answer got lost is looked at by that name, and so is one that was over: it may not have been, after all.
    pub fn next_step_for<'a>(&'a self, named: &'a str) -> (Step, &'a str) {
        let is_this = !named.is_empty() && (self.reference.is_empty() || self.reference == named);
        match (self.next_step(), self.outcome) {
            (Step::Ask, _) | (Step::Rest, Outcome::Failed | Outcome::Released) if is_this => {
                (Step::Look, named)
            }
            (step, _) => (step, self.reference.as_str()),
        }
    }

    /// Whether nobody but the first call has asked the provider yet: the time when others do is moved before they ask.
    pub fn is_only_called_first(&self) -> bool {
        let others_ask = self.charge.as_ref().and_then(|charge| charge.next_ask_time);
        others_ask == Some(self.create_time + FIRST_ANSWER_TIME)
    }

    /// Whether money may still come of it.
    pub fn is_live(&self) -> bool {
        match self.outcome {
            Outcome::Unknown | Outcome::RequiresAction | Outcome::Processing | Outcome::Authorized => {
                self.charge.is_some()
            }
            Outcome::Succeeded | Outcome::Failed | Outcome::Released | Outcome::Returned => false,
        }
    }

    /// Whether `status` is news: a lower rank comes late, however it came.
    pub fn is_news(&self, status: &ChargeStatus) -> bool {
        match (self.outcome.rank(), status.rank()) {
            (1, 1) => !status.is_the_same_waiting(self),
            _ if failpoint::planted!("payments.late_report_is_news") => true,
            (known, told) => told > known,
        }
    }

    /// How long to wait after the question number `asks`.
    pub fn pause(outcome: Outcome, wanted: Wanting, asks: i32) -> Duration {
        match (outcome, wanted) {
            (Outcome::Authorized, Wanting::Nothing) => PAUSE_OF_RESERVED,
            (Outcome::RequiresAction, Wanting::Nothing) if asks >= ASKS_OF_BUYERS => PAUSE_OF_BUYERS,
            _ => Duration::from_secs(5 << asks.clamp(0, 4)).min(PAUSE_MAX),
        }
    }
}

impl ChargeStatus {
    const fn rank(&self) -> u8 {
        match self {
            Self::Processing | Self::RequiresAction { .. } => 1,
            Self::Authorized => 2,
            Self::Failed { .. } | Self::Released => 3,
            Self::Captured(_) => 4,
        }
    }

    fn is_the_same_waiting(&self, attempt: &Attempt) -> bool {
        let url = attempt.charge.as_ref().map(|charge| charge.redirect_url.as_str()).unwrap_or_default();
        match self {
            Self::Processing => attempt.outcome == Outcome::Processing,
            Self::RequiresAction { redirect_url } => {
                attempt.outcome == Outcome::RequiresAction && url == redirect_url
            }
            Self::Authorized | Self::Captured(_) | Self::Failed { .. } | Self::Released => false,
        }
    }
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 8] = [
        Self::Unknown,
        Self::RequiresAction,
        Self::Processing,
        Self::Authorized,
        Self::Succeeded,
        Self::Failed,
        Self::Released,
        Self::Returned,
    ];

    const fn rank(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::RequiresAction | Self::Processing => 1,
            Self::Authorized => 2,
            Self::Failed | Self::Released => 3,
            Self::Succeeded | Self::Returned => 4,
        }
    }

    /// The word in the database and in history.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::Authorized => "authorized",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Released => "released",
            Self::Returned => "returned",
        }
    }

    /// Reads the word.
    pub fn stored(word: &str) -> Result<Self, StoreError> {
        let found = Self::ALL.into_iter().find(|outcome| outcome.as_str() == word);
        found.ok_or_else(|| StoreError::Corrupt(format!("attempt outcome {word:?}")))
    }
}
