//! Lists stock levels by SKU.

use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Page, cached_sql};
use types::{Sku, WarehouseId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::{StockLevel, StockLevelColumns};
use crate::{Inventory, wire};

/// One page.
pub async fn handle(
    inventory: &Inventory,
    _: &Call,
    request: pb::ListStockLevelsRequest,
) -> Result<pb::ListStockLevelsResponse> {
    let Filter { warehouse_id, sku_prefix, page } = Filter::parse(inventory, &request)?;

    let (sku, last_warehouse_id, condition) = page.after.clone().unwrap_or_default();
    let mut connection = inventory.store.connection().await?;
    let rows = cached_sql(
        "SELECT sku, warehouse_id, condition, on_hand, reserved, version, update_time FROM stock_levels
         WHERE (sku, warehouse_id, condition) > ($1, $2, $3) AND starts_with(sku, $4)
           AND ($5 IS NULL OR warehouse_id = $5)
         ORDER BY sku, warehouse_id, condition LIMIT $6",
    )
    .bind::<Text, _>(sku)
    .bind::<SqlUuid, _>(last_warehouse_id)
    .bind::<Text, _>(condition)
    .bind::<Text, _>(sku_prefix)
    .bind::<Nullable<SqlUuid>, _>(warehouse_id.map(Uuid::from))
    .bind::<BigInt, _>(page.limit())
    .returns::<StockLevelColumns>()
    .load(&mut *connection)
    .await?;
    let levels: Vec<StockLevel> = rows.into_iter().map(StockLevel::stored).collect::<Result<_>>()?;

    let (levels, next_page_token) = page.cut(&inventory.store, levels, key);
    Ok(pb::ListStockLevelsResponse {
        levels: levels.iter().map(wire::stock_level).collect(),
        next_page_token,
    })
}

/// Where a page of levels ends: SKU, warehouse, condition.
pub(super) type Key = (String, Uuid, String);

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

pub(super) fn key(level: &StockLevel) -> Key {
    (level.sku.to_string(), level.warehouse_id.uuid(), level.condition.text().to_owned())
}
