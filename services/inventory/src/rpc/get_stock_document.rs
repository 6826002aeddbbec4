//! Returns one stock document with its lines.

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};

use crate::error::{Error, Result};
use crate::model::Document;
use crate::{Inventory, wire};

/// The document, when the caller sees its shop.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::GetStockDocumentRequest,
) -> Result<pb::StockDocument> {
    let mut fields = Fields::new();
    let id = fields.parse("document_id", &request.document_id);
    let id = fields.finish_with(id)?;

    let mut connection = inventory.store.connection().await?;
    let found = Document::find(&mut connection, id).await?;
    let document = found.filter(|document| document.is_visible_to(&call.caller.shops));
    let document = document.ok_or(Error::DocumentNotFound { id })?;
    let movements = Document::movements(&mut connection, id).await?;
    let reversals = Document::reversals(&mut connection, &[id]).await?;

    let reversed_by = reversals.first().map(|(_, by)| *by);
    let lines = movements.iter().map(wire::document_line).collect();
    Ok(pb::StockDocument { lines, ..wire::document(&document, reversed_by) })
}
