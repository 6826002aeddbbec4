//! The access service against a real PostgreSQL; one module per area.

mod api_keys;
mod channel_accounts;
mod legal_entities;
mod office;
mod organization;
mod shops;
mod stored;
