//! Posts the goods issue of a held reservation.

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};

use crate::end::End;
use crate::error::Result;
use crate::model::Ending;
use crate::rpc::parse;
use crate::{Inventory, wire};

/// The reservation, whose goods are gone.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ShipReservationRequest,
) -> Result<pb::Reservation> {
    let mut fields = Fields::new();
    let reservation_id = fields.parse("reservation_id", &request.reservation_id);
    let shipment = fields.text("reference", &request.reference, parse::REFERENCE_LENGTH_MAX);
    let reservation_id = fields.finish_with(reservation_id)?;

    let (call, action) = (call.clone(), "inventory.ship_reservation");
    let end = End { call, action, reservation_id, ending: Ending::Ship, note: shipment };
    let reservation = inventory.ending.submit(end).await?;

    Ok(wire::reservation(&reservation))
}
