//! How many units there are, where, and for whom.
//!
//! Stock changes by postings only: every change of a level is a row of a ledger that only grows. Reservations hold units
//! for orders and carts, all lines or none, and never more than there is. README.md says what is promised.
//!
//! - [`model`]: the nouns and their pure decisions
//! - `rpc`: one verb per file
//! - `reserve`, `end`: the two verbs that many calls share, a batch at a time
//! - `consumers`, `jobs`: what happens by itself

mod batch;
mod consumers;
mod end;
mod error;
mod jobs;
pub mod model;
mod reserve;
mod rpc;
mod schema;
mod wire;

use diesel_migrations::embed_migrations;
use events::Subscription;
use proto::delivery::v1::ShipmentTracked;
use proto::inventory::v1::inventory_service_server::InventoryServiceServer;
use service::{Parts, Platform, Service};
use store::{Batcher, EmbeddedMigrations, Store};

use crate::end::End;
pub use crate::error::{Error, Result};
use crate::jobs::expire_holds;
use crate::model::Reservation;
use crate::reserve::Reserve;

/// The service.
#[derive(Clone)]
pub struct Inventory {
    store: Store,
    reserving: Batcher<Reserve, Reservation, Error>,
    ending: Batcher<End, Reservation, Error>,
}

impl Service for Inventory {
    const NAME: &'static str = "inventory";

    fn migrations() -> EmbeddedMigrations {
        const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/inventory");
        MIGRATIONS
    }

    async fn start(platform: Platform) -> anyhow::Result<Parts> {
        let store = platform.store;
        let inventory = Self::on(store.clone());
        let ship_tracked = Subscription::new("inventory.ship_tracked", "delivery", |tx, event| {
            Box::pin(consumers::ship_tracked::handle(tx, event))
        });
        Ok(Parts::new()
            .serve(InventoryServiceServer::new(inventory))
            .consume(ship_tracked.of::<ShipmentTracked>())
            .every(expire_holds::PERIOD, "inventory.expire_holds", move || expire_holds::run(store.clone())))
    }
}

impl Inventory {
    fn on(store: Store) -> Self {
        let (for_reserving, for_ending) = (store.clone(), store.clone());
        let reserving = move |batch| {
            batch::run(for_reserving.clone(), batch, |tx, batch| Box::pin(reserve::all(tx, batch)))
        };
        let ending =
            move |batch| batch::run(for_ending.clone(), batch, |tx, batch| Box::pin(end::all(tx, batch)));
        Self {
            store,
            reserving: Batcher::start("inventory.reserve", reserving),
            ending: Batcher::start("inventory.end", ending),
        }
    }
}
