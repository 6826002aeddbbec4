//! Returns one shipment.

use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use types::ShipmentId;

use crate::error::{Error, Result};
use crate::model::shipment::Shipment;
use crate::model::shipment_rows;
use crate::{Delivery, wire};

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::GetShipmentRequest,
) -> Result<pb::Shipment> {
    let mut fields = Fields::new();
    let id = fields.parse("shipment_id", &request.shipment_id);
    let id = fields.finish_with(id)?;

    Ok(wire::shipment(&find_visible(delivery, call, id).await?))
}

/// The shipment as it was at one moment, when the caller sees its shop: jobs and webhooks change it while it is being read.
pub async fn find_visible(delivery: &Delivery, call: &Call, id: ShipmentId) -> Result<Shipment> {
    let mut connection = delivery.store.connection().await?;
    let mut moment = connection.build_transaction().read_only().repeatable_read();
    let found = moment.run(async |conn| shipment_rows::find(conn, id).await).await?;
    found.filter(|shipment| call.caller.shops.allow(shipment.shop_id)).ok_or(Error::ShipmentNotFound)
}
