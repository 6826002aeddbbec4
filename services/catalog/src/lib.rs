//! The catalog service: what is sold and for how much.
//!
//! `model/` holds the nouns, `rpc/` one verb per file. `feed/` reads a shop's YML file as a stream of rows, `import/` takes
//! those rows in, batch by batch. `upstreams/` asks inventory what is free. `request` reads resources that requests carry and `wire` writes those that answers carry.

mod error;
mod feed;
mod import;
mod model;
mod request;
mod retry;
mod rpc;
mod schema;
mod tell;
mod upstreams;
mod wire;

use std::sync::Arc;

use ::rpc::Callee;
use diesel_migrations::embed_migrations;
use proto::catalog::v1::catalog_service_server::CatalogServiceServer;
use service::{Parts, Platform, Service};
use store::{EmbeddedMigrations, Store};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use types::Clock;

use crate::rpc::{Quoter, quoter};
use crate::upstreams::Upstreams;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/catalog");

/// Products, categories, price lists and prices.
pub struct Catalog {
    store: Store,
    clock: Clock,
    quoter: Quoter,
    upstreams: Upstreams,
    /// Imports that may run at once.
    imports: Arc<Semaphore>,
    /// Exports that may run at once.
    exports: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Service for Catalog {
    const NAME: &'static str = "catalog";
    const CALLS: &'static [Callee] =
        &[Callee::new("access", &["GetShop"]), Callee::new("inventory", &["LookUpStock"])];

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    async fn start(platform: Platform) -> anyhow::Result<Parts> {
        let catalog = Arc::new(Self {
            quoter: quoter(platform.store.clone()),
            upstreams: Upstreams::new(&platform.directory),
            store: platform.store,
            clock: platform.clock,
            imports: Arc::new(Semaphore::new(import::IMPORTS_MAX)),
            exports: Arc::new(Semaphore::new(rpc::EXPORTS_MAX)),
            stop: platform.stop,
        });
        let imports = catalog.imports.clone();
        let drain = async move {
            // Running imports see the stop at their next chunk and give their permits back.
            let all = u32::try_from(import::IMPORTS_MAX).unwrap_or(u32::MAX);
            let _ended = tokio::time::timeout(import::DRAIN_PATIENCE, imports.acquire_many(all)).await;
        };
        Ok(Parts::new().serve(CatalogServiceServer::from_arc(catalog)).drain(drain))
    }
}
