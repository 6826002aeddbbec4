//! The customers service: one card per person, the phones and e-mails that lead to it, and what the person has bought.
//!
//! `model/` holds the nouns, `rpc/` one verb per file, `consumers/` what is done with the events of orders, and
//! `shop_countries` asks access how a shop's buyers spell their phones.

mod consumers;
mod error;
mod model;
mod rpc;
mod schema;
mod shop_countries;
mod wire;

use events::READ_EVENTS;
use std::sync::Arc;

use ::rpc::Callee;
use ::rpc::Channel;
use diesel_migrations::embed_migrations;
use proto::customers::v1::customer_service_server::CustomerServiceServer;
use proto::customers::v1::purchase_repair_service_server::PurchaseRepairServiceServer;
use service::{Parts, Platform, Service};
use store::{EmbeddedMigrations, Store};

use crate::consumers::count_purchases;
use crate::model::Phone;
use crate::rpc::{Identifier, identifier};
use crate::shop_countries::ShopCountries;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/customers");

/// Who buys.
pub struct Customers {
    store: Store,
    orders: Channel,
    shop_countries: ShopCountries,
    identifier: Identifier,
}

impl Service for Customers {
    const NAME: &'static str = "customers";
    const CALLS: &'static [Callee] =
        &[Callee::new("access", &["GetShop"]), Callee::new("orders", &[READ_EVENTS, "GetOrder"])];

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    async fn start(platform: Platform) -> anyhow::Result<Parts> {
        tokio::task::spawn_blocking(Phone::prepare).await?;
        let customers = Arc::new(Self {
            shop_countries: ShopCountries::new(platform.directory.channel("access")),
            orders: platform.directory.channel("orders"),
            identifier: identifier(platform.store.clone()),
            store: platform.store,
        });
        Ok(Parts::new()
            .serve(CustomerServiceServer::from_arc(customers.clone()))
            .serve(PurchaseRepairServiceServer::from_arc(customers))
            .consume(count_purchases::subscription()))
    }
}
