//! Returns one stock document with its lines.

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};

use crate::error::{Error, Result};
use crate::model::{CostLayer, Document, Movement, Part};
use crate::rpc::costs;
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
    let layers = CostLayer::of_document(&mut connection, id).await?;
    let reversals = Document::reversals(&mut connection, &[id]).await?;

    let reversed_by = reversals.first().map(|(_, by)| *by);
    let line = |(at, movement): (usize, &Movement)| {
        let parts = layers.get(&(at + 1)).map(Vec::as_slice).unwrap_or_default();
        let mut line = wire::document_line(movement, supplier_order(&document, parts));
        if costs::are_visible_to(&call.caller) {
            line.costs = wire::unit_costs(parts);
        }
        line
    };
    let lines = movements.iter().enumerate().map(line).collect();
    Ok(pb::StockDocument { lines, ..wire::document(&document, reversed_by) })
}

/// The supplier's order that a receipt's line came with.
fn supplier_order(document: &Document, parts: &[Part]) -> String {
    let mut opened = parts.iter().filter(|part| part.layer.document_id == Some(document.id));
    opened.next().map(|part| part.layer.supplier_order.clone()).unwrap_or_default()
}
