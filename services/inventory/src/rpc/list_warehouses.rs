//! Lists warehouses, oldest first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use proto::inventory::v1 as pb;
use rpc::Call;
use store::Page;
use uuid::Uuid;

use crate::error::Result;
use crate::model::Warehouse;
use crate::schema::warehouses;
use crate::{Inventory, wire};

/// One page.
pub async fn handle(
    inventory: &Inventory,
    _: &Call,
    request: pb::ListWarehousesRequest,
) -> Result<pb::ListWarehousesResponse> {
    let page: Page<(DateTime<Utc>, Uuid)> =
        Page::parse(&inventory.store, request.page_size, &request.page_token, b"warehouses")?;

    let mut connection = inventory.store.connection().await?;
    let mut query = warehouses::table.order((warehouses::create_time, warehouses::warehouse_id)).into_boxed();
    if let Some((time, id)) = page.after {
        let later = warehouses::create_time.gt(time);
        query = query.filter(later.or(warehouses::create_time.eq(time).and(warehouses::warehouse_id.gt(id))));
    }
    let rows = query.limit(page.limit()).load(&mut *connection).await?;

    let (rows, next_page_token) = page.cut(&inventory.store, rows, |(id, _, _, time)| (*time, *id));
    let warehouses = rows.into_iter().map(|row| wire::warehouse(&Warehouse::stored(row))).collect();
    Ok(pb::ListWarehousesResponse { warehouses, next_page_token })
}
