//! The slots of plans in their table.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::Tx;
use types::DeliveryPlanId;
use uuid::Uuid;

use crate::error::Result;
use crate::model::delivery_plan::DeliveryPlan;
use crate::model::schedule::SlotTime;
use crate::schema::plan_slots as rows;

/// What a plan was planned with, and what it has now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlanSlot {
    pub wished: Option<DateTime<Utc>>,
    pub slot: Option<SlotTime>,
}

/// The slots of plans that have, or had, one.
pub async fn find_all(
    conn: &mut AsyncPgConnection,
    plans: &[Uuid],
) -> Result<HashMap<DeliveryPlanId, PlanSlot>> {
    type Row = (Uuid, Option<DateTime<Utc>>, Option<DateTime<Utc>>, Option<DateTime<Utc>>);
    let found: Vec<Row> = rows::table
        .filter(rows::delivery_plan_id.eq_any(plans))
        .select((rows::delivery_plan_id, rows::wished_time, rows::start_time, rows::end_time))
        .load(conn)
        .await?;
    let read = |(id, wished, start, end): Row| {
        let slot = Option::zip(start, end).map(|(start, end)| SlotTime { start, end });
        (DeliveryPlanId::from_uuid(id), PlanSlot { wished, slot })
    };
    Ok(found.into_iter().map(read).collect())
}

/// Saves the slot that a plan has now.
pub async fn save(tx: &mut Tx, plan: &DeliveryPlan) -> Result<()> {
    let (start, end) = (plan.slot.map(|slot| slot.start), plan.slot.map(|slot| slot.end));
    diesel::insert_into(rows::table)
        .values((
            rows::delivery_plan_id.eq(plan.wish.plan_id.uuid()),
            rows::delivery_method_id.eq(plan.wish.method_id.uuid()),
            rows::wished_time.eq(plan.wish.slot_start),
            rows::start_time.eq(start),
            rows::end_time.eq(end),
        ))
        .on_conflict(rows::delivery_plan_id)
        .do_update()
        .set((rows::start_time.eq(start), rows::end_time.eq(end)))
        .execute(tx.conn())
        .await?;
    Ok(())
}
