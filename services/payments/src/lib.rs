//! Owns payment intents, their attempts, refunds, fiscal receipts and a double-entry ledger.
//!
//! - [`model`] has the nouns: the payment with its state machine, the ledger with its chart of accounts.
//! - [`rpc`] has the verbs, one per file; [`keeping`] saves and tells what they decide.
//! - [`providers`] has the ways money moves: by people, or through card providers; [`registrars`] those who register receipts.
//! - [`consumers`] follows orders: what leaves is captured.
//! - [`settlement`] asks providers and applies their answers, [`news`] says what these mean; [`jobs`] does so by the clock until nothing is unknown.

mod consumers;
mod error;
mod figures;
mod jobs;
mod keeping;
pub mod model;
pub mod news;
pub mod providers;
pub mod registrars;
mod rpc;
#[rustfmt::skip]
mod schema;
mod settlement;
mod wire;

use events::READ_EVENTS;
use std::sync::Arc;

use ::rpc::Callee;
use proto::payments::v1::payment_service_server::PaymentServiceServer;
use service::{Parts, Platform, Service};
use store::{Batcher, EmbeddedMigrations, Store};
use tokio::sync::Notify;

use crate::consumers::follow_orders;
pub use crate::error::{Error, Result};
use crate::model::payment::Payment;
use crate::providers::{Providers, Settings};
use crate::registrars::Registrars;
use crate::rpc::open_payment::{self, Opening};

const MIGRATIONS: EmbeddedMigrations = diesel_migrations::embed_migrations!("../../migrations/payments");

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Payments {
    pub(crate) store: Store,
    pub(crate) providers: Arc<Providers>,
    pub(crate) registrars: Arc<Registrars>,
    /// Reaches both.
    pub(crate) client: outbound::Client,
    pub(crate) openings: Batcher<Opening, Payment, Error>,
    /// Wakes the jobs: something may be due. Those of other processes find it by themselves.
    pub(crate) nudge: Arc<Notify>,
}

impl Service for Payments {
    const NAME: &'static str = "payments";
    const CALLS: &'static [Callee] = &[Callee::new("orders", &[READ_EVENTS])];

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    async fn start(platform: Platform) -> anyhow::Result<Parts> {
        let settings: Settings = platform.settings()?;
        let store = platform.store.clone();
        let openings = Batcher::start_in("payments.open_payment", store.clone(), {
            let store = store.clone();
            move |begun, batch| open_payment::run(store.clone(), begun, batch)
        });
        let client = outbound::Client::new(platform.configured.outbound.clone())?;
        let payments = Self {
            store,
            providers: Arc::new(Providers::new(settings, client.clone())),
            registrars: Arc::new(Registrars::new(client.clone())),
            client,
            openings,
            nudge: Arc::new(Notify::new()),
        };
        let parts = Parts::new()
            .measure(&figures::ALL)
            .serve(PaymentServiceServer::new(payments.clone()))
            .consume(follow_orders::subscription());
        Ok(jobs::add(parts, &payments, &platform))
    }
}
