//! Tells how much of a SKU there is, in every warehouse.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use types::Sku;

use crate::error::Result;
use crate::model::StockLevel;
use crate::schema::{stock_levels, warehouses};
use crate::{Inventory, wire};

/// The levels; none when nobody ever posted anything to the SKU.
pub async fn handle(
    inventory: &Inventory,
    _: &Call,
    request: pb::GetStockLevelRequest,
) -> Result<pb::GetStockLevelResponse> {
    let mut fields = Fields::new();
    let sku: Option<Sku> = fields.parse("sku", &request.sku);
    let sku = fields.finish_with(sku)?;

    let mut connection = inventory.store.connection().await?;
    let rows = stock_levels::table
        .inner_join(warehouses::table.on(stock_levels::warehouse_id.eq(warehouses::warehouse_id)))
        .filter(stock_levels::sku.eq(sku.as_str()))
        .order((warehouses::create_time, warehouses::warehouse_id, stock_levels::condition.desc()))
        .select((stock_levels::all_columns, warehouses::archived))
        .load(&mut *connection)
        .await?;

    let mut answer = pb::GetStockLevelResponse::default();
    for (row, archived) in rows {
        let level = StockLevel::stored(row)?;
        answer.available += if archived { 0 } else { level.available() };
        answer.in_transit += level.in_transit();
        answer.levels.push(wire::stock_level(&level));
    }
    Ok(answer)
}
