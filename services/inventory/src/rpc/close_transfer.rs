//! Writes off what a transfer did not bring.

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::TransferId;

use crate::Inventory;
use crate::error::Result;
use crate::model::{Document, DocumentKind, Transfer, WriteOffReason};
use crate::rpc::{parse, transfer_step};

/// The transfer; nothing of it is on its way any more.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::CloseTransferRequest,
) -> Result<pb::Transfer> {
    let (id, note) = parse(&request)?;

    let once = Once { scope: "org", method: "inventory.close_transfer", key: &request.idempotency_key };
    let close = async |tx: &mut Tx| {
        let mut transfer = Transfer::lock(tx, id).await?;

        let movements = transfer.close(tx.now())?;

        let occasion = inventory.occasion(call.caller.who(), tx.now());
        let document = Document {
            reason: Some(WriteOffReason::LostInTransit),
            ..transfer_step::document(&transfer, DocumentKind::WriteOff, note, &occasion)
        };
        let action = "inventory.close_transfer";
        let transfer = transfer_step::save(tx, action, &transfer, document, &movements, &occasion).await?;

        transfer_step::tell_received(tx, &transfer);
        Ok(transfer)
    };
    inventory.store.once(call, once, &request, close).await
}

fn parse(request: &pb::CloseTransferRequest) -> Result<(TransferId, String)> {
    let mut fields = Fields::new();
    fields.idempotency_key(&request.idempotency_key);
    let id = fields.parse("transfer_id", &request.transfer_id);
    let note = fields.required_text("note", &request.note, parse::NOTE_LENGTH_MAX);
    Ok((fields.finish_with(id)?, note))
}
