//! The access service against a real PostgreSQL; one module per area.

#![allow(clippy::unwrap_used)] // A test that panics has said what is wrong.

mod api_keys;
mod channel_accounts;
mod legal_entities;
mod office;
mod organization;
mod record_decision;
mod shops;
mod stored;
