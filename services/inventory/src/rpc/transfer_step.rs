//! What the steps of a transfer have in common: each posts a document.

use proto::inventory::v1 as pb;
use store::Tx;

use crate::error::Result;
use crate::model::{Document, DocumentKind, Movement, Occasion, Provenance, Stock, Transfer};
use crate::post::{self, places_of};
use crate::wire;

/// The document of a step.
pub fn document(transfer: &Transfer, kind: DocumentKind, note: String, occasion: &Occasion) -> Document {
    Document {
        reference: transfer.id.to_string(),
        note,
        transfer_id: Some(transfer.id),
        ..Document::new(kind, occasion.actor.clone(), occasion.now)
    }
}

/// Posts a step and stores where the transfer stands.
pub async fn save(
    tx: &mut Tx,
    action: &'static str,
    transfer: &Transfer,
    document: Document,
    movements: &[Movement],
    occasion: &Occasion,
) -> Result<pb::Transfer> {
    let stock = Stock::open(tx, &places_of(movements)).await?;
    post::post(tx, action, stock, document, movements, &Provenance::Moved, occasion).await?;
    transfer.save(tx).await?;
    Ok(wire::transfer(transfer))
}

/// Tells what arrived, or that nothing more will.
pub fn tell_received(tx: &mut Tx, transfer: &pb::Transfer) {
    let event = pb::TransferReceived { transfer: Some(transfer.clone()) };
    events::append(tx, &transfer.transfer_id, transfer.version, None, &event);
}
