//! The two commits of an order, each made together with those of other orders.

mod claims;
pub mod record_orders;
pub mod settle_orders;
