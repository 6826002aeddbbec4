//! Posts received goods.

use std::collections::BTreeMap;

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::{Sku, WarehouseId};

use crate::Inventory;
use crate::error::Result;
use crate::model::{Condition, Document, DocumentKind, Kind, Movement, Stock, Warehouse};
use crate::post::{self, places};
use crate::rpc::parse;

/// The levels after the posting.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ReceiveStockRequest,
) -> Result<pb::ReceiveStockResponse> {
    let receipt = Receipt::parse(&request)?;

    let once = Once { scope: "org", method: "inventory.receive_stock", key: &request.idempotency_key };
    let receive = async |tx: &mut Tx| {
        let Receipt { warehouse_id, condition, units, reference, note } = receipt;
        Warehouse::require(tx.conn(), warehouse_id).await?;
        let places = places(units.keys(), warehouse_id, condition);
        let stock = Stock::open(tx, &places).await?;

        let occasion = inventory.occasion(call.caller.who(), tx.now());
        let document = Document::new(DocumentKind::Receipt, call.caller.who(), tx.now());
        let document = Document { reference, note, ..document };
        let movement = |(sku, units)| Movement { sku, warehouse_id, condition, units, kind: Kind::Receipt };
        let movements: Vec<Movement> = units.into_iter().map(movement).collect();

        let action = "inventory.receive_stock";
        let posted = post::post(tx, action, stock, document, &movements, &occasion).await?;

        let document = posted.wire_document();
        Ok(pb::ReceiveStockResponse { levels: posted.levels(&places), document })
    };
    inventory.store.once(call, once, &request, receive).await
}

struct Receipt {
    warehouse_id: WarehouseId,
    condition: Condition,
    units: BTreeMap<Sku, i64>,
    reference: String,
    note: String,
}

impl Receipt {
    fn parse(request: &pb::ReceiveStockRequest) -> Result<Self> {
        let mut fields = Fields::new();
        fields.idempotency_key(&request.idempotency_key);
        let warehouse_id = fields.parse("warehouse_id", &request.warehouse_id);
        let condition = parse::condition(&mut fields, "condition", request.condition);
        let units = parse::units(&mut fields, &request.lines, parse::POSTING_LINES_MAX);
        let reference = fields.text("reference", &request.reference, parse::REFERENCE_LENGTH_MAX);
        let note = fields.text("note", &request.note, parse::NOTE_LENGTH_MAX);
        let (warehouse_id, condition) = fields.finish_with(warehouse_id.zip(condition))?;
        Ok(Self { warehouse_id, condition, units, reference, note })
    }
}
