//! The courier takes cash at the door; the shop records it when the courier hands it over.

use futures_util::future::{BoxFuture, FutureExt, ready};

use super::{Provider, Transfer};
use crate::model::ledger::Account;
use crate::model::payment::{Opened, Outcome, Payout, Terms};
use crate::model::payment_state::State;

/// What the configuration says.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What the buyer is told; `{amount}` stands for the sum.
    pub instructions: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { instructions: "Pay {amount} to the courier when you receive the order.".to_owned() }
    }
}

/// Cash on delivery.
pub struct CashOnDelivery(Settings);

impl CashOnDelivery {
    /// With what the configuration says.
    pub const fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Provider for CashOnDelivery {
    fn name(&self) -> &'static str {
        "cash-on-delivery"
    }

    fn account(&self) -> Account {
        Account::CashOnDelivery
    }

    fn recorded_by_hand(&self) -> bool {
        true
    }

    fn open<'a>(&'a self, terms: &'a Terms) -> BoxFuture<'a, Opened> {
        let instructions = self.0.instructions.replace("{amount}", &terms.amount.to_string());
        ready(Opened { state: State::RequiresPayment, instructions }).boxed()
    }

    fn capture<'a>(&'a self, _: Transfer<'a>) -> BoxFuture<'a, Outcome> {
        ready(Outcome::Succeeded).boxed() // The cash is here when it is recorded.
    }

    fn refund<'a>(&'a self, _: Transfer<'a>) -> BoxFuture<'a, Payout> {
        ready(Payout::Done).boxed()
    }
}
