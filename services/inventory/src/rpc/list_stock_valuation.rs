//! Lists what the stock cost, by SKU.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Page, cached_sql};
use types::{Money, Sku, WarehouseId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::{StockLevel, StockLevelColumns, unit_cost};
use crate::rpc::costs;
use crate::rpc::list_stock_levels::{Key, key};
use crate::{Inventory, wire};

/// One page of levels that have units.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ListStockValuationRequest,
) -> Result<pb::ListStockValuationResponse> {
    costs::require(&call.caller)?;
    let Filter { warehouse_id, sku_prefix, page } = Filter::parse(inventory, &request)?;

    let (sku, last_warehouse_id, condition) = page.after.clone().unwrap_or_default();
    let mut connection = inventory.store.connection().await?;
    let rows: Vec<Row> = cached_sql(
        "SELECT s.sku, s.warehouse_id, s.condition, s.on_hand, s.reserved, s.version, s.update_time,
                coalesce(v.units, 0)::bigint, coalesce(v.currencies, '{}'), coalesce(v.amounts, '{}')
         FROM (SELECT * FROM stock_levels
               WHERE (sku, warehouse_id, condition) > ($1, $2, $3) AND starts_with(sku, $4)
                 AND ($5 IS NULL OR warehouse_id = $5) AND on_hand > 0
               ORDER BY sku, warehouse_id, condition LIMIT $6) s
         CROSS JOIN LATERAL (
             SELECT sum(units) AS units, array_agg(currency ORDER BY currency) AS currencies,
                    array_agg(amount ORDER BY currency) AS amounts
             FROM (SELECT l.currency, sum(p.remaining) AS units, sum(p.remaining * l.unit_cost)::bigint AS amount
                   FROM cost_layer_places p JOIN cost_layers l USING (layer_id)
                   WHERE p.sku = s.sku AND p.warehouse_id = s.warehouse_id AND p.condition = s.condition
                     AND l.currency IS NOT NULL
                   GROUP BY l.currency) c
         ) v
         ORDER BY s.sku, s.warehouse_id, s.condition",
    )
    .bind::<Text, _>(sku)
    .bind::<SqlUuid, _>(last_warehouse_id)
    .bind::<Text, _>(condition)
    .bind::<Text, _>(sku_prefix)
    .bind::<Nullable<SqlUuid>, _>(warehouse_id.map(Uuid::from))
    .bind::<BigInt, _>(page.limit())
    .returns::<(StockLevelColumns, BigInt, Array<Text>, Array<BigInt>)>()
    .load(&mut *connection)
    .await?;
    let found: Vec<Valued> = rows.into_iter().map(Valued::stored).collect::<Result<_>>()?;

    let (found, next_page_token) = page.cut(&inventory.store, found, |one| key(&one.level));
    let valuations = found.iter().map(|one| wire::valuation(&one.level, one.units, &one.amounts)).collect();
    Ok(pb::ListStockValuationResponse { valuations, next_page_token })
}

type LevelRow = (String, Uuid, String, i64, i64, i64, DateTime<Utc>);
type Row = (LevelRow, i64, Vec<String>, Vec<i64>);

/// A level, how many of its units have a known cost, and what those cost.
struct Valued {
    level: StockLevel,
    units: i64,
    amounts: Vec<Money>,
}

impl Valued {
    fn stored((level, units, currencies, amounts): Row) -> Result<Self> {
        let amount = |(code, minor): (String, i64)| unit_cost(Some(minor), Some(&code)).transpose();
        let amounts = currencies.into_iter().zip(amounts).filter_map(amount).collect::<Result<_>>()?;
        Ok(Self { level: StockLevel::stored(level)?, units, amounts })
    }
}

struct Filter {
    warehouse_id: Option<WarehouseId>,
    sku_prefix: String,
    page: Page<Key>,
}

impl Filter {
    fn parse(inventory: &Inventory, request: &pb::ListStockValuationRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let warehouse_id = fields.parse_optional("warehouse_id", &request.warehouse_id);
        let sku_prefix = fields.text("sku_prefix", &request.sku_prefix, Sku::LENGTH_MAX);
        fields.finish()?;
        let filter =
            pb::ListStockValuationRequest { page_size: 0, page_token: String::new(), ..request.clone() };
        let page =
            Page::parse(&inventory.store, request.page_size, &request.page_token, &filter.encode_to_vec())?;
        Ok(Self { warehouse_id, sku_prefix, page })
    }
}
