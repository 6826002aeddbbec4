//! A private PostgreSQL: found, initialised, started, given one database per service, and gone with its owner.
//!
//! ```no_run
//! # async fn example() -> Result<(), embedded_postgres::Error> {
//! use embedded_postgres::{Postgres, Settings};
//!
//! let postgres = Postgres::start(Settings::at(Settings::default_data_dir())).await?;
//! let url = postgres.ensure_database("inventory").await?;
//! // … connect to `url` …
//! postgres.stop().await
//! # }
//! ```
//!
//! What a data directory holds:
//!
//! | entry | what |
//! |---|---|
//! | `cluster/` | PostgreSQL's own data, made by `initdb` |
//! | `secrets/` | one password per role, readable by the owner only |
//! | `run/` | the unix socket |
//! | `lock` | held while a process uses the directory |
//! | `postgres.log` | what the server said |
//!
//! Reading order: `settings` says what is wanted, `binaries` and `account` find with what and as whom,
//! `data_dir` and `cluster` prepare the disk, `leftovers` waits for what a crash left behind, `postmaster` is
//! the running process, `prepared` starts it with a share of the `memory`, `log_files` spares it waits, `database` makes databases,
//! `postgres` ties them together.

mod account;
mod binaries;
mod cluster;
mod data_dir;
mod database;
mod error;
mod leftovers;
mod log_files;
mod memory;
mod postgres;
mod postmaster;
mod prepared;
mod secret;
mod settings;

pub use binaries::find_binaries;
pub use error::Error;
pub use postgres::Postgres;
pub use settings::{Durability, Settings};
