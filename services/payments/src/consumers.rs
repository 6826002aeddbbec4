//! What payments learns from the other services.

pub mod follow_orders;
