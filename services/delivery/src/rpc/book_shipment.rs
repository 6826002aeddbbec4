//! Books the parcel of a plan with its carrier; a repeat returns it.

use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Tx};
use types::{DeliveryPlanId, ShipmentId};

use crate::carriers::{Parcel, Waybill};
use crate::error::{Error, Result};
use crate::model::delivery_plan::DeliveryPlan;
use crate::model::delivery_plan_rows::{self, Stored};
use crate::model::shipment::Shipment;
use crate::model::shipment_rows;
use crate::model::tracking_status::TrackingStatus;
use crate::{Delivery, wire};

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::BookShipmentRequest,
) -> Result<pb::Shipment> {
    let (plan_id, id) = parse(&request)?;

    let mut connection = delivery.store.connection().await?;
    if let Some(shipment) = shipment_rows::find(&mut connection, id).await? {
        return booked_before(shipment, plan_id);
    }
    let plan = open_plan(delivery_plan_rows::find(&mut connection, plan_id).await?)?;
    drop(connection);

    let carrier = delivery.carriers.of(plan.kind);
    let mut fields = Fields::new();
    carrier.check(&plan, &mut fields);
    fields.finish()?;

    let waybill = carrier.book(Parcel { shipment_id: id, plan: &plan }).await?;
    let carrier = carrier.name();
    delivery
        .store
        .transaction(call, async |tx: &mut Tx| store_parcel(tx, plan_id, id, carrier, waybill).await)
        .await
}

fn parse(request: &pb::BookShipmentRequest) -> Result<(DeliveryPlanId, ShipmentId)> {
    let mut fields = Fields::new();
    let plan_id = fields.parse("delivery_plan_id", &request.delivery_plan_id);
    let id = fields.parse("shipment_id", &request.shipment_id);
    Ok(fields.finish_with(plan_id.zip(id))?)
}

async fn store_parcel(
    tx: &mut Tx,
    plan_id: DeliveryPlanId,
    id: ShipmentId,
    carrier: &str,
    waybill: Waybill,
) -> Result<pb::Shipment> {
    // The plan is the lock: of two bookings of one plan the second sees the first.
    let locked = delivery_plan_rows::lock(tx, plan_id).await?;
    if let Some(shipment) = shipment_rows::find(tx.conn(), id).await? {
        return booked_before(shipment, plan_id);
    }
    let plan = open_plan(locked)?;
    let others = shipment_rows::lock_of_plan(tx, plan_id).await?;
    if let Some(live) = others.iter().find(|shipment| shipment.is_live()) {
        return Err(Error::ShipmentExists { shipment_id: live.id });
    }

    let shipment = Shipment {
        id,
        plan_id,
        order_id: plan.wish.order_id,
        shop_id: plan.wish.shop_id,
        carrier: carrier.to_owned(),
        tracking_number: waybill.into_text(),
        status: TrackingStatus::Pending,
        status_time: None,
        version: 1,
        create_time: tx.now(),
        events: Vec::new(),
    };

    shipment_rows::insert(tx, &shipment).await?;

    tell(tx, &shipment);
    Ok(wire::shipment(&shipment))
}

fn booked_before(shipment: Shipment, plan_id: DeliveryPlanId) -> Result<pb::Shipment> {
    if shipment.plan_id == plan_id { Ok(wire::shipment(&shipment)) } else { Err(Error::ShipmentMismatch) }
}

/// A plan whose parcels may be booked.
fn open_plan(stored: Option<Stored>) -> Result<DeliveryPlan> {
    match stored {
        Some(Stored::Plan(plan)) if plan.cancelled => Err(Error::PlanCancelled),
        Some(Stored::Plan(plan)) => Ok(*plan),
        Some(Stored::Tombstone) => Err(Error::PlanCancelled),
        None => Err(Error::DeliveryPlanNotFound),
    }
}

fn tell(tx: &mut Tx, shipment: &Shipment) {
    let audit = Audit::new("delivery.book_shipment", shipment.id)
        .shop(shipment.shop_id.uuid())
        .set("delivery_plan_id", shipment.plan_id.to_string())
        .set("order_id", shipment.order_id.to_string())
        .set("carrier", &shipment.carrier)
        .set("tracking_number", &shipment.tracking_number)
        .set("status", shipment.status.as_str());
    tx.audit(audit);
    let event = pb::ShipmentBooked { shipment: Some(wire::shipment_without_words(shipment)) };
    events::append(tx, shipment.id, shipment.version, Some(shipment.shop_id), &event);
}
