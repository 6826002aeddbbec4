//! Owns delivery methods, accounts with carriers, delivery plans, shipments and tracking.
//!
//! - [`model`] has the nouns: methods with their tariffs, the plan of an order, the parcel with its statuses and incidents.
//! - [`rpc`] has the verbs, one per file; [`jobs`] what happens by the clock.
//! - [`carriers`] has those who carry: the shop's own courier and its counter, and carriers outside.
//! - [`booking`] and [`following`] apply what a carrier says, whoever heard it; [`incidents`] what goes wrong.

mod booking;
pub mod carriers;
mod error;
mod figures;
mod following;
mod incidents;
mod jobs;
mod memory;
pub mod model;
mod printing;
mod quotes;
mod rpc;
#[rustfmt::skip]
mod schema;
mod wire;

use std::sync::Arc;

use proto::delivery::v1::delivery_service_server::DeliveryServiceServer;
use service::{Parts, Platform, Service};
use store::{Batcher, EmbeddedMigrations, Store};
use tokio::sync::Notify;

use crate::carriers::{Carrier, Carriers};
pub use crate::error::{Error, Result};
use crate::jobs::{
    apply_webhooks, forget_prices, forget_proofs, forget_webhooks, poll_tracking, tell_webhooks,
    watch_parcels, work_shipments,
};
use crate::model::carrier_account_rows;
use crate::model::delivery_plan::DeliveryPlan;
use crate::model::shipment::Shipment;
use crate::quotes::Quotes;
use crate::rpc::list_pickup_points::KnownPoints;
use crate::rpc::plan_delivery::{self, Planning};

const MIGRATIONS: EmbeddedMigrations = diesel_migrations::embed_migrations!("../../migrations/delivery");

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Delivery {
    pub(crate) store: Store,
    pub(crate) carriers: Arc<Carriers>,
    pub(crate) plannings: Batcher<Planning, DeliveryPlan, Error>,
    pub(crate) quotes: Arc<Quotes>,
    pub(crate) known_points: Arc<KnownPoints>,
    /// Says that a parcel has something to do with its carrier.
    pub(crate) wake: Arc<Notify>,
    /// Says that a carrier sent something.
    pub(crate) received: Arc<Notify>,
}

impl Service for Delivery {
    const NAME: &'static str = "delivery";

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    async fn start(platform: Platform) -> anyhow::Result<Parts> {
        let store = platform.store;
        let client = outbound::Client::new(platform.configured.outbound)?;
        let quotes = Arc::new(Quotes::new(store.clone()));
        let plannings = Batcher::start_in("delivery.plan_delivery", store.clone(), {
            let store = store.clone();
            move |begun, batch| plan_delivery::run(store.clone(), begun, batch)
        });
        let delivery = Self {
            carriers: Arc::new(Carriers::new(store.clone(), client)),
            store,
            plannings,
            quotes,
            known_points: Arc::default(),
            wake: Arc::default(),
            received: Arc::default(),
        };

        let stop = platform.stop;
        let working = {
            let (delivery, stop) = (delivery.clone(), stop.clone());
            let wake = delivery.wake.clone();
            async move {
                let work = || work_shipments::run(delivery.clone());
                jobs::repeat(stop, &wake, work_shipments::PERIOD, "work_shipments", work).await;
            }
        };
        let applying = {
            let delivery = delivery.clone();
            let received = delivery.received.clone();
            async move {
                let apply = || apply_webhooks::run(delivery.clone());
                jobs::repeat(stop, &received, apply_webhooks::PERIOD, "apply_webhooks", apply).await;
            }
        };
        let job = |run: fn(Self) -> futures_util::future::BoxFuture<'static, anyhow::Result<()>>| {
            let delivery = delivery.clone();
            move || run(delivery.clone())
        };
        Ok(Parts::new()
            .measure(&figures::ALL)
            .always("work_shipments", working)
            .always("apply_webhooks", applying)
            .every(
                poll_tracking::PERIOD,
                "poll_tracking",
                job(|delivery| Box::pin(poll_tracking::run(delivery))),
            )
            .every(
                watch_parcels::PERIOD,
                "watch_parcels",
                job(|delivery| Box::pin(watch_parcels::run(delivery))),
            )
            .every(
                tell_webhooks::PERIOD,
                "tell_webhooks",
                job(|delivery| Box::pin(tell_webhooks::run(delivery))),
            )
            .every(
                forget_webhooks::PERIOD,
                "forget_webhooks",
                job(|delivery| Box::pin(forget_webhooks::run(delivery))),
            )
            .every(
                forget_proofs::PERIOD,
                "forget_proofs",
                job(|delivery| Box::pin(forget_proofs::run(delivery))),
            )
            .every(
                forget_prices::PERIOD,
                "forget_prices",
                job(|delivery| Box::pin(forget_prices::run(delivery))),
            )
            .serve(DeliveryServiceServer::new(delivery)))
    }
}

impl Delivery {
    /// Who carries a parcel, and whether new parcels may be booked there.
    pub(crate) async fn carrier_of(&self, parcel: &Shipment) -> Result<(Arc<dyn Carrier>, bool)> {
        let Some(id) = parcel.account_id else { return Ok((self.carriers.own(&parcel.carrier), true)) };
        let mut connection = self.store.connection().await?;
        let account = carrier_account_rows::find(&self.store, &mut connection, id).await?;
        let account = account.ok_or(Error::CarrierAccountNotFound)?;
        Ok((self.carriers.outside(&account), account.enabled))
    }
}
