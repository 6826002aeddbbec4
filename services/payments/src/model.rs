//! The nouns: what is to be paid, where it stands, and what the books say about it.

pub mod account;
pub mod attempt;
pub mod change;
pub mod ledger;
pub mod notification;
pub mod payment;
pub mod payment_card;
pub mod payment_rows;
pub mod payment_state;
pub mod receipt;
pub mod receipt_line;
pub mod refund;
