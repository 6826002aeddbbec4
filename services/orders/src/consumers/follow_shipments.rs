//! Follows an order's parcel: what has left, what has arrived.

use anyhow::Context;
use events::{Applied, Event, Subscription};
use prost::{Message, Name};
use proto::delivery::v1::{Shipment, ShipmentBooked, ShipmentBookingFailed, ShipmentTracked, TrackingStatus};
use store::Tx;
use types::ShipmentId;

use crate::consumers::{self, follow};
use crate::model::fulfilment::FulfilmentState;
use crate::model::order::Order;
use crate::model::returns::Return;
use crate::model::tracking::{Parcel, Tracking};
use crate::return_changes;
use crate::sagas::follow_up;
use crate::sagas::ship_stock::Handover;
use crate::upstreams::parcel;

/// What delivery tells.
pub fn subscription() -> Subscription {
    Subscription::new("orders.follow_shipments", "delivery", |tx, event| Box::pin(handle(tx, event)))
        .preceded_by(|tx, events| Box::pin(consumers::lock(tx, events, owner)))
        .of::<ShipmentTracked>()
        .of::<ShipmentBooked>()
        .of::<ShipmentBookingFailed>()
}

fn owner(event: &Event) -> anyhow::Result<Option<String>> {
    let body = event.body.as_ref();
    let shipment = match event.r#type.as_str() {
        name if name == ShipmentTracked::full_name() => ShipmentTracked::decode(body)?.shipment,
        name if name == ShipmentBooked::full_name() => ShipmentBooked::decode(body)?.shipment,
        name if name == ShipmentBookingFailed::full_name() => ShipmentBookingFailed::decode(body)?.shipment,
        _ => None,
    };
    Ok(shipment.map(|shipment| shipment.order_id))
}

async fn handle(tx: &mut Tx, event: &Event) -> Applied {
    let body = event.body.as_ref();
    match event.r#type.as_str() {
        name if name == ShipmentTracked::full_name() => tracked(tx, ShipmentTracked::decode(body)?).await,
        name if name == ShipmentBooked::full_name() => booked(tx, ShipmentBooked::decode(body)?).await,
        name if name == ShipmentBookingFailed::full_name() => {
            refused(tx, ShipmentBookingFailed::decode(body)?).await
        }
        name => anyhow::bail!("{name} is not followed"),
    }
}

async fn tracked(tx: &mut Tx, event: ShipmentTracked) -> Applied {
    let (shipment, shipment_id) = read(event.shipment)?;
    let status = shipment.status();
    let tracking = tracking(status);
    let Some((before, after)) = change(tx, shipment, |order, parcel| {
        order.follow_parcel(shipment_id, tracking, parcel);
    })
    .await?
    else {
        return Ok(());
    };
    // What leaves is taken out of stock: by whoever looks next, for here nobody can be asked.
    for handover in Handover::of_departed(&before, &after) {
        follow_up::record_for_anybody(tx, &handover).await?;
    }
    if status == TrackingStatus::ReturnToSender {
        comes_back(tx, &after, shipment_id).await?;
    }
    Ok(())
}

/// What nobody took is expected back: once, however often the carrier says so.
async fn comes_back(tx: &mut Tx, order: &Order, shipment_id: ShipmentId) -> Applied {
    let others = Return::of_order(tx.conn(), order.order_id).await?;
    let Some(mut new) = Return::of_parcel(order, shipment_id, &others) else { return Ok(()) };
    if others.iter().all(|other| other.return_id != new.return_id) {
        return_changes::insert(tx, "orders.follow_shipments", &mut new).await?;
    }
    Ok(())
}

async fn booked(tx: &mut Tx, event: ShipmentBooked) -> Applied {
    let (shipment, shipment_id) = read(event.shipment)?;
    change(tx, shipment, |order, parcel| {
        order.follow_booking(shipment_id, FulfilmentState::Booked, parcel);
    })
    .await?;
    Ok(())
}

async fn refused(tx: &mut Tx, event: ShipmentBookingFailed) -> Applied {
    let (shipment, shipment_id) = read(event.shipment)?;
    let reason = event.incident.map(|incident| incident.reason).unwrap_or_default();
    change(tx, shipment, |order, _| order.follow_refusal(shipment_id, &reason)).await?;
    Ok(())
}

fn read(shipment: Option<Shipment>) -> anyhow::Result<(Shipment, ShipmentId)> {
    let shipment = shipment.context("an event of a parcel without the parcel")?;
    let shipment_id = shipment.shipment_id.parse()?;
    Ok((shipment, shipment_id))
}

async fn change(
    tx: &mut Tx,
    shipment: Shipment,
    change: impl FnOnce(&mut Order, Parcel) + Send,
) -> anyhow::Result<Option<(Order, Order)>> {
    let order_id = shipment.order_id.clone();
    follow(tx, &order_id, "orders.follow_shipments", |order| {
        change(order, parcel(shipment));
        Ok(())
    })
    .await
}

/// A parcel on its way back has left; what becomes of its goods is a return's business: see `comes_back`.
fn tracking(status: TrackingStatus) -> Tracking {
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
