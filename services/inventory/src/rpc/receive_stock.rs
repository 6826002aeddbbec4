//! Posts received goods.

use std::collections::BTreeMap;

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::{Sku, WarehouseId};

use crate::Inventory;
use crate::error::Result;
use crate::model::{
    Condition, Document, DocumentKind, Kind, Movement, Provenance, Purchase, Stock, Units, Warehouse,
};
use crate::post::{self, places};
use crate::rpc::parse;

/// The most that a line's units may have cost together, in minor units: sums over many lines must fit into 64 bits.
const LINE_VALUE_MAX: i128 = 10_000_000_000_000;

/// The levels after the posting.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ReceiveStockRequest,
) -> Result<pb::ReceiveStockResponse> {
    let receipt = Receipt::parse(&request)?;

    let once = Once { scope: "org", method: "inventory.receive_stock", key: &request.idempotency_key };
    let receive = async |tx: &mut Tx| {
        let Receipt { warehouse_id, condition, lines, reference, note } = receipt;
        Warehouse::require(tx.conn(), warehouse_id).await?;
        let places = places(lines.iter().map(|line| &line.sku), warehouse_id, condition);
        let stock = Stock::open(tx, &places).await?;

        let occasion = inventory.occasion(call.caller.who(), tx.now());
        let document = Document::new(DocumentKind::Receipt, call.caller.who(), tx.now());
        let document = Document { reference, note, ..document };
        let movement = |Bought { sku, units, purchase }| {
            (Movement { sku, warehouse_id, condition, units, kind: Kind::Receipt }, purchase)
        };
        let (movements, purchases): (Vec<_>, Vec<_>) = lines.into_iter().map(movement).unzip();
        let bought = Provenance::Bought(purchases);

        let action = "inventory.receive_stock";
        let posted = post::post(tx, action, stock, document, &movements, &bought, &occasion).await?;

        let document = posted.wire_document();
        Ok(pb::ReceiveStockResponse { levels: posted.levels(&places), document })
    };
    inventory.store.once(call, once, &request, receive).await
}

struct Receipt {
    warehouse_id: WarehouseId,
    condition: Condition,
    lines: Vec<Bought>,
    reference: String,
    note: String,
}

/// Units that came under the same terms.
struct Bought {
    sku: Sku,
    units: i64,
    purchase: Purchase,
}

impl Receipt {
    fn parse(request: &pb::ReceiveStockRequest) -> Result<Self> {
        let mut fields = Fields::new();
        fields.idempotency_key(&request.idempotency_key);
        let warehouse_id = fields.parse("warehouse_id", &request.warehouse_id);
        let condition = parse::condition(&mut fields, "condition", request.condition);
        let lines = bought(&mut fields, &request.lines);
        let reference = fields.text("reference", &request.reference, parse::REFERENCE_LENGTH_MAX);
        let note = fields.text("note", &request.note, parse::NOTE_LENGTH_MAX);
        let (warehouse_id, condition) = fields.finish_with(warehouse_id.zip(condition))?;
        Ok(Self { warehouse_id, condition, lines, reference, note })
    }
}

/// What came, by SKU; lines that say the same of one SKU are added up.
fn bought(fields: &mut Fields, lines: &[pb::ReceiptLine]) -> Vec<Bought> {
    fields.list_length("lines", lines.len(), parse::POSTING_LINES_MAX);
    let mut bought: BTreeMap<Sku, Vec<Bought>> = BTreeMap::new();
    for (at, line) in lines.iter().enumerate().take(parse::POSTING_LINES_MAX) {
        let Some(one) = bought_line(fields, at, line) else { continue };
        let of_sku = bought.entry(one.sku.clone()).or_default();
        match of_sku.iter_mut().find(|other| other.purchase == one.purchase) {
            Some(same) => same.units += one.units,
            None => of_sku.push(one),
        }
    }
    bought.into_values().flatten().collect()
}

fn bought_line(fields: &mut Fields, at: usize, line: &pb::ReceiptLine) -> Option<Bought> {
    let sku = fields.parse(&format!("lines[{at}].sku"), &line.sku);
    let units: Option<Units> = fields.convert(&format!("lines[{at}].quantity"), line.quantity);
    let unit_cost = fields.money_optional(&format!("lines[{at}].unit_cost"), line.unit_cost.as_ref());
    let field = format!("lines[{at}].supplier_order");
    let supplier_order = fields.text(&field, line.supplier_order.trim(), parse::REFERENCE_LENGTH_MAX);
    if let (Some(units), Some(unit_cost)) = (units, unit_cost) {
        let value = i128::from(units.get()) * i128::from(unit_cost.minor());
        let message = format!("not negative, and at most {LINE_VALUE_MAX} minor units for the whole line");
        let is_possible = (0..=LINE_VALUE_MAX).contains(&value);
        fields.check(is_possible, &format!("lines[{at}].unit_cost"), "OUT_OF_RANGE", &message);
    }
    Some(Bought { sku: sku?, units: units?.get(), purchase: Purchase { unit_cost, supplier_order } })
}
