//! The two commits of an order, made together with those of other orders.

mod claim_quotes;
mod claims;
pub mod commit_orders;
mod order_carts;
pub mod record_orders;
pub mod settle_orders;
mod write_offers;
