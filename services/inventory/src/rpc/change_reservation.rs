//! Changes what a held reservation wants.

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};

use crate::change::{self, Rewrite};
use crate::error::Result;
use crate::model::{Change, Terms};
use crate::rpc::parse;
use crate::{Inventory, batch, wire};

/// The reservation as it is now; the same for a revision that was applied before.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ChangeReservationRequest,
) -> Result<pb::Reservation> {
    let change = parse(&request)?;

    let shortage_time = inventory.settings.shortage_time();
    let rewrite = Rewrite { call: call.clone(), change, shortage_time };
    let store = inventory.store.clone();
    let begun = store.begin_ahead().await;
    let changed = batch::run(store, begun, vec![rewrite], |tx, batch| Box::pin(change::all(tx, batch)));
    let reservation = batch::only(changed.await)?;

    Ok(wire::reservation(&reservation))
}

fn parse(request: &pb::ChangeReservationRequest) -> Result<Change> {
    let mut fields = Fields::new();
    let reservation_id = fields.parse("reservation_id", &request.reservation_id);
    fields.check(request.revision >= 1, "revision", "OUT_OF_RANGE", "at least 1");
    let units = parse::units_if_any(&mut fields, &request.lines, parse::RESERVATION_LINES_MAX);
    let warehouse_ids = parse::warehouse_ids(&mut fields, &request.warehouse_ids);
    let split = parse::split(&mut fields, request.split);
    let on_shortage = parse::on_shortage(request.accept_shortage);
    let (reservation_id, split) = fields.finish_with(reservation_id.zip(split))?;
    let terms = Terms { warehouse_ids, split };
    Ok(Change { reservation_id, revision: request.revision, units, terms, on_shortage })
}
