//! What can go wrong with an outside system, by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A fault. README.md tells which trap of which vendor each one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The answer comes late; nothing is lost.
    Slow,
    /// The line is cut, and nothing was done.
    TimeoutBeforeEffect,
    /// It is done, and then the line is cut.
    TimeoutAfterEffect,
    /// The line is cut first, and a while later it is done after all.
    LateEffect,
    /// A server error that says nothing of what was done; nothing was.
    #[serde(rename = "error_5xx")]
    Error5xx,
    /// The vendor says that it is out of order; nothing was done.
    Unavailable,
    /// It is done, and the answer is a server error.
    ErrorAfterEffect,
    /// It is done, and the answer breaks off in the middle.
    MalformedAnswer,
    /// The vendor's answer to too many calls.
    RateLimit,
    /// The bank declines the card.
    Decline,
    /// The buyer must confirm at the bank, on a page.
    ThreeDSecure,
    /// The vendor says that a call with this key is still being worked on; at CDEK, what it accepted cannot be seen yet.
    InProgress,
    /// An error, told with HTTP 200.
    #[serde(rename = "http_200_error")]
    Http200Error,
    /// Accepted now, refused a while later.
    LateFailure,
    /// Accepted, and then nothing ever happens.
    NeverFinishes,
    /// The token that is shown has just expired, long before its time.
    TokenExpired,
    /// Success is answered, and nothing was done.
    SilentIgnore,
    /// A price comes as text for people, such as "1 713.00", in the place of a number.
    MoneyAsText,
    /// The carrier weighs half as much again as was declared, and 200 grams.
    WeighsMore,
    /// A weight comes as text for people, such as "1,2 кг", in the place of a number.
    WeightAsText,
    /// A webhook comes twice, at the same time.
    DuplicateWebhook,
    /// A webhook comes after the one that follows it.
    ReorderWebhook,
    /// A webhook never comes.
    DropWebhook,
    /// A webhook comes much later.
    LateWebhook,
    /// Besides the real webhook comes one that nobody genuine sent and that tells a lie.
    ForgedWebhook,
}

/// There is no such fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}: no such fault")]
pub struct UnknownFault(String);

impl Fault {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::Slow,
        Self::TimeoutBeforeEffect,
        Self::TimeoutAfterEffect,
        Self::LateEffect,
        Self::Error5xx,
        Self::Unavailable,
        Self::ErrorAfterEffect,
        Self::MalformedAnswer,
        Self::RateLimit,
        Self::Decline,
        Self::ThreeDSecure,
        Self::InProgress,
        Self::Http200Error,
        Self::LateFailure,
        Self::NeverFinishes,
        Self::TokenExpired,
        Self::SilentIgnore,
        Self::MoneyAsText,
        Self::WeighsMore,
        Self::WeightAsText,
        Self::DuplicateWebhook,
        Self::ReorderWebhook,
        Self::DropWebhook,
        Self::LateWebhook,
        Self::ForgedWebhook,
    ];

    /// Its name in the control API and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::TimeoutBeforeEffect => "timeout_before_effect",
            Self::TimeoutAfterEffect => "timeout_after_effect",
            Self::LateEffect => "late_effect",
            Self::Error5xx => "error_5xx",
            Self::Unavailable => "unavailable",
            Self::ErrorAfterEffect => "error_after_effect",
            Self::MalformedAnswer => "malformed_answer",
            Self::RateLimit => "rate_limit",
            Self::Decline => "decline",
            Self::ThreeDSecure => "three_d_secure",
            Self::InProgress => "in_progress",
            Self::Http200Error => "http_200_error",
            Self::LateFailure => "late_failure",
            Self::NeverFinishes => "never_finishes",
            Self::TokenExpired => "token_expired",
            Self::SilentIgnore => "silent_ignore",
            Self::MoneyAsText => "money_as_text",
            Self::WeighsMore => "weighs_more",
            Self::WeightAsText => "weight_as_text",
            Self::DuplicateWebhook => "duplicate_webhook",
            Self::ReorderWebhook => "reorder_webhook",
            Self::DropWebhook => "drop_webhook",
            Self::LateWebhook => "late_webhook",
            Self::ForgedWebhook => "forged_webhook",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|fault| fault.name() == text);
        found.ok_or_else(|| UnknownFault(text.to_owned()))
    }
}
