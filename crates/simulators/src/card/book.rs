//! What the card provider knows: charges, refunds and keys.

use super::charge::{Charge, Refund};
use crate::keys::Keys;
use crate::shelf::Shelf;

#[derive(Debug, Default)]
pub(crate) struct Book {
    /// By id, labelled with account and reference.
    pub charges: Shelf<Charge>,
    /// By id, labelled with account and reference.
    pub refunds: Shelf<Refund>,
    pub keys: Keys,
}

impl Book {
    pub fn is_full(&self) -> bool {
        self.charges.is_full() || self.refunds.is_full() || self.keys.is_full()
    }
}

/// The label under which an account finds what it calls `reference`.
pub(super) fn label(account: &str, reference: &str) -> String {
    format!("{account}\n{reference}")
}
