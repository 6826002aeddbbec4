//! Owns delivery methods, delivery plans, shipments and tracking.
//!
//! - [`model`] has the nouns: methods with their tariffs, the plan of an order, the parcel with its statuses.
//! - [`rpc`] has the verbs, one per file.
//! - [`carriers`] has those who carry: the shop's own courier and its counter, others later.

pub mod carriers;
mod error;
pub mod model;
mod rpc;
#[rustfmt::skip]
mod schema;
mod wire;

use std::sync::Arc;

use proto::delivery::v1::delivery_service_server::DeliveryServiceServer;
use service::{Parts, Platform, Service};
use store::{Batcher, EmbeddedMigrations, Store};

use crate::carriers::Carriers;
pub use crate::error::{Error, Result};
use crate::model::delivery_plan::DeliveryPlan;
use crate::rpc::plan_delivery::{self, Planning};

const MIGRATIONS: EmbeddedMigrations = diesel_migrations::embed_migrations!("../../migrations/delivery");

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Delivery {
    pub(crate) store: Store,
    pub(crate) carriers: Arc<Carriers>,
    pub(crate) plannings: Batcher<Planning, DeliveryPlan, Error>,
}

impl Service for Delivery {
    const NAME: &'static str = "delivery";

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    async fn start(platform: Platform) -> anyhow::Result<Parts> {
        let store = platform.store;
        let plannings = Batcher::start("delivery.plan_delivery", {
            let store = store.clone();
            move |batch| plan_delivery::run(store.clone(), batch)
        });
        let carriers = Arc::new(Carriers::new(store.clone()));
        Ok(Parts::new().serve(DeliveryServiceServer::new(Self { store, carriers, plannings })))
    }
}
