//! Books the parcel of a plan: with the shop's own carriers at once, with others a job does; a repeat returns it.

use std::sync::Arc;

use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Store, Tx};
use types::{DeliveryPlanId, ShipmentId};

use crate::carriers::{Answer, Booked, Booking, Carrier, CarrierError};
use crate::error::{Error, Result};
use crate::model::carrier_account_rows;
use crate::model::consignment::Consignment;
use crate::model::delivery_method::Kind;
use crate::model::delivery_method_rows;
use crate::model::delivery_plan::DeliveryPlan;
use crate::model::delivery_plan_rows::{self, Stored};
use crate::model::handover;
use crate::model::handover_rows;
use crate::model::label_rows::{self, Label};
use crate::model::shipment::Shipment;
use crate::model::shipment_rows;
use crate::model::shipment_state::ShipmentState;
use crate::{Delivery, wire};

/// Who carries, and the waybill when it is there already.
struct Ticket {
    carrier: &'static str,
    waybill: Option<(String, Label)>,
}

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
    let ticket = ticket(delivery, &plan, id).await?;

    let store = &delivery.store;
    let booked = store
        .transaction(call, async |tx: &mut Tx| store_parcel(store, tx, plan_id, id, ticket).await)
        .await?;
    delivery.wake.notify_one();
    Ok(booked)
}

/// The shop's own carriers give a number at once, so what they lack is refused at once; others are asked by a job.
async fn ticket(delivery: &Delivery, plan: &DeliveryPlan, id: ShipmentId) -> Result<Ticket> {
    let own: Arc<dyn Carrier> = match plan.kind {
        Kind::Courier => delivery.carriers.courier(),
        Kind::Pickup => delivery.carriers.counter(),
        Kind::Parcel => {
            let account_id = plan.account_id.ok_or(Error::CarrierAccountNotFound)?;
            let mut connection = delivery.store.connection().await?;
            let account = carrier_account_rows::find(&delivery.store, &mut connection, account_id).await?;
            let account = account.ok_or(Error::CarrierAccountNotFound)?;
            return Ok(Ticket { carrier: account.kind.as_str(), waybill: None });
        }
    };
    let now = delivery.store.clock().now();
    let consignment = Consignment::of(plan, &Shipment::of(plan, id, now), now);
    let mut fields = Fields::new();
    own.check(&consignment, &mut fields);
    fields.finish()?;
    match waybill(own.as_ref(), &consignment).await {
        Ok(Some(waybill)) => Ok(Ticket { carrier: own.name(), waybill: Some(waybill) }),
        Err(CarrierError::Ours(error)) => Err(error.into()),
        Ok(None) | Err(_) => Err(Error::CarrierUnavailable),
    }
}

async fn waybill(own: &dyn Carrier, consignment: &Consignment) -> Answer<Option<(String, Label)>> {
    let Booking::Registered { tracking_number, .. } = own.create(consignment).await? else { return Ok(None) };
    let booked = Booked { consignment, carrier_parcel_id: "", tracking_number: &tracking_number };
    let label = own.label(booked).await?;
    Ok(label.map(|label| (tracking_number, label)))
}

fn parse(request: &pb::BookShipmentRequest) -> Result<(DeliveryPlanId, ShipmentId)> {
    let mut fields = Fields::new();
    let plan_id = fields.parse("delivery_plan_id", &request.delivery_plan_id);
    let id = fields.parse("shipment_id", &request.shipment_id);
    Ok(fields.finish_with(plan_id.zip(id))?)
}

/// Sealed codes that are moved to another parcel do not open.
pub fn code_context(id: ShipmentId) -> String {
    format!("pickup code of {id}")
}

/// A code, when the method hands over against one.
async fn new_code(tx: &mut Tx, plan: &DeliveryPlan) -> Result<Option<String>> {
    if plan.kind == Kind::Parcel {
        return Ok(None);
    }
    let method = delivery_method_rows::find_all(tx.conn(), &[plan.wish.method_id]).await?.pop();
    Ok(method.filter(|method| method.asks_for_code).map(|_| handover::new_code()))
}

async fn store_parcel(
    store: &Store,
    tx: &mut Tx,
    plan_id: DeliveryPlanId,
    id: ShipmentId,
    ticket: Ticket,
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

    let now = tx.now();
    let mut shipment = Shipment { carrier: ticket.carrier.to_owned(), ..Shipment::of(&plan, id, now) };
    if let Some((tracking_number, _)) = &ticket.waybill {
        shipment.booked(tracking_number.clone(), None, now);
        shipment.labelled();
    }
    let code = new_code(tx, &plan).await?;
    shipment.handover.asks_for_code = code.is_some();
    // The first thing that is told of it has the version 1.
    shipment.version = 1;

    shipment_rows::insert(tx, &shipment).await?;
    if let Some((_, label)) = &ticket.waybill {
        label_rows::keep(tx, id, label).await?;
    }
    if let Some(code) = &code {
        handover_rows::ask_for_code(tx, id, store.seal(code.as_bytes(), &code_context(id))).await?;
    }

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
    // What waits for its carrier is not booked yet.
    if shipment.state != ShipmentState::Booked {
        return;
    }
    let event = pb::ShipmentBooked { shipment: Some(wire::shipment_without_words(shipment)) };
    events::append(tx, shipment.id, shipment.version, Some(shipment.shop_id), &event);
}
