//! Ends the hold of a cart.

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};

use crate::end::{Act, End};
use crate::error::{Error, Result};
use crate::model::Reservation;
use crate::{Inventory, wire};

/// The hold, which holds nothing any more. What is held for an order is not a hold.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ReleaseHoldRequest,
) -> Result<pb::Reservation> {
    let mut fields = Fields::new();
    let reservation_id = fields.parse("reservation_id", &request.reservation_id);
    let reservation_id = fields.finish_with(reservation_id)?;

    let mut connection = inventory.store.connection().await?;
    let found = Reservation::find(&mut connection, reservation_id).await?;
    drop(connection);

    let may_release = |hold: &Reservation| hold.is_hold() && hold.is_visible_to(&call.caller.shops);
    if !found.as_ref().is_some_and(may_release) {
        return Err(Error::ReservationNotFound { id: reservation_id });
    }

    let (call, action) = (call.clone(), "inventory.release_hold");
    let act = Act::Release { note: String::new() };
    let end = End { call, action, reservation_id, act };
    let reservation = inventory.ending.submit(end).await?;

    Ok(wire::reservation(&reservation))
}
