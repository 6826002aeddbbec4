//! What orders does by the clock.

pub mod cancel_overdue_orders;
pub mod identify_late_customers;
