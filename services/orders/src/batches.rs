//! The two commits of an order, each made together with those of other orders.

mod claim_quotes;
mod claims;
mod order_carts;
pub mod record_orders;
pub mod settle_orders;
mod write_offers;
