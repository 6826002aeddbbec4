//! Asks inventory what is free.

use std::time::Duration;

use futures_util::future::try_join_all;
use proto::inventory::v1 as pb;
use proto::inventory::v1::inventory_service_client::InventoryServiceClient;
use rpc::{Call, Channel};
use tonic::Status;

use crate::model::{FreeStock, StockOfSku};

/// SKUs of one question.
const SKUS_MAX: usize = 200;

/// The stock.
#[derive(Clone)]
pub(crate) struct Inventory(Channel);

impl Inventory {
    pub(super) fn new(channel: Channel) -> Self {
        Self(channel)
    }

    /// What is free of `skus`, which are different ones; one question for up to 200 of them.
    ///
    /// Asked as catalog: whoever may see goods for sale may see whether there are any.
    pub(crate) async fn free(
        &self,
        call: &Call,
        skus: &[&str],
        patience: Duration,
    ) -> Result<FreeStock, Status> {
        let call = call.continued_by("catalog", patience.min(call.remaining()));
        let ask = |skus: &[&str]| {
            let request = pb::LookUpStockRequest { skus: skus.iter().map(|sku| (*sku).to_owned()).collect() };
            let mut client = InventoryServiceClient::new(self.0.bind(&call));
            async move { client.look_up_stock(request).await }
        };
        let answers = tokio::time::timeout(patience, try_join_all(skus.chunks(SKUS_MAX).map(ask))).await;
        let answers =
            answers.map_err(|_| Status::deadline_exceeded("inventory did not answer in time"))??;
        let stocks = answers.into_iter().flat_map(|answer| answer.into_inner().stocks);
        Ok(stocks.map(|stock| (stock.sku.clone(), read(stock))).collect())
    }
}

fn read(stock: pb::SkuStock) -> StockOfSku {
    let mut free = StockOfSku { total: stock.available, ..StockOfSku::default() };
    let sellable = stock.levels.into_iter().filter(|level| level.condition() == pb::Condition::Sellable);
    for level in sellable {
        *free.warehouses.entry(level.warehouse_id).or_default() += level.available;
    }
    free
}
