//! Makes units sellable, or takes them out of sale.

use std::collections::BTreeMap;

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::{Sku, WarehouseId};

use crate::Inventory;
use crate::error::Result;
use crate::model::{Condition, Document, DocumentKind, Kind, Movement, Provenance, Stock, Warehouse};
use crate::post::{self, places_of};
use crate::rpc::parse;

/// The levels after the posting, and the reservations that lost units, newest first.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ChangeConditionRequest,
) -> Result<pb::ChangeConditionResponse> {
    let Verdict { warehouse_id, from, to, units, reference, note } = Verdict::parse(&request)?;

    let once = Once { scope: "org", method: "inventory.change_condition", key: &request.idempotency_key };
    let change = async |tx: &mut Tx| {
        Warehouse::require(tx.conn(), warehouse_id).await?;
        let moved = |sku: &Sku, condition, units| {
            let (sku, kind) = (sku.clone(), Kind::ConditionChange);
            Movement { sku, warehouse_id, condition, units, kind }
        };
        let movements: Vec<Movement> = units
            .iter()
            .flat_map(|(sku, units)| [moved(sku, from, -units), moved(sku, to, *units)])
            .collect();
        let places = places_of(&movements);
        let stock = Stock::open(tx, &places).await?;

        let occasion = inventory.occasion(call.caller.who(), tx.now());
        let document = Document::new(DocumentKind::ConditionChange, call.caller.who(), tx.now());
        let document = Document { reference, note, ..document };

        let action = "inventory.change_condition";
        let posted =
            post::post(tx, action, stock, document, &movements, &Provenance::Moved, &occasion).await?;

        let (document, short_reservation_ids) = (posted.wire_document(), posted.short_ids());
        Ok(pb::ChangeConditionResponse { document, levels: posted.levels(&places), short_reservation_ids })
    };
    inventory.store.once(call, once, &request, change).await
}

/// What somebody found out about units.
struct Verdict {
    warehouse_id: WarehouseId,
    from: Condition,
    to: Condition,
    units: BTreeMap<Sku, i64>,
    reference: String,
    note: String,
}

impl Verdict {
    fn parse(request: &pb::ChangeConditionRequest) -> Result<Self> {
        let mut fields = Fields::new();
        fields.idempotency_key(&request.idempotency_key);
        let warehouse_id = fields.parse("warehouse_id", &request.warehouse_id);
        let units = parse::units(&mut fields, &request.lines, parse::POSTING_LINES_MAX);
        let from = named_condition(&mut fields, "from", request.from);
        let to = named_condition(&mut fields, "to", request.to);
        let is_change = from.is_none() || from != to;
        fields.check(is_change, "to", "UNCHANGED", "another condition than before");
        let note = fields.required_text("note", &request.note, parse::NOTE_LENGTH_MAX);
        let reference = fields.text("reference", &request.reference, parse::REFERENCE_LENGTH_MAX);
        let ((warehouse_id, from), to) = fields.finish_with(warehouse_id.zip(from).zip(to))?;
        Ok(Self { warehouse_id, from, to, units, reference, note })
    }
}

/// Nothing is meant by saying nothing.
fn named_condition(fields: &mut Fields, field: &str, condition: i32) -> Option<Condition> {
    if condition == pb::Condition::Unspecified as i32 {
        fields.refuse(field, "REQUIRED", "is required");
        return None;
    }
    parse::condition(fields, field, condition)
}
