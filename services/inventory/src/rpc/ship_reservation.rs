//! Posts the goods issue of held units, all or some.

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};

use crate::end::{Act, End};
use crate::error::Result;
use crate::model::{Goods, Shipment};
use crate::rpc::parse;
use crate::{Inventory, wire};

/// The reservation without what has left; the same for a shipment that was posted before.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ShipReservationRequest,
) -> Result<pb::Reservation> {
    let mut fields = Fields::new();
    let reservation_id = fields.parse("reservation_id", &request.reservation_id);
    let reference = fields.text("reference", &request.reference, parse::REFERENCE_LENGTH_MAX);
    let units = parse::units_if_any(&mut fields, &request.lines, parse::RESERVATION_LINES_MAX);
    let warehouse_id = fields.parse_optional("warehouse_id", &request.warehouse_id);
    // Two shipments without a name could not be told apart.
    let is_named = request.lines.is_empty() || !reference.trim().is_empty();
    fields.check(is_named, "reference", "REQUIRED", "is required with lines");
    let reservation_id = fields.finish_with(reservation_id)?;
    let goods = if units.is_empty() { Goods::All } else { Goods::Units(units) };

    let (call, action) = (call.clone(), "inventory.ship_reservation");
    let act = Act::Ship(Shipment { reference, goods, warehouse_id });
    let end = End { call, action, reservation_id, act };
    let reservation = inventory.ending.submit(end).await?;

    Ok(wire::reservation(&reservation))
}
