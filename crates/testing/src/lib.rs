//! What tests stand on: a real PostgreSQL with a database per test, services in-process, and a clock that moves.
//!
//! ```ignore
//! let world = testing::World::new().await.start::<Inventory>().await;
//! let mut inventory = InventoryServiceClient::new(world.channel("inventory"));
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used)] // Only tests depend on this crate.

mod certificates;
mod database;
mod during;
mod nats;
mod proxy;
mod refusal;
mod server;
mod world;

pub use certificates::{Authority, Signed, Validity};
pub use database::TestDatabase;
pub use during::during;
pub use nats::{NATS_VARIABLE, NatsServer};
pub use proxy::{Line, Proxy};
pub use refusal::{Refusal, eventually, refusal};
pub use server::{POSTGRES_VARIABLE, admin_url, shared_url_file};
pub use world::World;
