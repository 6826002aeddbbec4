//! What a decision changed: what is to be booked, told and receipted.

use crate::model::ledger::Posting;
use crate::model::payment::Payment;
use types::{AttemptId, RefundId};

/// What one decision leaves behind besides the payment itself. Empty: nothing changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    pub postings: Vec<Posting>,
    /// What is told, in order, each with the payment as it was then.
    pub told: Vec<(Told, Payment)>,
    /// What needs a fiscal receipt.
    pub receipts: Vec<ReceiptCause>,
}

/// What is told about an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Attempted,
    Authorized,
    Failed,
    AmountChanged,
    Recorded,
    RefundRequested,
    Refunded,
    RefundFailed,
    Voided,
}

/// Why a receipt is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptCause {
    Capture(AttemptId),
    Refund(RefundId),
}

impl Change {
    /// Nothing yet.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.told.is_empty() && self.postings.is_empty()
    }

    /// The payment goes on by one version, and that is told.
    pub fn tell(&mut self, told: Told, payment: &mut Payment) {
        payment.version += 1;
        self.told.push((told, payment.clone()));
    }

    /// Adds a posting; nothing to move is none.
    pub fn post(&mut self, posting: Option<Posting>) {
        self.postings.extend(posting);
    }

    /// What another decision of the same transaction changed, after this.
    pub fn and(mut self, later: Self) -> Self {
        self.postings.extend(later.postings);
        self.told.extend(later.told);
        self.receipts.extend(later.receipts);
        self
    }
}
