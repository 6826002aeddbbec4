//! Owns payment intents, their attempts, refunds and a double-entry ledger.
//!
//! - [`model`] has the nouns: the payment with its state machine, the ledger with its chart of accounts.
//! - [`rpc`] has the verbs, one per file.
//! - [`providers`] has the ways money moves: cash on delivery and bank transfer, cards later.

mod error;
pub mod model;
pub mod providers;
mod rpc;
#[rustfmt::skip]
mod schema;
mod wire;

use std::sync::Arc;

use proto::payments::v1::payment_service_server::PaymentServiceServer;
use service::{Parts, Platform, Service};
use store::{Batcher, EmbeddedMigrations, Store};

pub use crate::error::{Error, Result};
use crate::model::payment::Payment;
use crate::providers::{Providers, Settings};
use crate::rpc::open_payment::{self, Opening};

const MIGRATIONS: EmbeddedMigrations = diesel_migrations::embed_migrations!("../../migrations/payments");

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Payments {
    pub(crate) store: Store,
    pub(crate) providers: Arc<Providers>,
    pub(crate) openings: Batcher<Opening, Payment, Error>,
}

impl Service for Payments {
    const NAME: &'static str = "payments";

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    async fn start(platform: Platform) -> anyhow::Result<Parts> {
        let settings: Settings = platform.settings()?;
        let store = platform.store;
        let openings = Batcher::start("payments.open_payment", {
            let store = store.clone();
            move |batch| open_payment::run(store.clone(), batch)
        });
        let payments = Self { store, providers: Arc::new(Providers::new(settings)), openings };
        Ok(Parts::new().serve(PaymentServiceServer::new(payments)))
    }
}
