//! The ways money moves: cash and transfers by people, cards through providers behind one trait.
//!
//! A provider is asked outside any transaction, always after what is asked for was stored, and always under a key that
//! derives from our own id. What matters about a call that failed is whether it may have been done: [`Trouble`] tells.

pub mod bank_transfer;
pub mod cash_on_delivery;
pub mod korob_card;
pub mod peer;
pub mod signature;
pub mod stripe;
pub mod yookassa;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use types::{AttemptId, Money, OrderId, PaymentId, RefundId};

pub use self::bank_transfer::{BankAccount, BankTransfer};
pub use self::cash_on_delivery::CashOnDelivery;
use crate::model::account::{Access, Kind};
use crate::model::attempt::Report;
use crate::model::payment::{Method, Terms};
use crate::model::refund::RefundReport;

/// How long a provider may take to charge, capture, release or refund.
pub const EFFECT_DEADLINE: Duration = Duration::from_secs(10);
/// How long a provider may take to tell where something stands.
pub const QUESTION_DEADLINE: Duration = Duration::from_secs(5);
/// The longest answer of a provider that is read.
pub const ANSWER_BYTES_MAX: usize = 1 << 20;
/// For how long a provider recognises a key at least; afterwards a repeat might be done twice and is not sent.
pub const KEY_LIFE: Duration = Duration::from_secs(23 * 3600);

/// What a provider answers.
pub type Answer<T> = Result<T, Trouble>;

/// Why there is no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Surely not done, for a reason of the account or the provider: another account may be tried.
    #[error("surely not done: {code}")]
    NotDone { code: String },
    /// Surely not done, for a reason of what was asked: nobody else would.
    #[error("refused: {code}")]
    Refused { code: String },
    /// It may have been done: ask, under the same key.
    #[error("not known: {cause}")]
    Unknown { cause: String },
}

/// Who takes money from cards and gives it back.
pub trait Provider: Send + Sync {
    /// Charges, or reserves. The key is the attempt's id: a repeat never charges twice.
    fn charge<'a>(&'a self, access: &'a Access, order: &'a ChargeOrder) -> BoxFuture<'a, Answer<Report>>;

    /// Whether a charge whose answer got lost was made.
    fn ask<'a>(&'a self, access: &'a Access, order: &'a ChargeOrder) -> BoxFuture<'a, Answer<Asked>>;

    /// Where a charge stands, by the provider's id.
    fn look<'a>(
        &'a self,
        access: &'a Access,
        order: &'a ChargeOrder,
        reference: &'a str,
    ) -> BoxFuture<'a, Answer<Report>>;

    /// Takes this much of what is reserved and releases the rest.
    fn capture<'a>(
        &'a self,
        access: &'a Access,
        order: &'a ChargeOrder,
        reference: &'a str,
        amount: Money,
    ) -> BoxFuture<'a, Answer<Report>>;

    /// Releases what is reserved, or ends a charge that waits for the buyer.
    fn release<'a>(
        &'a self,
        access: &'a Access,
        order: &'a ChargeOrder,
        reference: &'a str,
    ) -> BoxFuture<'a, Answer<Report>>;

    /// Gives money back. The key is the refund's: a repeat never refunds twice.
    fn refund<'a>(
        &'a self,
        access: &'a Access,
        order: &'a RefundOrder,
    ) -> BoxFuture<'a, Answer<RefundReport>>;

    /// Where a refund stands, by the provider's id.
    fn look_refund<'a>(
        &'a self,
        access: &'a Access,
        order: &'a RefundOrder,
        reference: &'a str,
    ) -> BoxFuture<'a, Answer<RefundReport>>;

    /// Whether a failed charge with this code may be tried with another provider: nobody has decided about the card.
    fn may_go_elsewhere(&self, code: &str) -> bool;

    /// Whether a webhook is the provider's.
    fn verify(&self, access: &Access, webhook: &Webhook<'_>, now: DateTime<Utc>) -> Result<(), Untrusted>;

    /// What a webhook is about; `None` when it cannot be read.
    fn read(&self, body: &[u8]) -> Option<Notice>;
}

/// A charge to make. Built from stored values only, so that a repeat is the same, byte for byte.
#[derive(Debug, Clone)]
pub struct ChargeOrder {
    pub attempt: AttemptId,
    pub payment: PaymentId,
    pub order: OrderId,
    pub amount: Money,
    /// Whether the money is taken at once.
    pub automatic: bool,
    pub buyer: Buyer,
    /// When the attempt began.
    pub begin_time: DateTime<Utc>,
    /// The time of the question.
    pub now: DateTime<Utc>,
    /// Whether a charge that was not made yet may still be made.
    pub lateness: Lateness,
}

