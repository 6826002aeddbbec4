//! The promises of the store, against a real PostgreSQL.

mod batch_transactions;
mod batcher;
mod deadlines;
mod exhaustion;
mod idempotency;
mod outages;
mod pages;
mod secrets;
mod silence;
mod transactions;
mod upkeep;
mod workbench;
