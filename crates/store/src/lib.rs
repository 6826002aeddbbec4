//! One service's PostgreSQL: connections, transactions that publish events and write the audit, idempotency, pages.
//!
//! A verb that changes something calls [`Store::transaction`] or [`Store::once`]; what it tells ([`Tx::publish`],
//! [`Tx::audit`]) is written by the transaction's last statement and committed with it, or not at all.

mod audit;
mod backend;
mod batcher;
mod cached_sql;
mod connection;
mod duty;
mod error;
mod figures;
mod fragment;
mod history;
mod idempotency;
mod migrate;
mod page;
mod pool;
mod secrets;
mod session;
mod silence;
mod tail;
mod transaction;
mod upkeep;

pub use audit::Audit;
pub use batcher::{BATCH_SIZE_MAX, Batcher, QUEUE_LENGTH_MAX};
pub use cached_sql::{CachedSql, cached_sql};
pub use connection::Connection;
pub use diesel_migrations::EmbeddedMigrations;
pub use error::{Error, Result};
pub use figures::{DATABASE, Figure};
pub use fragment::{Fragment, fragment};
pub use idempotency::{Claim, Once, fingerprint};
pub use migrate::{migrate, platform_migrations};
pub use page::{PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, Page};
pub use pool::{PoolUsage, Settings, Store};
pub use tail::{AppendedEvent, LogState, Tail};
pub use transaction::{Begun, NewEvent, Tx, TxBody};
pub use upkeep::{EVENT_LIFE, KEY_LIFE};
