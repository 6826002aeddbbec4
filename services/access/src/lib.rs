//! The access service: the organisation, its legal entities, shops and channel accounts, and the keys of partners.
//!
//! `model/` holds the nouns, `rpc/` one verb per file, `request` reads resources that requests carry and `wire` writes
//! those that answers carry.

mod error;
mod model;
mod request;
mod rpc;
mod schema;
mod wire;

use std::sync::Arc;

use diesel_migrations::embed_migrations;
use proto::access::v1::access_service_server::AccessServiceServer;
use proto::access::v1::decision_service_server::DecisionServiceServer;
use service::{Parts, Platform, Service};
use store::{EmbeddedMigrations, Store};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/access");

/// Who may do what in which shop.
pub struct Access {
    store: Store,
}

impl Service for Access {
    const NAME: &'static str = "access";

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    async fn start(platform: Platform) -> anyhow::Result<Parts> {
        let access = Arc::new(Self { store: platform.store });
        Ok(Parts::new()
            .serve(AccessServiceServer::from_arc(access.clone()))
            .serve(DecisionServiceServer::from_arc(access)))
    }
}
