//! Tells how much of many SKUs there is, in every warehouse.

use std::collections::BTreeMap;

use diesel::sql_types::{Array, BigInt, Bool, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::cached_sql;
use types::Sku;

use crate::error::Result;
use crate::model::StockLevel;
use crate::{Inventory, wire};

const SKUS_MAX: usize = 200;

/// The stock of each SKU, in the order in which they were named.
pub async fn handle(
    inventory: &Inventory,
    _: &Call,
    request: pb::LookUpStockRequest,
) -> Result<pb::LookUpStockResponse> {
    let skus = parse(&request)?;

    let mut connection = inventory.store.connection().await?;
    let rows = cached_sql(
        "SELECT l.sku, l.warehouse_id, l.condition, l.on_hand, l.reserved, l.version, l.update_time, w.archived
         FROM stock_levels l JOIN warehouses w USING (warehouse_id)
         WHERE l.sku = ANY($1)
         ORDER BY l.sku, w.create_time, w.warehouse_id, l.condition DESC",
    )
    .bind::<Array<Text>, _>(skus.iter().map(Sku::as_str).collect::<Vec<_>>())
    .returns::<(Text, SqlUuid, Text, BigInt, BigInt, BigInt, Timestamptz, Bool)>()
    .load(&mut *connection)
    .await?;

    let mut found: BTreeMap<Sku, pb::SkuStock> = BTreeMap::new();
    for (sku, warehouse_id, condition, on_hand, reserved, version, update_time, archived) in rows {
        let level =
            StockLevel::stored((sku, warehouse_id, condition, on_hand, reserved, version, update_time))?;
        let stock = found.entry(level.sku.clone()).or_default();
        stock.available += if archived { 0 } else { level.available() };
        stock.in_transit += level.in_transit();
        stock.levels.push(wire::stock_level(&level));
    }
    let stock = |sku: Sku| pb::SkuStock { sku: sku.to_string(), ..found.remove(&sku).unwrap_or_default() };
    Ok(pb::LookUpStockResponse { stocks: skus.into_iter().map(stock).collect() })
}

fn parse(request: &pb::LookUpStockRequest) -> Result<Vec<Sku>> {
    let mut fields = Fields::new();
    fields.list_length("skus", request.skus.len(), SKUS_MAX);
    let mut skus: Vec<Sku> = Vec::with_capacity(request.skus.len().min(SKUS_MAX));
    for (at, text) in request.skus.iter().enumerate().take(SKUS_MAX) {
        let field = format!("skus[{at}]");
        let Some(sku) = fields.parse(&field, text) else { continue };
        if skus.contains(&sku) {
            fields.refuse(field, "DUPLICATE", "each SKU once");
        }
        skus.push(sku);
    }
    fields.finish()?;
    Ok(skus)
}
