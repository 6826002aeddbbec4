//! Does not fetch a return after all; its slot has room again.

use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Tx};
use types::ReturnId;

use crate::error::{Error, Result};
use crate::model::return_pickup::ReturnPickup;
use crate::model::{return_pickup_rows, slot_rows};
use crate::{Delivery, wire};

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::CancelReturnPickupRequest,
) -> Result<pb::ReturnPickup> {
    let mut fields = Fields::new();
    let id = fields.parse("return_id", &request.return_id);
    let id = fields.finish_with(id)?;

    let cancelled = delivery.store.transaction(call, async |tx: &mut Tx| cancel(tx, id).await).await?;
    Ok(wire::return_pickup(&cancelled))
}

async fn cancel(tx: &mut Tx, id: ReturnId) -> Result<ReturnPickup> {
    let found = return_pickup_rows::lock(tx, id).await?;
    let shops = &tx.call().caller.shops;
    let before = found.filter(|pickup| shops.allow(pickup.shop_id)).ok_or(Error::ReturnPickupNotFound)?;
    if before.cancelled {
        return Ok(before);
    }
    let pickup = ReturnPickup { cancelled: true, ..before.clone() };

    slot_rows::exchange(tx, None, before.place()).await?;
    return_pickup_rows::update(tx, &pickup).await?;

    let audit = Audit::new("delivery.cancel_return_pickup", id).shop(pickup.shop_id.uuid()).change(
        "cancelled",
        false,
        true,
    );
    tx.audit(audit);
    Ok(pickup)
}
