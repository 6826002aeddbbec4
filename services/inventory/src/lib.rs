//! How many units there are, where, and for whom.
//!
//! Stock changes by postings only: every change of a level is a row of a ledger that only grows. Reservations hold units
//! for orders and carts, all lines or none, and never more than there is. README.md says what is promised.
//!
//! - [`model`]: the nouns and their pure decisions
//! - `rpc`: one verb per file
//! - `reserve`, `change`, `end`: what becomes of reservations, a batch at a time
//! - `post`: what every document does to stock
//! - `jobs`: what happens by itself

mod batch;
mod change;
mod end;
mod error;
mod figures;
mod jobs;
pub mod model;
mod post;
mod reserve;
mod rpc;
mod schema;
mod settings;
mod tell_shortages;
mod wire;

use chrono::{DateTime, Utc};
use diesel_migrations::embed_migrations;
use proto::inventory::v1::inventory_service_server::InventoryServiceServer;
use proto::inventory::v1::stock_repair_service_server::StockRepairServiceServer;
use service::{Parts, Platform, Service};
use store::{Batcher, EmbeddedMigrations, Store};

use crate::end::End;
pub use crate::error::{Error, Result};
use crate::jobs::{cover_shortages, expire_holds};
use crate::model::{Occasion, Reservation};
use crate::reserve::Reserve;
use crate::settings::Settings;

/// The service.
#[derive(Clone)]
pub struct Inventory {
    store: Store,
    settings: Settings,
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
        let settings = platform.settings()?;
        let store = platform.store;
        let inventory = Self::on(store.clone(), settings);
        let for_covering = store.clone();
        Ok(Parts::new()
            .measure(&figures::ALL)
            .serve(InventoryServiceServer::new(inventory.clone()))
            .serve(StockRepairServiceServer::new(inventory))
            .every(expire_holds::PERIOD, "inventory.expire_holds", move || expire_holds::run(store.clone()))
            .every(cover_shortages::PERIOD, "inventory.cover_shortages", move || {
                cover_shortages::run(for_covering.clone())
            }))
    }
}

impl Inventory {
    fn on(store: Store, settings: Settings) -> Self {
        let (for_reserving, for_ending) = (store.clone(), store.clone());
        let reserving = move |begun, batch| {
            batch::run(for_reserving.clone(), begun, batch, |tx, batch| Box::pin(reserve::all(tx, batch)))
        };
        let ending = move |begun, batch| {
            batch::run(for_ending.clone(), begun, batch, |tx, batch| Box::pin(end::all(tx, batch)))
        };
        Self {
            reserving: Batcher::start_in("inventory.reserve", store.clone(), reserving),
            ending: Batcher::start_in("inventory.end", store.clone(), ending),
            store,
            settings,
        }
    }

    /// What happens now, by `actor`.
    fn occasion(&self, actor: String, now: DateTime<Utc>) -> Occasion {
        Occasion { actor, now, due_time: now + self.settings.shortage_time() }
    }
}
