//! Tells what a receipt or a correction did to stock.

use proto::inventory::v1 as pb;
use store::{Audit, Tx};
use types::{Id, Kind, WarehouseId};

use crate::model::{Cause, Stock};
use crate::wire;

/// Receipts and corrections: documents that never change, so each is an aggregate of one event.
enum Document {}

impl Kind for Document {
    const PREFIX: &'static str = "doc";
}

/// Writes history and the event; answers the levels after the posting. A count that confirms what was known changes
/// nothing and is only history.
pub fn tell(
    tx: &mut Tx,
    action: &'static str,
    warehouse_id: WarehouseId,
    cause: &Cause,
    stock: &Stock,
) -> Vec<pb::StockLevel> {
    let audit = Audit::new(action, warehouse_id).set("reference", &cause.reference).set("note", &cause.note);
    tx.audit(stock.changed().fold(audit, |audit, level| {
        let field = format!("on_hand of {}, {}", level.sku, level.condition.text());
        audit.change(&field, level.on_hand - stock.posted_on_hand(&level.sku), level.on_hand)
    }));

    let changed: Vec<_> = stock.changed().map(wire::stock_level).collect();
    if !changed.is_empty() {
        let event = pb::StockPosted { levels: changed, kind: wire::posting_kind(cause.kind).into() };
        events::append(tx, Id::<Document>::new(), 1, None, &event);
    }
    stock.levels().map(wire::stock_level).collect()
}