/// What only the first call needs of the buyer; sealed at rest until the provider has answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Buyer {
    /// From the provider's form.
    pub token: Option<String>,
    /// Where the browser comes back to.
    pub return_url: Option<String>,
}

/// What a question may do about a charge that was never made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lateness {
    /// It is still wanted and may be made under its key.
    StillWanted,
    /// It must not be made any more.
    TooLate,
}

/// What is known of a charge whose answer got lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    Found(Report),
    /// Not there, but it may still arrive.
    NotYet,
    /// Not there, and it never will be.
    Never,
}

/// A refund to make.
#[derive(Debug, Clone)]
pub struct RefundOrder {
    pub refund: RefundId,
    /// The idempotency key and our reference.
    pub key: String,
    /// The provider's id of the charge.
    pub charge: String,
    pub amount: Money,
    pub reason: String,
}

/// A webhook as it came.
#[derive(Debug, Clone, Copy)]
pub struct Webhook<'a> {
    /// By lower-case name.
    pub headers: &'a BTreeMap<String, String>,
    pub body: &'a [u8],
    pub peer: Option<IpAddr>,
}

/// A webhook that does not prove to be the provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the provider's")]
pub struct Untrusted;

/// What a webhook is about. What it says of states is not believed: the provider is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The provider's id of the event; the same in a repeat.
    pub event_id: Option<String>,
    /// The provider's word for what happened.
    pub kind: String,
    pub subject: Subject,
}

/// Whom a webhook is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Charge {
        attempt: Option<AttemptId>,
        reference: String,
    },
    Refund {
        refund: Option<RefundId>,
        reference: String,
        /// The provider's id of the charge.
        charge: String,
    },
    /// Nothing that concerns payments.
    Nothing,
}

impl Subject {
    /// The provider's id of what it is about.
    pub fn reference(&self) -> &str {
        match self {
            Self::Charge { reference, .. } | Self::Refund { reference, .. } => reference,
            Self::Nothing => "",
        }
    }
}

impl Trouble {
    /// What a failed exchange means for what was asked.
    pub fn of(failure: &outbound::Failure) -> Self {
        match failure.is_unsent() {
            true => Self::NotDone { code: "unreachable".to_owned() },
            false => Self::unknown(failure),
        }
    }

    /// It may have been done.
    pub fn unknown(cause: impl ToString) -> Self {
        Self::Unknown { cause: cause.to_string() }
    }
}

impl ChargeOrder {
    /// Whether the provider still recognises the key.
    pub fn key_lives(&self) -> bool {
        self.now < self.begin_time + KEY_LIFE
    }
}

/// The section `payments` of the configuration.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Cash on delivery.
    pub cash_on_delivery: cash_on_delivery::Settings,
    /// Bank transfer.
    pub bank_transfer: bank_transfer::Settings,
}

/// All ways of paying.
pub struct Providers {
    cash_on_delivery: CashOnDelivery,
    bank_transfer: BankTransfer,
    korob_card: korob_card::KorobCard,
    yookassa: yookassa::Yookassa,
    stripe: stripe::Stripe,
}

impl Providers {
    /// The ways of this configuration; cards are reached with `client`.
    pub fn new(settings: Settings, client: outbound::Client) -> Self {
        Self {
            cash_on_delivery: CashOnDelivery::new(settings.cash_on_delivery),
            bank_transfer: BankTransfer::new(settings.bank_transfer),
            korob_card: korob_card::KorobCard::new(client.clone()),
            yookassa: yookassa::Yookassa::new(client.clone()),
            stripe: stripe::Stripe::new(client),
        }
    }

    /// What the buyer must know to pay.
    pub fn instructions(&self, terms: &Terms) -> String {
        match terms.method {
            Method::CashOnDelivery => self.cash_on_delivery.instructions(terms),
            Method::BankTransfer => self.bank_transfer.instructions(terms),
            Method::Card => String::new(),
        }
    }

    /// The provider of this kind; a registrar is none.
    pub fn of(&self, kind: Kind) -> Option<&dyn Provider> {
        match kind {
            Kind::KorobCard => Some(&self.korob_card),
            Kind::Yookassa => Some(&self.yookassa),
            Kind::Stripe => Some(&self.stripe),
            Kind::Atol => None,
        }
    }
}
