//! What orders does by the clock.

pub mod abandon_carts;
pub mod cancel_overdue_orders;
pub mod expire_quotes;
pub mod identify_late_customers;
