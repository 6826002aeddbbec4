//! Corrects quantities, and shows at once whose units are gone.

use std::collections::BTreeMap;

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Once, Tx};
use types::{Sku, WarehouseId};

use crate::Inventory;
use crate::error::Result;
use crate::model::{Condition, Correction, Document, DocumentKind, Provenance, Stock, StockLevel, Warehouse};
use crate::post::{self, places};
use crate::rpc::parse;

const ACTION: &str = "inventory.adjust_stock";

/// The levels after the posting, and the reservations that lost units, newest first.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::AdjustStockRequest,
) -> Result<pb::AdjustStockResponse> {
    let Adjustment { warehouse_id, condition, corrections, note } = Adjustment::parse(&request)?;

    let once = Once { scope: "org", method: "inventory.adjust_stock", key: &request.idempotency_key };
    let adjust = async |tx: &mut Tx| {
        Warehouse::require(tx.conn(), warehouse_id).await?;
        let places = places(corrections.keys(), warehouse_id, condition);
        let stock = Stock::open(tx, &places).await?;

        let occasion = inventory.occasion(call.caller.who(), tx.now());
        let document = Document::new(DocumentKind::Adjustment, call.caller.who(), tx.now());
        let document = Document { note: note.clone(), ..document };
        let movements = Correction::movements(&corrections, &stock, warehouse_id, condition)?;

        let posted =
            post::post(tx, ACTION, stock, document, &movements, &Provenance::Moved, &occasion).await?;

        if posted.document.is_none() {
            // A count that confirms what was known changes nothing and is only history.
            tx.audit(Audit::new(ACTION, warehouse_id).set("note", &note));
        }
        let (document, short_reservation_ids) = (posted.wire_document(), posted.short_ids());
        Ok(pb::AdjustStockResponse { levels: posted.levels(&places), short_reservation_ids, document })
    };
    inventory.store.once(call, once, &request, adjust).await
}

struct Adjustment {
    warehouse_id: WarehouseId,
    condition: Condition,
    corrections: BTreeMap<Sku, Correction>,
    note: String,
}

impl Adjustment {
    fn parse(request: &pb::AdjustStockRequest) -> Result<Self> {
        let mut fields = Fields::new();
        fields.idempotency_key(&request.idempotency_key);
        let warehouse_id = fields.parse("warehouse_id", &request.warehouse_id);
        let condition = parse::condition(&mut fields, "condition", request.condition);
        let corrections = corrections(&mut fields, &request.lines);
        let note = fields.required_text("note", &request.note, parse::NOTE_LENGTH_MAX);
        let (warehouse_id, condition) = fields.finish_with(warehouse_id.zip(condition))?;
        Ok(Self { warehouse_id, condition, corrections, note })
    }
}

fn corrections(fields: &mut Fields, lines: &[pb::StockAdjustment]) -> BTreeMap<Sku, Correction> {
    fields.list_length("lines", lines.len(), parse::POSTING_LINES_MAX);
    let mut corrections = BTreeMap::new();
    for (at, line) in lines.iter().enumerate().take(parse::POSTING_LINES_MAX) {
        let sku: Option<Sku> = fields.parse(&format!("lines[{at}].sku"), &line.sku);
        let correction = correction(fields, at, line);
        if let (Some(sku), Some(correction)) = (sku, correction)
            && corrections.insert(sku, correction).is_some()
        {
            fields.refuse(format!("lines[{at}].sku"), "DUPLICATE", "each SKU once");
        }
    }
    corrections
}

fn correction(fields: &mut Fields, at: usize, line: &pb::StockAdjustment) -> Option<Correction> {
    const MAX: i64 = StockLevel::ON_HAND_MAX;
    match line.change {
        Some(pb::stock_adjustment::Change::Counted(units @ 0..=MAX)) => Some(Correction::Counted(units)),
        Some(pb::stock_adjustment::Change::Counted(_)) => {
            fields.refuse(format!("lines[{at}].counted"), "OUT_OF_RANGE", format!("0 to {MAX}"));
            None
        }
        Some(pb::stock_adjustment::Change::Delta(units))
            if units != 0 && units.unsigned_abs() <= MAX as u64 =>
        {
            Some(Correction::Delta(units))
        }
        Some(pb::stock_adjustment::Change::Delta(_)) => {
            fields.refuse(
                format!("lines[{at}].delta"),
                "OUT_OF_RANGE",
                format!("not 0, and at most {MAX} either way"),
            );
            None
        }
        None => {
            fields.refuse(format!("lines[{at}]"), "REQUIRED", "a counted quantity or a difference");
            None
        }
    }
}
