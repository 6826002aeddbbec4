//! Adds a warehouse.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Once, Tx};
use types::WarehouseId;

use crate::error::Result;
use crate::model::Warehouse;
use crate::schema::warehouses;
use crate::{Inventory, wire};

const NAME_LENGTH_MAX: usize = 200;

/// The new warehouse.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::CreateWarehouseRequest,
) -> Result<pb::Warehouse> {
    let new = parse(&request)?;

    let once = Once { scope: "org", method: "inventory.create_warehouse", key: &request.idempotency_key };
    let create = async |tx: &mut Tx| {
        let warehouse = Warehouse {
            id: WarehouseId::new(),
            name: new.name,
            archived: new.archived,
            create_time: tx.now(),
        };

        diesel::insert_into(warehouses::table)
            .values((
                warehouses::warehouse_id.eq(warehouse.id.uuid()),
                warehouses::name.eq(&warehouse.name),
                warehouses::archived.eq(warehouse.archived),
                warehouses::create_time.eq(warehouse.create_time),
            ))
            .execute(tx.conn())
            .await?;

        let audit = Audit::new("inventory.create_warehouse", warehouse.id);
        tx.audit(audit.set("name", &warehouse.name).set("archived", warehouse.archived));
        Ok(wire::warehouse(&warehouse))
    };
    inventory.store.once(call, once, &request, create).await
}

/// What the caller chooses; the rest of the resource is ours.
struct New {
    name: String,
    archived: bool,
}

fn parse(request: &pb::CreateWarehouseRequest) -> Result<New> {
    let mut fields = Fields::new();
    fields.idempotency_key(&request.idempotency_key);
    let warehouse = fields.present("warehouse", request.warehouse.as_ref());
    let new = warehouse.map(|warehouse| New {
        name: fields.required_text("warehouse.name", &warehouse.name, NAME_LENGTH_MAX),
        archived: warehouse.archived,
    });
    Ok(fields.finish_with(new)?)
}
