//! Tells partners of changes: a feed that they read, and webhooks that are sent to them.
//!
//! Nothing of the logs is copied for the feed: a cursor is a place in each of them ([`feed`]). For webhooks an endpoint has a place
//! in each log it wants to hear of; what is to be sent is queued in the transaction that moves it ([`jobs::queue_events`]).
//! [`kinds`] is the list of all that is told, [`public`] what is shown of it and to whom.

mod consumers;
mod error;
mod feed;
mod figures;
mod jobs;
mod kinds;
mod model;
mod public;
mod request;
mod rpc;
#[rustfmt::skip]
mod schema;
mod streams;
mod wire;

use events::READ_EVENTS;
use std::sync::Arc;

use ::rpc::Callee;
use diesel_migrations::embed_migrations;
use futures_util::future::try_join_all;
use proto::webhooks::v1::feed_service_server::FeedServiceServer;
use proto::webhooks::v1::webhook_service_server::WebhookServiceServer;
use service::{Parts, Platform, Service};
use store::{EmbeddedMigrations, Store};
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::consumers::disable_endpoints;
use crate::error::{Error, Result};
use crate::feed::news::News;
use crate::jobs::{forget_deliveries, queue_events, send_webhooks};
use crate::streams::{Place, Streams};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/webhooks");

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    store: Store,
    streams: Streams,
    news: News,
    client: outbound::Client,
    /// Says that somebody wants to hear of something else now.
    changed: watch::Sender<u64>,
    /// Says that something is to be sent.
    due: Arc<Notify>,
    /// Places for streams of the feed.
    watchers: Arc<Semaphore>,
    stop: CancellationToken,
}

/// Streams of the feed that one process serves at once.
const WATCHERS_MAX: usize = 512;

impl Service for Webhooks {
    const NAME: &'static str = "webhooks";
    const CALLS: &'static [Callee] = &[
        Callee::new("access", &[READ_EVENTS]),
        Callee::new("catalog", &[READ_EVENTS]),
        Callee::new("customers", &[READ_EVENTS]),
        Callee::new("delivery", &[READ_EVENTS]),
        Callee::new("inventory", &[READ_EVENTS]),
        Callee::new("orders", &[READ_EVENTS]),
        Callee::new("payments", &[READ_EVENTS]),
    ];

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    async fn start(platform: Platform) -> anyhow::Result<Parts> {
        let streams = Streams::new(&platform.directory);
        let webhooks = Self {
            store: platform.store.clone(),
            news: News::new(&streams),
            streams: streams.clone(),
            client: outbound::Client::new(platform.configured.outbound)?,
            changed: watch::Sender::new(0),
            due: Arc::default(),
            watchers: Arc::new(Semaphore::new(WATCHERS_MAX)),
            stop: platform.stop.clone(),
        };
        let stop = platform.stop;
        let forgetting = {
            let webhooks = webhooks.clone();
            move || forget_deliveries::run(webhooks.clone())
        };
        Ok(Parts::new()
            .measure(&figures::ALL)
            .always("follow_news", webhooks.news.clone().run(streams, stop.clone()))
            .always("queue_events", queue_events::run(webhooks.clone(), stop.clone()))
            .always("send_webhooks", send_webhooks::run(webhooks.clone(), stop))
            .every(forget_deliveries::PERIOD, "forget_deliveries", forgetting)
            .consume(disable_endpoints::subscription(platform.store))
            .serve(FeedServiceServer::new(webhooks.clone()))
            .serve(WebhookServiceServer::new(webhooks)))
    }
}

impl Webhooks {
    /// The places behind the newest events of these streams.
    async fn ends_of(&self, names: &[&'static str]) -> Result<Vec<(&'static str, Place)>> {
        let asked = names.iter().filter_map(|name| self.streams.named(name));
        let asked = asked.map(async |stream| Ok::<_, Status>((stream.name, stream.end().await?)));
        try_join_all(asked).await.map_err(|status| Error::Upstream(Box::new(status)))
    }

    /// Says that an endpoint was added, changed or taken away.
    fn note_change(&self) {
        self.changed.send_modify(|times| *times += 1);
        self.due.notify_one();
    }
}
