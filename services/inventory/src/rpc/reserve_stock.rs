//! Holds stock for an order until it ships or is released.

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use types::{OrderId, WarehouseId};

use crate::error::Result;
use crate::model::{Holder, OnShortage, Owner, Wanted};
use crate::reserve::Reserve;
use crate::rpc::parse;
use crate::{Inventory, wire};

const WAREHOUSES_MAX: usize = 100;

/// The reservation; a repeat gets the same.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ReserveStockRequest,
) -> Result<pb::Reservation> {
    let wanted = wanted(&request)?;

    let reserve = Reserve { call: call.clone(), action: "inventory.reserve_stock", wanted };
    let reservation = inventory.reserving.submit(reserve).await?;

    Ok(wire::reservation(&reservation))
}

fn wanted(request: &pb::ReserveStockRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let reservation_id = fields.parse("reservation_id", &request.reservation_id);
    let order_id: Option<OrderId> = fields.parse("owner", &request.owner);
    let shop_id = fields.parse("shop_id", &request.shop_id);
    let units = parse::units(&mut fields, &request.lines, parse::RESERVATION_LINES_MAX);
    let warehouse_ids = warehouse_ids(&mut fields, &request.warehouse_ids);
    let on_shortage = if request.accept_shortage { OnShortage::Accept } else { OnShortage::Refuse };
    let holder = order_id.map(Owner::Order).zip(shop_id).map(|(owner, shop_id)| Holder { owner, shop_id });
    let (reservation_id, holder) = fields.finish_with(reservation_id.zip(holder))?;
    Ok(Wanted { reservation_id, holder, units, warehouse_ids, on_shortage, expire_time: None })
}

/// Each warehouse once, in the order in which stock is taken.
fn warehouse_ids(fields: &mut Fields, texts: &[String]) -> Vec<WarehouseId> {
    if texts.len() > WAREHOUSES_MAX {
        fields.refuse("warehouse_ids", "TOO_MANY", format!("at most {WAREHOUSES_MAX} entries"));
    }
    let mut ids = Vec::with_capacity(texts.len().min(WAREHOUSES_MAX));
    for (at, text) in texts.iter().enumerate().take(WAREHOUSES_MAX) {
        let field = format!("warehouse_ids[{at}]");
        let Some(id) = fields.parse(&field, text) else { continue };
        if ids.contains(&id) {
            fields.refuse(field, "DUPLICATE", "each warehouse once");
        }
        ids.push(id);
    }
    ids
}
