//! Takes missing units from a named warehouse now.

use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::{ShortageId, WarehouseId};

use crate::error::{Error, Result};
use crate::model::{Lack, Reservation, Shortage, Stock, Units, Warehouse, Warehouses};
use crate::{Inventory, tell_shortages, wire};

const ACTION: &str = "inventory.cover_shortage";

/// The shortage, covered or smaller.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::CoverShortageRequest,
) -> Result<pb::Shortage> {
    let Order { id, warehouse_id, units } = Order::parse(&request)?;

    let once = Once { scope: "org", method: ACTION, key: &request.idempotency_key };
    let cover = async |tx: &mut Tx| {
        Warehouse::require(tx.conn(), warehouse_id).await?;
        if !Warehouses::load(tx.conn()).await?.is_open(warehouse_id) {
            return Err(Error::WarehouseArchived { id: warehouse_id });
        }
        let found = Shortage::find(tx.conn(), id).await?;
        let (reservation_id, shortage) = found.ok_or(Error::ShortageNotFound { id })?;
        let skus = Reservation::skus(tx.conn(), &[reservation_id]).await?;
        let mut stock = Stock::lock(tx, &skus.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        let mut locked = Reservation::lock(tx, &[reservation_id], &[]).await?;
        let visible = locked.remove(&reservation_id).filter(|one| one.is_visible_to(&call.caller.shops));
        let mut reservation = visible.ok_or(Error::ShortageNotFound { id })?;

        let sku = &shortage.sku;
        let still_open = reservation.shortages.iter().find(|shortage| shortage.id == id);
        let missing = still_open.ok_or(Error::ShortageEnded { id })?.missing;
        let available = stock.available(sku, warehouse_id);
        let wanted = units.map_or(missing.min(available.max(1)), Units::get);
        if wanted > missing {
            return Err(Error::MoreThanMissing { id, wanted, missing });
        }
        if wanted > available {
            let lack = Lack { sku: sku.clone(), wanted, available };
            return Err(Error::OutOfStock { lacks: vec![lack] });
        }
        let occasion = inventory.occasion(call.caller.who(), tx.now());
        reservation.cover(sku, wanted, &[warehouse_id], &mut stock, &occasion)?;
        let changes = reservation.shortage_changes();

        stock.save(tx).await?;
        Reservation::save(tx, &[&reservation]).await?;

        tell_shortages::tell(tx, call, ACTION, &reservation, &changes);
        let covered = reservation.shortages.iter().find(|shortage| shortage.id == id);
        let covered = covered.ok_or(Error::ShortageEnded { id })?;
        Ok(wire::shortage(covered, &reservation))
    };
    inventory.store.once(call, once, &request, cover).await
}

struct Order {
    id: ShortageId,
    warehouse_id: WarehouseId,
    /// `None`: as many as there are.
    units: Option<Units>,
}

impl Order {
    fn parse(request: &pb::CoverShortageRequest) -> Result<Self> {
        let mut fields = Fields::new();
        fields.idempotency_key(&request.idempotency_key);
        let id = fields.parse("shortage_id", &request.shortage_id);
        let warehouse_id = fields.parse("warehouse_id", &request.warehouse_id);
        let units = match request.quantity {
            0 => None,
            quantity => fields.convert("quantity", quantity),
        };
        let (id, warehouse_id) = fields.finish_with(id.zip(warehouse_id))?;
        Ok(Self { id, warehouse_id, units })
    }
}
