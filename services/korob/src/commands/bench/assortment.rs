//! What the benches sell, and to whom: usually 10,000 SKUs with a price and stock, and half as many known buyers.

use std::fmt::Write as _;
use std::time::Duration;

use proto::catalog::v1::ImportFeedSettings;
use proto::customers::v1::IdentifyCustomerRequest;
use proto::customers::v1::customer_service_client::CustomerServiceClient;
use rpc::{Call, Caller};
use serde_json::{Value, json};

use super::suite::Suite;
use crate::commands::explain;
use crate::commands::import::import_yml;
use crate::load::{self, Until};

/// The name of every buyer.
pub const BUYER: &str = "Олена Коваленко";
const UNITS_EACH: i64 = 1_000_000;
const RECEIPT_LINES_MAX: u64 = 1_000;
const CLIENTS: usize = 64;

/// The SKU number `at`.
pub fn sku(at: u64) -> String {
    format!("B{at:05}")
}

/// The phone of buyer number `buyer`.
pub fn phone(buyer: u64) -> String {
    format!("+38067{buyer:07}")
}

/// What there is to sell, and to whom.
#[derive(Debug, Clone, Copy)]
pub struct Assortment {
    /// How many SKUs there are with stock that never ends.
    pub skus: u64,
    /// How many buyers have a card before the first order.
    pub known_buyers: u64,
}

impl Assortment {
    /// One of so many SKUs.
    pub fn of(skus: u64) -> Self {
        Self { skus, known_buyers: (skus / 2).max(1) }
    }

    /// A SKU with a price and no stock.
    pub fn unstocked(self) -> String {
        sku(self.skus)
    }

    /// Brings all of it in.
    pub async fn bring_in(self, suite: &Suite) -> anyhow::Result<()> {
        import(suite, self.skus + 1).await?;
        receive(suite, self.skus).await?;
        identify(suite, self.known_buyers).await
    }
}

/// Receives `units` of a SKU.
pub async fn receive_more(suite: &Suite, sku: &str, units: i64) -> anyhow::Result<()> {
    let warehouses = suite.rest.get("/v1/warehouses").await?.ok()?;
    let line = json!({ "sku": sku, "quantity": units.to_string() });
    let receipt = json!({ "warehouseId": warehouses["warehouses"][0]["warehouseId"], "lines": [line] });
    suite.rest.post("/v1/stock/receive", &format!("bench-{sku}"), &receipt).await?.ok()?;
    Ok(())
}

async fn import(suite: &Suite, skus: u64) -> anyhow::Result<()> {
    let feed = suite.data_dir.join("feed.xml");
    std::fs::write(&feed, feed_text(skus))?;
    let settings = ImportFeedSettings { source_id: suite.shop.source_ids[0].clone(), ..Default::default() };
    let imported = import_yml(&suite.directory, &feed, settings).await?;
    anyhow::ensure!(imported.total.error_count == 0, "the feed was refused: {:?}", imported.errors.first());
    Ok(())
}

async fn receive(suite: &Suite, skus: u64) -> anyhow::Result<()> {
    let warehouse = json!({ "warehouse": { "name": "Bench" } });
    let warehouse = suite.rest.post("/v1/warehouses", "bench", &warehouse).await?.ok()?;
    for part in 0..skus.div_ceil(RECEIPT_LINES_MAX) {
        let lines: Vec<Value> = (part * RECEIPT_LINES_MAX..skus.min((part + 1) * RECEIPT_LINES_MAX))
            .map(|at| json!({ "sku": sku(at), "quantity": UNITS_EACH.to_string() }))
            .collect();
        let receipt = json!({ "warehouseId": warehouse["warehouseId"], "lines": lines });
        suite.rest.post("/v1/stock/receive", &format!("bench-{part}"), &receipt).await?.ok()?;
    }
    Ok(())
}

/// Makes the cards of the buyers that are known.
async fn identify(suite: &Suite, buyers: u64) -> anyhow::Result<()> {
    let (channel, shop_id) = (suite.directory.channel("customers"), suite.shop.shop_id.clone());
    let identified = load::run(CLIENTS, Until::Count(buyers), move |buyer| {
        let call = Call::begin(Caller::operator("bench"), Duration::from_secs(10));
        let mut customers = CustomerServiceClient::new(channel.bind(&call));
        let request = IdentifyCustomerRequest {
            shop_id: shop_id.clone(),
            name: BUYER.to_owned(),
            phone: phone(buyer),
            ..Default::default()
        };
        async move {
            customers.identify_customer(request).await.map_err(|status| explain(&status))?;
            Ok(())
        }
    });
    identified.await?;
    Ok(())
}

fn feed_text(skus: u64) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<yml_catalog date=\"2026-01-01 00:00\"><shop><name>Bench</name>\n\
         <currencies><currency id=\"UAH\" rate=\"1\"/></currencies>\n\
         <categories><category id=\"1\">Goods</category></categories>\n<offers>\n",
    );
    for at in 0..skus {
        let (sku, price) = (sku(at), 100 + at % 900);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "<offer id=\"{sku}\" available=\"true\"><price>{price}</price><currencyId>UAH</currencyId>\
             <categoryId>1</categoryId><name>Item {at}</name><vendorCode>{sku}</vendorCode></offer>"
        );
    }
    text.push_str("</offers></shop></yml_catalog>\n");
    text
}
