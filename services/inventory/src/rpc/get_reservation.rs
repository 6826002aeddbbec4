//! Returns one reservation.

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};

use crate::error::{Error, Result};
use crate::model::Reservation;
use crate::{Inventory, wire};

/// The reservation, when the caller sees its shop.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::GetReservationRequest,
) -> Result<pb::Reservation> {
    let mut fields = Fields::new();
    let id = fields.parse("reservation_id", &request.reservation_id);
    let id = fields.finish_with(id)?;

    let mut connection = inventory.store.connection().await?;
    let found = Reservation::find(&mut connection, id).await?;

    let visible = found.filter(|reservation| reservation.is_visible_to(&call.caller.shops));
    let reservation = visible.ok_or(Error::ReservationNotFound { id })?;
    Ok(wire::reservation(&reservation))
}
