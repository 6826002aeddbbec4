//! Posts the opposite of a document that was wrong.

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::StockDocumentId;

use crate::Inventory;
use crate::error::{Error, Result};
use crate::model::{CostLayer, Document, Movement, Provenance, Stock};
use crate::post::{self, places_of};
use crate::rpc::parse;

/// The new document, the levels after it, and the reservations that lost units, newest first.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ReverseDocumentRequest,
) -> Result<pb::ReverseDocumentResponse> {
    let (id, note) = parse(&request)?;

    let once = Once { scope: "org", method: "inventory.reverse_document", key: &request.idempotency_key };
    let reverse = async |tx: &mut Tx| {
        let found = Document::lock(tx, id).await?;
        let wrong = found.filter(|document| document.is_visible_to(&call.caller.shops));
        let wrong = wrong.ok_or(Error::DocumentNotFound { id })?;
        if let Some((_, by)) = Document::reversals(tx.conn(), &[id]).await?.first() {
            return Err(Error::DocumentReversed { id, by: *by });
        }
        let document = wrong.reversal(note, call.caller.who(), tx.now())?;
        let movements = Document::movements(tx.conn(), id).await?;
        let places = places_of(&movements);
        let stock = Stock::open(tx, &places).await?;

        let occasion = inventory.occasion(call.caller.who(), tx.now());
        let opposite: Vec<Movement> = movements.into_iter().rev().map(Movement::opposite).collect();

        let mut costs = CostLayer::of_document(tx.conn(), id).await?;
        let undone = (1..=opposite.len()).rev().map(|line| costs.remove(&line).unwrap_or_default());
        let undone = Provenance::Undone(undone.collect());

        let action = "inventory.reverse_document";
        let posted = post::post(tx, action, stock, document, &opposite, &undone, &occasion).await?;

        let (document, short_reservation_ids) = (posted.wire_document(), posted.short_ids());
        Ok(pb::ReverseDocumentResponse { document, levels: posted.levels(&places), short_reservation_ids })
    };
    inventory.store.once(call, once, &request, reverse).await
}

fn parse(request: &pb::ReverseDocumentRequest) -> Result<(StockDocumentId, String)> {
    let mut fields = Fields::new();
    fields.idempotency_key(&request.idempotency_key);
    let id = fields.parse("document_id", &request.document_id);
    let note = fields.required_text("note", &request.note, parse::NOTE_LENGTH_MAX);
    Ok((fields.finish_with(id)?, note))
}
