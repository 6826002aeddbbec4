//! Posts units of a transfer that arrived, all or some.

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::TransferId;

use crate::Inventory;
use crate::error::Result;
use crate::model::{Arrival, Condition, DocumentKind, Transfer, Units};
use crate::rpc::{parse, transfer_step};

/// The transfer; what did not come yet is still on its way.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ReceiveTransferRequest,
) -> Result<pb::Transfer> {
    let (id, arrivals, note) = parse(&request)?;

    let once = Once { scope: "org", method: "inventory.receive_transfer", key: &request.idempotency_key };
    let receive = async |tx: &mut Tx| {
        let mut transfer = Transfer::lock(tx, id).await?;

        let movements = transfer.receive(&arrivals, tx.now())?;

        let occasion = inventory.occasion(call.caller.who(), tx.now());
        let document = transfer_step::document(&transfer, DocumentKind::Transfer, note, &occasion);
        let action = "inventory.receive_transfer";
        let transfer = transfer_step::save(tx, action, &transfer, document, &movements, &occasion).await?;

        transfer_step::tell_received(tx, &transfer);
        Ok(transfer)
    };
    inventory.store.once(call, once, &request, receive).await
}

fn parse(request: &pb::ReceiveTransferRequest) -> Result<(TransferId, Vec<Arrival>, String)> {
    let mut fields = Fields::new();
    fields.idempotency_key(&request.idempotency_key);
    let id = fields.parse("transfer_id", &request.transfer_id);
    if request.lines.len() > parse::POSTING_LINES_MAX {
        fields.refuse("lines", "TOO_MANY", format!("at most {} entries", parse::POSTING_LINES_MAX));
    }
    let lines = request.lines.iter().enumerate().take(parse::POSTING_LINES_MAX);
    let arrivals = lines.filter_map(|(at, line)| arrival(&mut fields, at, line)).collect();
    let note = fields.text("note", &request.note, parse::NOTE_LENGTH_MAX);
    Ok((fields.finish_with(id)?, arrivals, note))
}

fn arrival(fields: &mut Fields, at: usize, line: &pb::TransferReceipt) -> Option<Arrival> {
    let sku = fields.parse(&format!("lines[{at}].sku"), &line.sku);
    let units: Option<Units> = fields.convert(&format!("lines[{at}].quantity"), line.quantity);
    let condition: Option<Condition> =
        parse::condition(fields, &format!("lines[{at}].condition"), line.condition);
    Some(Arrival { sku: sku?, units: units?.get(), condition: condition? })
}
