//! Takes what is on its way back to where it came from.

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::TransferId;

use crate::Inventory;
use crate::error::Result;
use crate::model::{DocumentKind, Transfer};
use crate::rpc::{parse, transfer_step};

/// The transfer; what had arrived stays where it is.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::CancelTransferRequest,
) -> Result<pb::Transfer> {
    let (id, note) = parse(&request)?;

    let once = Once { scope: "org", method: "inventory.cancel_transfer", key: &request.idempotency_key };
    let cancel = async |tx: &mut Tx| {
        let mut transfer = Transfer::lock(tx, id).await?;

        let movements = transfer.cancel(tx.now())?;

        let occasion = inventory.occasion(call.caller.who(), tx.now());
        let document = transfer_step::document(&transfer, DocumentKind::Transfer, note, &occasion);
        let action = "inventory.cancel_transfer";
        let transfer = transfer_step::save(tx, action, &transfer, document, &movements, &occasion).await?;

        let event = pb::TransferCancelled { transfer: Some(transfer.clone()) };
        events::append(tx, &transfer.transfer_id, transfer.version, None, &event);
        Ok(transfer)
    };
    inventory.store.once(call, once, &request, cancel).await
}

fn parse(request: &pb::CancelTransferRequest) -> Result<(TransferId, String)> {
    let mut fields = Fields::new();
    fields.idempotency_key(&request.idempotency_key);
    let id = fields.parse("transfer_id", &request.transfer_id);
    let note = fields.text("note", &request.note, parse::NOTE_LENGTH_MAX);
    Ok((fields.finish_with(id)?, note))
}
