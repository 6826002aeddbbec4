//! Cancels a parcel that has not left; an outside carrier is asked, and answers later.

use proto::delivery::v1 as pb;
use rpc::{Call, Fields, TEXT_LENGTH_MAX};
use store::{Audit, Tx};
use types::ShipmentId;

use super::get_shipment::find_visible;
use crate::error::{Error, Result};
use crate::following::tell_tracked;
use crate::incidents;
use crate::model::shipment::{Cancellation, Shipment};
use crate::model::shipment_rows;
use crate::model::tracking_status::TrackingStatus;
use crate::{Delivery, wire};

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::CancelShipmentRequest,
) -> Result<pb::Shipment> {
    let mut fields = Fields::new();
    let id = fields.parse("shipment_id", &request.shipment_id);
    let reason = fields.text("reason", &request.reason, TEXT_LENGTH_MAX);
    let id = fields.finish_with(id)?;

    find_visible(delivery, call, id).await?;

    let cancelled = delivery.store.transaction(call, async |tx: &mut Tx| one(tx, id, &reason).await).await?;
    delivery.wake.notify_one();
    Ok(cancelled)
}

async fn one(tx: &mut Tx, id: ShipmentId, reason: &str) -> Result<pb::Shipment> {
    let mut parcel = shipment_rows::lock(tx, id).await?.ok_or(Error::ShipmentNotFound)?;
    let before = parcel.clone();

    if cancel(tx, &mut parcel).await? != Cancellation::Before {
        let audit = Audit::new("delivery.cancel_shipment", parcel.id)
            .shop(parcel.shop_id.uuid())
            .change("state", before.state.as_str(), parcel.state.as_str())
            .change("status", before.status.as_str(), parcel.status.as_str())
            .set("reason", reason);
        tx.audit(audit);
    }
    Ok(wire::shipment(&parcel))
}

/// Cancels a locked parcel, saves it and tells of it. Answers what it led to; the history is the caller's.
pub async fn cancel(tx: &mut Tx, parcel: &mut Shipment) -> Result<Cancellation> {
    let previous = parcel.status;

    let cancellation = parcel.cancel(tx.now())?;
    if cancellation == Cancellation::Before {
        return Ok(cancellation);
    }

    if let Some(event) = parcel.events.iter().rev().find(|event| event.status == TrackingStatus::Cancelled) {
        shipment_rows::add_event(tx, parcel.id, event).await?;
    }
    incidents::close_those_over(tx, parcel).await?;
    shipment_rows::update(tx, parcel).await?;

    if cancellation == Cancellation::Done {
        tell_tracked(tx, parcel, previous);
    }
    Ok(cancellation)
}
