//! Returns one transfer.

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};

use crate::error::Result;
use crate::model::Transfer;
use crate::{Inventory, wire};

/// The transfer.
pub async fn handle(
    inventory: &Inventory,
    _: &Call,
    request: pb::GetTransferRequest,
) -> Result<pb::Transfer> {
    let mut fields = Fields::new();
    let id = fields.parse("transfer_id", &request.transfer_id);
    let id = fields.finish_with(id)?;

    let mut connection = inventory.store.connection().await?;
    let transfer = Transfer::find(&mut connection, id).await?;

    Ok(wire::transfer(&transfer))
}
