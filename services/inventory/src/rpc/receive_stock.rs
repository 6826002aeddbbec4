//! Posts received goods.

use std::collections::BTreeMap;
use std::sync::Arc;

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::{Sku, WarehouseId};

use crate::Inventory;
use crate::error::Result;
use crate::model::{Cause, Condition, Delta, Kind, Stock, Warehouse};
use crate::rpc::{parse, posted};

/// The levels after the posting.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ReceiveStockRequest,
) -> Result<pb::ReceiveStockResponse> {
    let receipt = Receipt::parse(&request, call)?;

    let once = Once { scope: "org", method: "inventory.receive_stock", key: &request.idempotency_key };
    let receive = async |tx: &mut Tx| {
        Warehouse::require(tx.conn(), receipt.warehouse_id).await?;
        let skus: Vec<&str> = receipt.units.keys().map(Sku::as_str).collect();
        let mut stock = Stock::open(tx, receipt.warehouse_id, receipt.condition, &skus).await?;

        for (sku, units) in &receipt.units {
            stock.post(sku, receipt.warehouse_id, Delta::on_hand(*units), &receipt.cause)?;
        }

        stock.save(tx).await?;

        let levels =
            posted::tell(tx, "inventory.receive_stock", receipt.warehouse_id, &receipt.cause, &stock);
        Ok(pb::ReceiveStockResponse { levels })
    };
    inventory.store.once(call, once, &request, receive).await
}

struct Receipt {
    warehouse_id: WarehouseId,
    condition: Condition,
    units: BTreeMap<Sku, i64>,
    cause: Arc<Cause>,
}

impl Receipt {
    fn parse(request: &pb::ReceiveStockRequest, call: &Call) -> Result<Self> {
        let mut fields = Fields::new();
        fields.idempotency_key(&request.idempotency_key);
        let warehouse_id = fields.parse("warehouse_id", &request.warehouse_id);
        let condition = parse::condition(&mut fields, request.condition);
        let units = parse::units(&mut fields, &request.lines, parse::POSTING_LINES_MAX);
        let reference = fields.text("reference", &request.reference, parse::REFERENCE_LENGTH_MAX);
        let note = fields.text("note", &request.note, parse::NOTE_LENGTH_MAX);
        let (warehouse_id, condition) = fields.finish_with(warehouse_id.zip(condition))?;
        let cause = Cause { kind: Kind::Receipt, reference, note, actor: call.caller.who(), shop_id: None };
        Ok(Self { warehouse_id, condition, units, cause: Arc::new(cause) })
    }
}
