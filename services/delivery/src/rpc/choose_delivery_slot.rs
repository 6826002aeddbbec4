//! Takes a slot for a plan, instead of the one it had, which is free again.

use chrono::{DateTime, Utc};
use proto::delivery::v1 as pb;
use rpc::wire::time;
use rpc::{Call, Fields};
use store::{Audit, Tx};
use types::DeliveryPlanId;

use crate::Delivery;
use crate::error::{Error, Result};
use crate::model::delivery_plan::DeliveryPlan;
use crate::model::delivery_plan_rows::{self, Stored};
use crate::model::schedule::SlotTime;
use crate::model::slot_rows::{self, Place};
use crate::model::tracking_status::TrackingStatus;
use crate::model::{delivery_method_rows, plan_slot_rows, shipment_rows};

const METHOD: &str = "delivery.choose_delivery_slot";

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::ChooseDeliverySlotRequest,
) -> Result<pb::ChooseDeliverySlotResponse> {
    let (id, start) = parse(&request)?;
    delivery.store.transaction(call, async |tx: &mut Tx| choose(tx, id, start).await).await
}

fn parse(request: &pb::ChooseDeliverySlotRequest) -> Result<(DeliveryPlanId, Option<DateTime<Utc>>)> {
    let mut fields = Fields::new();
    let id = fields.parse("delivery_plan_id", &request.delivery_plan_id);
    let start = fields.time_optional("slot_start_time", request.slot_start_time);
    Ok((fields.finish_with(id)?, start))
}

async fn choose(
    tx: &mut Tx,
    id: DeliveryPlanId,
    start: Option<DateTime<Utc>>,
) -> Result<pb::ChooseDeliverySlotResponse> {
    let mut plan = visible(tx, id).await?;
    let before = plan.slot;
    if before.map(|slot| slot.start) == start {
        return Ok(answer(&plan));
    }
    let shipments = shipment_rows::lock_of_plan(tx, id).await?;
    if shipments.iter().any(|shipment| shipment.status == TrackingStatus::Delivered) {
        return Err(Error::ShipmentFinal { status: TrackingStatus::Delivered });
    }
    let method = delivery_method_rows::find_all(tx.conn(), &[plan.wish.method_id]).await?.pop();
    let method = method.ok_or(Error::DeliveryMethodNotFound)?;
    let chosen = method.chosen_slot(start, tx.now())?;

    let place = |slot: SlotTime| Place { method_id: method.id, start: slot.start };
    let taken = chosen.map(|slot| (place(slot.time), slot.capacity));
    if !slot_rows::exchange(tx, taken, before.map(place)).await? {
        return Err(Error::SlotFull { start: start.unwrap_or_default() });
    }
    plan.slot = chosen.map(|slot| slot.time);
    plan_slot_rows::save(tx, &plan).await?;

    tell(tx, before, &plan);
    Ok(answer(&plan))
}

/// A plan that is not cancelled, which nobody else changes until the transaction ends.
async fn visible(tx: &mut Tx, id: DeliveryPlanId) -> Result<DeliveryPlan> {
    let plan = match delivery_plan_rows::lock(tx, id).await? {
        Some(Stored::Plan(plan)) => *plan,
        Some(Stored::Tombstone) | None => return Err(Error::DeliveryPlanNotFound),
    };
    if !tx.call().caller.shops.allow(plan.wish.shop_id) {
        return Err(Error::DeliveryPlanNotFound);
    }
    if plan.cancelled { Err(Error::PlanCancelled) } else { Ok(plan) }
}

fn answer(plan: &DeliveryPlan) -> pb::ChooseDeliverySlotResponse {
    pb::ChooseDeliverySlotResponse {
        delivery_plan_id: plan.wish.plan_id.to_string(),
        slot_start_time: plan.slot.map(|slot| time(slot.start)),
        slot_end_time: plan.slot.map(|slot| time(slot.end)),
    }
}

fn tell(tx: &mut Tx, before: Option<SlotTime>, plan: &DeliveryPlan) {
    let start = |slot: Option<SlotTime>| slot.map(|slot| slot.start);
    let audit = Audit::new(METHOD, plan.wish.plan_id).shop(plan.wish.shop_id.uuid()).change(
        "slot_start_time",
        start(before),
        start(plan.slot),
    );
    tx.audit(audit);
}
