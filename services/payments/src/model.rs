//! The nouns: what is to be paid, where it stands, and what the books say about it.

pub mod ledger;
pub mod payment;
pub mod payment_rows;
pub mod payment_state;
