//! Corrects quantities, and shows at once whose units are gone.

use std::collections::BTreeMap;

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::{Sku, WarehouseId};

use crate::error::Result;
use crate::model::{
    Cause, Condition, Correction, Corrections, Kind, Reservation, Stock, StockLevel, Warehouse,
};
use crate::rpc::{parse, posted};
use crate::{Inventory, wire};

/// The levels after the posting, and the reservations that lost units, newest first.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::AdjustStockRequest,
) -> Result<pb::AdjustStockResponse> {
    let Adjustment { warehouse_id, condition, corrections, cause } = Adjustment::parse(&request, call)?;

    let once = Once { scope: "org", method: "inventory.adjust_stock", key: &request.idempotency_key };
    let adjust = async |tx: &mut Tx| {
        Warehouse::require(tx.conn(), warehouse_id).await?;
        let skus: Vec<&str> = corrections.keys().map(Sku::as_str).collect();
        let mut stock = Stock::open(tx, warehouse_id, condition, &skus).await?;
        let corrections = Corrections::of(&corrections, &stock, warehouse_id)?;
        let holding = Reservation::lock_holding(tx, warehouse_id, &corrections.short_skus()).await?;

        let short = corrections.post(&mut stock, holding, &cause)?;

        stock.save(tx).await?;
        Reservation::save_losses(tx, &short.iter().collect::<Vec<_>>()).await?;

        let levels = posted::tell(tx, "inventory.adjust_stock", warehouse_id, &cause, &stock);
        for reservation in &short {
            let shop_id = reservation.holder.as_ref().map(|holder| holder.shop_id);
            let event = pb::StockShort { reservation: Some(wire::reservation(reservation)) };
            events::append(tx, reservation.id, reservation.version, shop_id, &event);
        }
        let short_reservation_ids = short.iter().map(|reservation| reservation.id.to_string()).collect();
        Ok(pb::AdjustStockResponse { levels, short_reservation_ids })
    };
    inventory.store.once(call, once, &request, adjust).await
}

struct Adjustment {
    warehouse_id: WarehouseId,
    condition: Condition,
    corrections: BTreeMap<Sku, Correction>,
    cause: Cause,
}

impl Adjustment {
    fn parse(request: &pb::AdjustStockRequest, call: &Call) -> Result<Self> {
        let mut fields = Fields::new();
        fields.idempotency_key(&request.idempotency_key);
        let warehouse_id = fields.parse("warehouse_id", &request.warehouse_id);
        let condition = parse::condition(&mut fields, request.condition);
        let corrections = corrections(&mut fields, &request.lines);
        let note = fields.required_text("note", &request.note, parse::NOTE_LENGTH_MAX);
        let (warehouse_id, condition) = fields.finish_with(warehouse_id.zip(condition))?;
        let (reference, actor) = (String::new(), call.caller.who());
        let cause = Cause { kind: Kind::Adjustment, reference, note, actor, shop_id: None };
        Ok(Self { warehouse_id, condition, corrections, cause })
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
