//! The ways money moves. A provider opens an intent, takes money and gives it back; what it decides is data.
//!
//! The verbs ask it outside any transaction. Cash and bank transfers are moved by people and only recorded here; a
//! provider that moves money itself gets the caller's idempotency key, so that a repeat never moves it twice.

mod bank_transfer;
mod cash_on_delivery;

use futures_util::future::BoxFuture;

pub use self::bank_transfer::{BankAccount, BankTransfer};
pub use self::cash_on_delivery::CashOnDelivery;
use crate::model::ledger::Account;
use crate::model::payment::{Method, Opened, Outcome, Payout, Terms};

/// Who moves the money of a payment method.
pub trait Provider: Send + Sync {
    /// Its name on attempts.
    fn name(&self) -> &'static str;

    /// The account its money lies on.
    fn account(&self) -> Account;

    /// Whether people record what came in, because nobody else tells.
    fn recorded_by_hand(&self) -> bool;

    /// Where an intent starts, and what the buyer must know to pay.
    fn open<'a>(&'a self, terms: &'a Terms) -> BoxFuture<'a, Opened>;

    /// Takes money.
    fn capture<'a>(&'a self, transfer: Transfer<'a>) -> BoxFuture<'a, Outcome>;

    /// Gives money back.
    fn refund<'a>(&'a self, transfer: Transfer<'a>) -> BoxFuture<'a, Payout>;
}

/// Money for a provider to move.
#[derive(Debug, Clone, Copy)]
pub struct Transfer<'a> {
    /// For which intent.
    pub terms: &'a Terms,
    /// How much.
    pub amount: types::Money,
    /// The same key never moves money twice.
    pub idempotency_key: &'a str,
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

/// All providers.
pub struct Providers {
    cash_on_delivery: CashOnDelivery,
    bank_transfer: BankTransfer,
}

impl Providers {
    /// The providers of this configuration.
    pub fn new(settings: Settings) -> Self {
        let cash_on_delivery = CashOnDelivery::new(settings.cash_on_delivery);
        Self { cash_on_delivery, bank_transfer: BankTransfer::new(settings.bank_transfer) }
    }

    /// The provider of `method`.
    pub fn of(&self, method: Method) -> &dyn Provider {
        match method {
            Method::CashOnDelivery => &self.cash_on_delivery,
            Method::BankTransfer => &self.bank_transfer,
        }
    }
}
