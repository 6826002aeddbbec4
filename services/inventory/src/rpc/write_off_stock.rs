//! Posts goods that are gone or worthless.

use std::collections::BTreeMap;

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::{Sku, WarehouseId};

use crate::Inventory;
use crate::error::Result;
use crate::model::{
    Condition, Document, DocumentKind, Kind, Movement, Provenance, Stock, Warehouse, WriteOffReason,
};
use crate::post::{self, places};
use crate::rpc::parse;

/// The levels after the posting, and the reservations that lost units, newest first.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::WriteOffStockRequest,
) -> Result<pb::WriteOffStockResponse> {
    let write_off = WriteOff::parse(&request)?;

    let once = Once { scope: "org", method: "inventory.write_off_stock", key: &request.idempotency_key };
    let post = async |tx: &mut Tx| {
        let WriteOff { warehouse_id, condition, units, reason, reference, note } = write_off;
        Warehouse::require(tx.conn(), warehouse_id).await?;
        let places = places(units.keys(), warehouse_id, condition);
        let stock = Stock::open(tx, &places).await?;

        let occasion = inventory.occasion(call.caller.who(), tx.now());
        let document = Document::new(DocumentKind::WriteOff, call.caller.who(), tx.now());
        let document = Document { reason: Some(reason), reference, note, ..document };
        let movement = |(sku, units): (Sku, i64)| Movement {
            sku,
            warehouse_id,
            condition,
            units: -units,
            kind: Kind::WriteOff,
        };
        let movements: Vec<Movement> = units.into_iter().map(movement).collect();

        let action = "inventory.write_off_stock";
        let posted =
            post::post(tx, action, stock, document, &movements, &Provenance::Moved, &occasion).await?;

        let (document, short_reservation_ids) = (posted.wire_document(), posted.short_ids());
        Ok(pb::WriteOffStockResponse { document, levels: posted.levels(&places), short_reservation_ids })
    };
    inventory.store.once(call, once, &request, post).await
}

struct WriteOff {
    warehouse_id: WarehouseId,
    condition: Condition,
    units: BTreeMap<Sku, i64>,
    reason: WriteOffReason,
    reference: String,
    note: String,
}

impl WriteOff {
    fn parse(request: &pb::WriteOffStockRequest) -> Result<Self> {
        let mut fields = Fields::new();
        fields.idempotency_key(&request.idempotency_key);
        let warehouse_id = fields.parse("warehouse_id", &request.warehouse_id);
        let units = parse::units(&mut fields, &request.lines, parse::POSTING_LINES_MAX);
        let reason = reason(&mut fields, request.reason);
        let note = match reason {
            Some(WriteOffReason::Other) => {
                fields.required_text("note", &request.note, parse::NOTE_LENGTH_MAX)
            }
            _ => fields.text("note", &request.note, parse::NOTE_LENGTH_MAX),
        };
        let reference = fields.text("reference", &request.reference, parse::REFERENCE_LENGTH_MAX);
        let condition = parse::condition(&mut fields, "condition", request.condition);
        let ((warehouse_id, condition), reason) =
            fields.finish_with(warehouse_id.zip(condition).zip(reason))?;
        Ok(Self { warehouse_id, condition, units, reason, reference, note })
    }
}

/// One of the closed list; what transfers and returns write off, they say themselves.
fn reason(fields: &mut Fields, reason: i32) -> Option<WriteOffReason> {
    use pb::WriteOffReason as Pb;
    match Pb::try_from(reason) {
        Ok(Pb::Damaged) => Some(WriteOffReason::Damaged),
        Ok(Pb::Expired) => Some(WriteOffReason::Expired),
        Ok(Pb::Lost) => Some(WriteOffReason::Lost),
        Ok(Pb::Stolen) => Some(WriteOffReason::Stolen),
        Ok(Pb::Defective) => Some(WriteOffReason::Defective),
        Ok(Pb::OwnUse) => Some(WriteOffReason::OwnUse),
        Ok(Pb::Other) => Some(WriteOffReason::Other),
        Ok(Pb::LostInTransit | Pb::ReturnedUnfit) => {
            fields.refuse("reason", "NOT_ALLOWED", "only transfers and returns give this reason");
            None
        }
        Ok(Pb::Unspecified) => {
            fields.refuse("reason", "REQUIRED", "is required");
            None
        }
        Err(_) => {
            fields.refuse("reason", "UNKNOWN", "not a reason for a write-off");
            None
        }
    }
}
