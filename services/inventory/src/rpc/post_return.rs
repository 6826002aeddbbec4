//! Posts goods that a buyer sent back.

use std::collections::{BTreeMap, BTreeSet};

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::Tx;
use types::{OrderId, ReturnId, ReturnPostingId, ShopId, Sku, StockDocumentId, WarehouseId};

use crate::error::{Error, Result};
use crate::model::{
    Condition, CostLayers, Document, DocumentKind, Kind, Movement, Provenance, Stock, Units, Warehouse,
    WriteOffReason,
};
use crate::post::{self, places_of};
use crate::rpc::parse;
use crate::{Inventory, wire};

/// The document and the levels after it; a repeat of the posting gets its document and the levels as they are now.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::PostReturnRequest,
) -> Result<pb::PostReturnResponse> {
    let returned = Returned::parse(&request)?;

    let post = async |tx: &mut Tx| {
        Warehouse::require(tx.conn(), returned.warehouse_id).await?;
        // Two calls with one posting meet at the locks: whoever comes second sees the first one's document.
        let places = places_of(&returned.movements);
        let stock = Stock::open(tx, &places).await?;
        let earlier = Document::find(tx.conn(), returned.document_id()).await?;
        if let Some(earlier) = earlier {
            returned.require_same(tx, &earlier).await?;
            let levels = places.iter().filter_map(|(sku, id, condition)| stock.level(sku, *id, *condition));
            let levels = levels.map(wire::stock_level).collect();
            return Ok(pb::PostReturnResponse { document: Some(wire::document(&earlier, None)), levels });
        }

        let occasion = inventory.occasion(call.caller.who(), tx.now());
        let document = Document {
            id: returned.document_id(),
            reason: returned.reason(),
            reference: returned.return_id.to_string(),
            note: returned.note.clone(),
            shop_id: Some(returned.shop_id),
            ..Document::new(DocumentKind::Return, call.caller.who(), tx.now())
        };

        let back = returned.provenance(tx).await?;

        let action = "inventory.post_return";
        let posted = post::post(tx, action, stock, document, &returned.movements, &back, &occasion).await?;

        let document = posted.wire_document();
        Ok::<_, Error>(pb::PostReturnResponse { document, levels: posted.levels(&places) })
    };
    inventory.store.transaction(call, post).await
}

struct Returned {
    posting_id: ReturnPostingId,
    return_id: ReturnId,
    order_id: Option<OrderId>,
    shop_id: ShopId,
    warehouse_id: WarehouseId,
    movements: Vec<Movement>,
    note: String,
}

impl Returned {
    fn parse(request: &pb::PostReturnRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let posting_id = fields.parse("posting_id", &request.posting_id);
        let return_id = fields.parse("return_id", &request.return_id);
        let order_id = fields.parse_optional("order_id", &request.order_id);
        let shop_id = fields.parse("shop_id", &request.shop_id);
        let warehouse_id = fields.parse("warehouse_id", &request.warehouse_id);
        fields.list_length("lines", request.lines.len(), parse::POSTING_LINES_MAX);
        let mut found = Vec::new();
        let mut notes = Vec::new();
        for (at, line) in request.lines.iter().enumerate().take(parse::POSTING_LINES_MAX) {
            found.extend(unit(&mut fields, at, line));
            let note = fields.text(&format!("lines[{at}].note"), &line.note, parse::NOTE_LENGTH_MAX);
            if !note.trim().is_empty() {
                notes.push(format!("{}: {}", line.sku, note.trim()));
            }
        }
        let named = posting_id.zip(return_id).zip(shop_id).zip(warehouse_id);
        let (((posting_id, return_id), shop_id), warehouse_id) = fields.finish_with(named)?;
        let movements =
            found.into_iter().flat_map(|(sku, units, fate)| fate.movements(&sku, units, warehouse_id));
        let note = notes.join("; ").chars().take(parse::NOTE_LENGTH_MAX).collect();
        let movements = movements.collect();
        Ok(Self { posting_id, return_id, order_id, shop_id, warehouse_id, movements, note })
    }

    /// The same posting always makes the same document.
    fn document_id(&self) -> StockDocumentId {
        StockDocumentId::derived(self.posting_id.uuid(), 0)
    }

    /// What comes back costs what it cost when it left for the order.
    async fn provenance(&self, tx: &mut Tx) -> Result<Provenance> {
        let owner = self.order_id.map(|id| id.to_string());
        let skus: BTreeSet<&str> = self.movements.iter().map(|movement| movement.sku.as_str()).collect();
        let sold = match &owner {
            Some(owner) => CostLayers::sold(tx, owner, &skus.into_iter().collect::<Vec<_>>()).await?,
            None => BTreeMap::new(),
        };
        Ok(Provenance::Returned { owner, sold })
    }

    fn reason(&self) -> Option<WriteOffReason> {
        let is_written_off = self.movements.iter().any(|movement| movement.kind == Kind::WriteOff);
        is_written_off.then_some(WriteOffReason::ReturnedUnfit)
    }

    async fn require_same(&self, tx: &mut Tx, earlier: &Document) -> Result<()> {
        let posted = Document::movements(tx.conn(), earlier.id).await?;
        let is_same = earlier.reference == self.return_id.to_string()
            && earlier.shop_id == Some(self.shop_id)
            && posted == self.movements;
        if is_same { Ok(()) } else { Err(Error::PostingMismatch { id: self.posting_id }) }
    }
}

/// What becomes of returned units.
#[derive(Clone, Copy)]
enum Fate {
    Into(Condition),
    WrittenOff,
}

impl Fate {
    /// Units that are written off come and go, so that the ledger tells both.
    fn movements(self, sku: &Sku, units: i64, warehouse_id: WarehouseId) -> Vec<Movement> {
        let moved = |condition, units, kind| {
            let sku = sku.clone();
            Movement { sku, warehouse_id, condition, units, kind }
        };
        match self {
            Self::Into(condition) => vec![moved(condition, units, Kind::Return)],
            Self::WrittenOff => vec![
                moved(Condition::Damaged, units, Kind::Return),
                moved(Condition::Damaged, -units, Kind::WriteOff),
            ],
        }
    }
}

fn unit(fields: &mut Fields, at: usize, line: &pb::ReturnedQuantity) -> Option<(Sku, i64, Fate)> {
    let sku = fields.parse(&format!("lines[{at}].sku"), &line.sku);
    let units: Option<Units> = fields.convert(&format!("lines[{at}].quantity"), line.quantity);
    let fate = match pb::ReturnDisposition::try_from(line.disposition) {
        Ok(pb::ReturnDisposition::Sellable) => Some(Fate::Into(Condition::Sellable)),
        Ok(pb::ReturnDisposition::Quarantine) => Some(Fate::Into(Condition::Quarantine)),
        Ok(pb::ReturnDisposition::WriteOff) => Some(Fate::WrittenOff),
        Ok(pb::ReturnDisposition::Unspecified) => {
            fields.refuse(format!("lines[{at}].disposition"), "REQUIRED", "is required");
            None
        }
        Err(_) => {
            fields.refuse(format!("lines[{at}].disposition"), "UNKNOWN", "not a disposition");
            None
        }
    };
    Some((sku?, units?.get(), fate?))
}
