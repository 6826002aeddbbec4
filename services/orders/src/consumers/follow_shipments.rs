//! Follows an order's parcel: what has left, what has arrived.

use anyhow::Context;
use events::{Applied, Event};
use prost::Message;
use proto::delivery::v1::{ShipmentTracked, TrackingStatus};
use store::Tx;
use types::ShipmentId;

use crate::consumers::follow;
use crate::model::tracking::Tracking;

/// Applies one event of delivery.
pub async fn handle(tx: &mut Tx, event: &Event) -> Applied {
    let shipment = ShipmentTracked::decode(event.body.as_ref())?.shipment;
    let shipment = shipment.context("an event of a parcel without the parcel")?;
    let shipment_id: ShipmentId = shipment.shipment_id.parse()?;
    let tracking = read(shipment.status());
    follow(tx, &shipment.order_id, "orders.follow_shipments", |order| {
        order.follow_parcel(shipment_id, tracking);
        Ok(())
    })
    .await
}

/// A parcel on its way back has left; what becomes of its goods is a return's business.
fn read(status: TrackingStatus) -> Tracking {
    match status {
        TrackingStatus::Unspecified
        | TrackingStatus::Pending
        // These two are also said of parcels that still wait for the carrier.
        | TrackingStatus::OnHold
        | TrackingStatus::DeliveryDelayed
        | TrackingStatus::Cancelled
        | TrackingStatus::Unknown => Tracking::Waits,
        TrackingStatus::PickedUp
        | TrackingStatus::InTransit
        | TrackingStatus::OutForDelivery
        | TrackingStatus::ReadyForPickup
        | TrackingStatus::DeliveryFailed
        | TrackingStatus::ReturnToSender => Tracking::Left,
        TrackingStatus::Delivered => Tracking::Delivered,
    }
}
