//! Cancels a plan and its parcel that has not left; an unknown id is remembered, so that a late plan is refused.

use proto::delivery::v1 as pb;
use rpc::{Call, Fields, TEXT_LENGTH_MAX};
use store::{Audit, Tx};
use types::{DeliveryPlanId, ShipmentId};

use super::cancel_shipment;
use crate::error::{Error, Result};
use crate::model::delivery_plan::DeliveryPlan;
use crate::model::delivery_plan_rows::{self, Stored};
use crate::model::plan_slot_rows;
use crate::model::shipment::Cancellation;
use crate::model::shipment_rows;
use crate::model::slot_rows::{self, Place};
use crate::{Delivery, wire};

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::CancelDeliveryRequest,
) -> Result<pb::DeliveryPlan> {
    let mut fields = Fields::new();
    let id = fields.parse("delivery_plan_id", &request.delivery_plan_id);
    let reason = fields.text("reason", &request.reason, TEXT_LENGTH_MAX);
    let id = fields.finish_with(id)?;

    let cancelled =
        delivery.store.transaction(call, async |tx: &mut Tx| cancel(tx, id, &reason).await).await?;
    delivery.wake.notify_one();
    Ok(cancelled)
}

async fn cancel(tx: &mut Tx, id: DeliveryPlanId, reason: &str) -> Result<pb::DeliveryPlan> {
    if delivery_plan_rows::bury(tx, id, reason).await? {
        tx.audit(Audit::new("delivery.cancel_delivery", id).set("cancelled", true).set("reason", reason));
        return Ok(wire::tombstone(id));
    }
    let mut plan = match delivery_plan_rows::lock(tx, id).await? {
        Some(Stored::Plan(plan)) => *plan,
        Some(Stored::Tombstone) => return Ok(wire::tombstone(id)),
        None => return Err(Error::DeliveryPlanNotFound),
    };
    if plan.cancelled {
        return Ok(wire::delivery_plan(&plan));
    }
    let mut shipments = shipment_rows::lock_of_plan(tx, id).await?;

    let mut cancelled = Vec::new();
    for shipment in &mut shipments {
        if cancel_shipment::cancel(tx, shipment).await? != Cancellation::Before {
            cancelled.push(shipment.id);
        }
    }
    plan.cancel();

    if let Some(slot) = plan.slot.take() {
        let place = Place { method_id: plan.wish.method_id, start: slot.start };
        slot_rows::exchange(tx, None, Some(place)).await?;
        plan_slot_rows::save(tx, &plan).await?;
    }
    delivery_plan_rows::save_cancelled(tx, &plan, reason).await?;

    tell(tx, &plan, &cancelled, reason);
    Ok(wire::delivery_plan(&plan))
}

fn tell(tx: &mut Tx, plan: &DeliveryPlan, cancelled: &[ShipmentId], reason: &str) {
    let wish = &plan.wish;
    let shipments: Vec<_> = cancelled.iter().map(ShipmentId::to_string).collect();
    let audit = Audit::new("delivery.cancel_delivery", wish.plan_id)
        .shop(wish.shop_id.uuid())
        .change("cancelled", false, true)
        .set("cancelled_shipments", shipments)
        .set("reason", reason);
    tx.audit(audit);
    let event = pb::DeliveryCancelled {
        delivery_plan_id: wish.plan_id.to_string(),
        order_id: wish.order_id.to_string(),
    };
    events::append(tx, wish.plan_id, plan.version, Some(wish.shop_id), &event);
}
