//! Gives held units back; an unknown id is remembered, so that a late reserve is refused.

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};

use crate::end::{Act, End};
use crate::error::Result;
use crate::rpc::parse;
use crate::{Inventory, wire};

/// The reservation, which holds nothing any more.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ReleaseReservationRequest,
) -> Result<pb::Reservation> {
    let mut fields = Fields::new();
    let reservation_id = fields.parse("reservation_id", &request.reservation_id);
    let note = fields.text("note", &request.note, parse::NOTE_LENGTH_MAX);
    let reservation_id = fields.finish_with(reservation_id)?;

    let (call, action) = (call.clone(), "inventory.release_reservation");
    let end = End { call, action, reservation_id, act: Act::Release { note } };
    let reservation = inventory.ending.submit(end).await?;

    Ok(wire::reservation(&reservation))
}
