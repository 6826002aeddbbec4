//! Fiscal registrars, who register the receipts of money that came in or went back.

pub mod atol;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use crate::model::account::{Access, Kind};
use crate::model::receipt::{Receipt, ReceiptReport};
use crate::providers::Answer;

/// Who registers receipts. A repeat with the same external id is the same receipt.
pub trait Registrar: Send + Sync {
    /// Hands a receipt over for the buyer's `contact`.
    fn send<'a>(
        &'a self,
        access: &'a Access,
        receipt: &'a Receipt,
        contact: &'a str,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Answer<ReceiptReport>>;

    /// Where a receipt stands that was handed over.
    fn look<'a>(
        &'a self,
        access: &'a Access,
        receipt: &'a Receipt,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Answer<ReceiptReport>>;
}

/// All registrars.
pub struct Registrars {
    atol: atol::Atol,
}

impl Registrars {
    /// The registrars, reached with `client`.
    pub fn new(client: outbound::Client) -> Self {
        Self { atol: atol::Atol::new(client) }
    }

    /// The registrar of this kind; a provider of cards is none.
    pub fn of(&self, kind: Kind) -> Option<&dyn Registrar> {
        match kind {
            Kind::Atol => Some(&self.atol),
            Kind::KorobCard | Kind::Yookassa | Kind::Stripe => None,
        }
    }
}
