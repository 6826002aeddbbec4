//! Returns one shortage and what can be done about it.

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};

use crate::error::{Error, Result};
use crate::model::{Outlook, Reservation, Shortage};
use crate::{Inventory, wire};

/// The shortage, when the caller sees its shop.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::GetShortageRequest,
) -> Result<pb::Shortage> {
    let mut fields = Fields::new();
    let id = fields.parse("shortage_id", &request.shortage_id);
    let id = fields.finish_with(id)?;

    let mut connection = inventory.store.connection().await?;
    let found = Shortage::find(&mut connection, id).await?;
    let (reservation_id, shortage) = found.ok_or(Error::ShortageNotFound { id })?;
    let reservation = Reservation::find(&mut connection, reservation_id).await?;
    let visible = reservation.filter(|reservation| reservation.is_visible_to(&call.caller.shops));
    let reservation = visible.ok_or(Error::ShortageNotFound { id })?;
    let outlook = Outlook::load(&mut connection, &[shortage.sku.as_str()]).await?;

    let proposals = outlook.proposals(&reservation, &shortage);
    Ok(wire::shortage_with(&shortage, &reservation, &proposals))
}
