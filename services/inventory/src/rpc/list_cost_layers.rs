//! Lists what came together at one cost, newest first.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use prost::Message;
use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::{CostLayerId, Sku, WarehouseId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::{Condition, CostLayer, LayerRow};
use crate::rpc::{costs, parse};
use crate::schema::{cost_layer_places, cost_layers};
use crate::{Inventory, wire};

/// One page.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ListCostLayersRequest,
) -> Result<pb::ListCostLayersResponse> {
    costs::require(&call.caller)?;
    let Filter { sku, supplier_order, page } = Filter::parse(inventory, &request)?;

    let mut connection = inventory.store.connection().await?;
    let mut query = cost_layers::table
        .order((cost_layers::receive_time.desc(), cost_layers::layer_id.desc()))
        .limit(page.limit())
        .into_boxed();
    if let Some(sku) = sku {
        query = query.filter(cost_layers::sku.eq(sku.to_string()));
    }
    if !supplier_order.is_empty() {
        query = query.filter(cost_layers::supplier_order.eq(supplier_order));
    }
    if request.remaining {
        let places = cost_layer_places::table.filter(cost_layer_places::layer_id.eq(cost_layers::layer_id));
        query = query.filter(diesel::dsl::exists(places));
    }
    if let Some((time, id)) = page.after {
        let same_time = cost_layers::receive_time.eq(time).and(cost_layers::layer_id.lt(id));
        query = query.filter(cost_layers::receive_time.lt(time).or(same_time));
    }
    let rows: Vec<LayerRow> = query.load(&mut *connection).await?;
    let found: Vec<CostLayer> = rows.into_iter().map(CostLayer::stored).collect::<Result<_>>()?;
    let (found, next_page_token) =
        page.cut(&inventory.store, found, |layer| (layer.receive_time, layer.id.uuid()));
    let places = places(&mut connection, &found).await?;

    let layer = |layer: &CostLayer| {
        wire::cost_layer(layer, places.get(&layer.id.uuid()).map(Vec::as_slice).unwrap_or_default())
    };
    Ok(pb::ListCostLayersResponse { layers: found.iter().map(layer).collect(), next_page_token })
}

/// Where units of a layer are, and how many.
type Place = (WarehouseId, Condition, i64);

async fn places(
    connection: &mut AsyncPgConnection,
    layers: &[CostLayer],
) -> Result<BTreeMap<Uuid, Vec<Place>>> {
    let ids: Vec<Uuid> = layers.iter().map(|layer| layer.id).map(|id: CostLayerId| id.uuid()).collect();
    let rows: Vec<(Uuid, Uuid, String, i64)> = cost_layer_places::table
        .filter(cost_layer_places::layer_id.eq_any(ids))
        .order((cost_layer_places::warehouse_id, cost_layer_places::condition))
        .select((
            cost_layer_places::layer_id,
            cost_layer_places::warehouse_id,
            cost_layer_places::condition,
            cost_layer_places::remaining,
        ))
        .load(connection)
        .await?;
    let mut places: BTreeMap<Uuid, Vec<Place>> = BTreeMap::new();
    for (id, warehouse_id, condition, remaining) in rows {
        let place = (WarehouseId::from_uuid(warehouse_id), Condition::stored(&condition)?, remaining);
        places.entry(id).or_default().push(place);
    }
    Ok(places)
}

struct Filter {
    sku: Option<Sku>,
    supplier_order: String,
    page: Page<(DateTime<Utc>, Uuid)>,
}

impl Filter {
    fn parse(inventory: &Inventory, request: &pb::ListCostLayersRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let sku = fields.parse_optional("sku", &request.sku);
        let supplier_order =
            fields.text("supplier_order", request.supplier_order.trim(), parse::REFERENCE_LENGTH_MAX);
        fields.finish()?;
        let filter = pb::ListCostLayersRequest { page_size: 0, page_token: String::new(), ..request.clone() };
        let page =
            Page::parse(&inventory.store, request.page_size, &request.page_token, &filter.encode_to_vec())?;
        Ok(Self { sku, supplier_order, page })
    }
}
