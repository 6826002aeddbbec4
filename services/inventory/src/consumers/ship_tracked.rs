//! Ships an order's reservation when its parcel is first seen to move.

use events::{Applied, Event};
use prost::Message;
use proto::delivery::v1::{ShipmentTracked, TrackingStatus};
use store::Tx;
use types::{OrderId, ReservationId};

use crate::batch;
use crate::end::{self, Act, End};
use crate::error::Error;
use crate::model::{Goods, Shipment};

/// Applies one event; nothing happens when the reservation has been shipped before.
pub async fn handle(tx: &mut Tx, event: &Event) -> Applied {
    let shipment = ShipmentTracked::decode(event.body.as_ref())?.shipment.unwrap_or_default();
    if !has_left(shipment.status()) {
        return Ok(());
    }
    let order_id: OrderId = shipment.order_id.parse()?;
    let shipment = Shipment { reference: shipment.shipment_id, goods: Goods::All, warehouse_id: None };
    let end = End {
        call: tx.call().clone(),
        action: "inventory.ship_tracked",
        reservation_id: ReservationId::derived(order_id.uuid(), 0),
        act: Act::Ship(shipment),
    };

    match end::all(tx, &[end]).await.and_then(batch::only) {
        // Nothing was held for it: an order of services, or one from before stock was kept here.
        Err(Error::ReservationNotFound { .. }) => Ok(()),
        // The units were promised to others when the order was cancelled: a person must count what is left.
        Err(error @ Error::ReservationReleased { .. }) => {
            tracing::warn!(%order_id, %error, "a parcel moves whose units were given back");
            Ok(())
        }
        answer => Ok(answer.map(drop)?),
    }
}

/// Whether a parcel of this status has left the warehouse.
fn has_left(status: TrackingStatus) -> bool {
    match status {
        TrackingStatus::PickedUp
        | TrackingStatus::InTransit
        | TrackingStatus::OutForDelivery
        | TrackingStatus::ReadyForPickup
        | TrackingStatus::DeliveryFailed
        | TrackingStatus::Delivered
        | TrackingStatus::ReturnToSender => true,
        // These are also said of parcels that still wait for the carrier.
        TrackingStatus::OnHold | TrackingStatus::DeliveryDelayed => false,
        TrackingStatus::Unspecified
        | TrackingStatus::Pending
        | TrackingStatus::Cancelled
        | TrackingStatus::Unknown => false,
    }
}
