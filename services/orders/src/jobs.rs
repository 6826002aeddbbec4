//! What orders does by the clock.

pub mod identify_late_customers;
