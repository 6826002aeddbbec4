//! The customers service against a real PostgreSQL; one module per verb.

#![allow(clippy::unwrap_used)] // A test that panics has said what is wrong.

mod count_purchases;
mod desk;
mod get_customer;
mod identify_customer;
mod list_customer_history;
mod list_customers;
mod personal_data;
mod recount_purchases;
mod stand_ins;
mod two_processes;
mod update_customer;
