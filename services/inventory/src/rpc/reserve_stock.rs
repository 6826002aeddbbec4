//! Holds stock for an order until it ships or is released.

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use types::OrderId;

use crate::error::Result;
use crate::model::{Holder, Owner, Terms, Wanted};
use crate::reserve::Reserve;
use crate::rpc::parse;
use crate::{Inventory, wire};

/// The reservation; a repeat gets the same.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ReserveStockRequest,
) -> Result<pb::Reservation> {
    let wanted = wanted(&request)?;

    let (call, action, shortage_time) =
        (call.clone(), "inventory.reserve_stock", inventory.settings.shortage_time());
    let reserve = Reserve { call, action, wanted, shortage_time };
    let reservation = inventory.reserving.submit(reserve).await?;

    Ok(wire::reservation(&reservation))
}

fn wanted(request: &pb::ReserveStockRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let reservation_id = fields.parse("reservation_id", &request.reservation_id);
    let order_id: Option<OrderId> = fields.parse("owner", &request.owner);
    let shop_id = fields.parse("shop_id", &request.shop_id);
    let units = parse::units(&mut fields, &request.lines, parse::RESERVATION_LINES_MAX);
    let warehouse_ids = parse::warehouse_ids(&mut fields, &request.warehouse_ids);
    let split = parse::split(&mut fields, request.split);
    let on_shortage = parse::on_shortage(request.accept_shortage);
    let holder = order_id.map(Owner::Order).zip(shop_id).map(|(owner, shop_id)| Holder { owner, shop_id });
    let ((reservation_id, holder), split) = fields.finish_with(reservation_id.zip(holder).zip(split))?;
    let terms = Terms { warehouse_ids, split };
    Ok(Wanted { reservation_id, holder, units, terms, on_shortage, expire_time: None })
}
