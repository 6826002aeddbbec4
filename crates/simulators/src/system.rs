//! Which outside systems are simulated, and which faults each of them can have.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// A simulated system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum System {
    /// Korob's own contract for providers of card payments.
    Card,
    /// YooKassa API v3.
    Yookassa,
    /// Stripe PaymentIntents.
    Stripe,
    /// Fiscal receipts after ATOL Online v4.
    Fiscal,
    /// Korob's own contract for parcel carriers.
    Parcel,
    /// Nova Poshta API 2.0.
    NovaPoshta,
    /// CDEK API v2.
    Cdek,
}

/// There is no such system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}: no such system; there are card, yookassa, stripe, fiscal, parcel, nova_poshta and cdek")]
pub struct UnknownSystem(String);

impl System {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Card, Self::Yookassa, Self::Stripe, Self::Fiscal, Self::Parcel, Self::NovaPoshta, Self::Cdek];

    /// Its name in the control API and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Yookassa => "yookassa",
            Self::Stripe => "stripe",
            Self::Fiscal => "fiscal",
            Self::Parcel => "parcel",
            Self::NovaPoshta => "nova_poshta",
            Self::Cdek => "cdek",
        }
    }

    /// The first segment of its paths.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::NovaPoshta => "nova-poshta",
            other => other.name(),
        }
    }

    /// What a client takes for the vendor's address, from the root of the server.
    pub const fn base_path(self) -> &'static str {
        match self {
            Self::Card => "/card",
            Self::Yookassa => "/yookassa/v3",
            Self::Stripe => "/stripe",
            Self::Fiscal => "/fiscal/possystem/v4",
            Self::Parcel => "/parcel",
            Self::NovaPoshta => "/nova-poshta/v2.0/json/",
            Self::Cdek => "/cdek/v2",
        }
    }

    /// Whether it tells by webhooks.
    pub const fn tells(self) -> bool {
        !matches!(self, Self::NovaPoshta)
    }

    /// Whether it can have this fault.
    pub fn can_have(self, fault: Fault) -> bool {
        use Fault::*;
        match fault {
            Slow | TimeoutBeforeEffect | TimeoutAfterEffect | LateEffect | Error5xx | ErrorAfterEffect
            | Unavailable | MalformedAnswer | RateLimit => true,
            DuplicateWebhook | ReorderWebhook | DropWebhook | LateWebhook | ForgedWebhook => self.tells(),
            Decline | ThreeDSecure => matches!(self, Self::Card | Self::Yookassa | Self::Stripe),
            InProgress => matches!(self, Self::Card | Self::Yookassa | Self::Stripe | Self::Cdek),
            Http200Error => matches!(self, Self::Card | Self::Parcel | Self::NovaPoshta | Self::Fiscal),
            LateFailure => !matches!(self, Self::NovaPoshta),
            NeverFinishes => !matches!(self, Self::NovaPoshta),
            TokenExpired => matches!(self, Self::Fiscal | Self::Cdek),
            SilentIgnore => matches!(self, Self::Parcel | Self::NovaPoshta | Self::Cdek),
            MoneyAsText => matches!(self, Self::NovaPoshta),
            WeighsMore => matches!(self, Self::Parcel | Self::NovaPoshta),
            WeightAsText => matches!(self, Self::Parcel | Self::NovaPoshta),
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for System {
    type Err = UnknownSystem;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|system| system.name() == text || system.prefix() == text);
        found.ok_or_else(|| UnknownSystem(text.to_owned()))
    }
}

/// For tests, where a name that does not exist is a mistake in the test.
///
/// # Panics
/// When there is no such system.
impl From<&str> for System {
    fn from(name: &str) -> Self {
        match name.parse() {
            Ok(system) => system,
            Err(unknown) => panic!("{unknown}"),
        }
    }
}
