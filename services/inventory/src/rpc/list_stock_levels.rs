//! Lists stock levels by SKU.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::{Sku, WarehouseId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::StockLevel;
use crate::schema::stock_levels;
use crate::{Inventory, wire};

diesel::define_sql_function!(fn starts_with(text: diesel::sql_types::Text, prefix: diesel::sql_types::Text) -> diesel::sql_types::Bool);

/// SKU, warehouse, condition.
type Key = (String, Uuid, String);

/// One page.
pub async fn handle(
    inventory: &Inventory,
    _: &Call,
    request: pb::ListStockLevelsRequest,
) -> Result<pb::ListStockLevelsResponse> {
    let Filter { warehouse_id, sku_prefix, page } = Filter::parse(inventory, &request)?;

    let mut connection = inventory.store.connection().await?;
    let mut query = stock_levels::table
        .order((stock_levels::sku, stock_levels::warehouse_id, stock_levels::condition))
        .limit(page.limit())
        .into_boxed();
    if let Some(id) = warehouse_id {
        query = query.filter(stock_levels::warehouse_id.eq(id.uuid()));
    }
    if !sku_prefix.is_empty() {
        query = query.filter(starts_with(stock_levels::sku, sku_prefix));
    }
    if let Some((sku, warehouse_id, condition)) = page.after.clone() {
        let same_sku = stock_levels::sku.eq(sku.clone());
        let same_level = same_sku.clone().and(stock_levels::warehouse_id.eq(warehouse_id));
        let later_warehouse = same_sku.and(stock_levels::warehouse_id.gt(warehouse_id));
        let later_condition = same_level.and(stock_levels::condition.gt(condition));
        query = query.filter(stock_levels::sku.gt(sku).or(later_warehouse).or(later_condition));
    }
    let rows = query.load(&mut *connection).await?;
    let levels: Vec<StockLevel> = rows.into_iter().map(StockLevel::stored).collect::<Result<_>>()?;

    let (levels, next_page_token) = page.cut(&inventory.store, levels, key);
    Ok(pb::ListStockLevelsResponse {
        levels: levels.iter().map(wire::stock_level).collect(),
        next_page_token,
    })
}

struct Filter {
    warehouse_id: Option<WarehouseId>,
    sku_prefix: String,
    page: Page<Key>,
}

impl Filter {
    fn parse(inventory: &Inventory, request: &pb::ListStockLevelsRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let warehouse_id = fields.parse_optional("warehouse_id", &request.warehouse_id);
        let sku_prefix = fields.text("sku_prefix", &request.sku_prefix, Sku::LENGTH_MAX);
        fields.finish()?;
        let filter =
            pb::ListStockLevelsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
        let page =
            Page::parse(&inventory.store, request.page_size, &request.page_token, &filter.encode_to_vec())?;
        Ok(Self { warehouse_id, sku_prefix, page })
    }
}

fn key(level: &StockLevel) -> Key {
    (level.sku.to_string(), level.warehouse_id.uuid(), level.condition.text().to_owned())
}
