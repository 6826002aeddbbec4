//! Delivery plans in their table.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use store::{Error as StoreError, Tx};
use types::{CarrierAccountId, Currency, DeliveryMethodId, DeliveryPlanId, Money, OrderId, ShopId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::address::Recipient;
use crate::model::consignment::{Item, StoredItem};
use crate::model::delivery_method::Kind;
use crate::model::delivery_plan::{DeliveryPlan, Wish};
use crate::model::plan_slot_rows::{self, PlanSlot};
use crate::schema::delivery_plans as rows;

/// What an id leads to.
#[derive(Debug, Clone)]
pub enum Stored {
    /// A plan.
    Plan(Box<DeliveryPlan>),
    /// Cancelled before it was planned.
    Tombstone,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = rows)]
struct PlanRow {
    delivery_plan_id: Uuid,
    order_id: Option<Uuid>,
    shop_id: Option<Uuid>,
    delivery_method_id: Option<Uuid>,
    method_name: String,
    kind: Option<String>,
    currency: String,
    price: i64,
    price_fixed: bool,
    goods_total: i64,
    address: Option<Value>,
    recipient_name: String,
    recipient_phone: String,
    weight_grams: i32,
    cash_on_delivery: bool,
    cancelled: bool,
    version: i64,
    carrier_account_id: Option<Uuid>,
    carrier_service: String,
    items: Value,
    cash_amount: Option<i64>,
    order_number: String,
}

/// The plans with these ids, with one statement.
pub async fn find_all(
    conn: &mut AsyncPgConnection,
    ids: &[DeliveryPlanId],
) -> Result<HashMap<DeliveryPlanId, Stored>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(DeliveryPlanId::uuid).collect();
    let found = rows::table.filter(rows::delivery_plan_id.eq_any(ids)).select(PlanRow::as_select());
    let found: Vec<PlanRow> = found.load(conn).await?;
    read_all(conn, found).await
}

/// The plan with this id.
pub async fn find(conn: &mut AsyncPgConnection, id: DeliveryPlanId) -> Result<Option<Stored>> {
    Ok(find_all(conn, &[id]).await?.remove(&id))
}

/// The plan with this id, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: DeliveryPlanId) -> Result<Option<Stored>> {
    let found = rows::table.find(id.uuid()).select(PlanRow::as_select()).for_update();
    let found: Option<PlanRow> = found.first(tx.conn()).await.optional()?;
    Ok(read_all(tx.conn(), found.into_iter().collect()).await?.remove(&id))
}

/// Plans of rows, with their slots.
async fn read_all(
    conn: &mut AsyncPgConnection,
    rows: Vec<PlanRow>,
) -> Result<HashMap<DeliveryPlanId, Stored>> {
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.delivery_plan_id).collect();
    let slots = plan_slot_rows::find_all(conn, &ids).await?;
    let read = |row: PlanRow| {
        let id = DeliveryPlanId::from_uuid(row.delivery_plan_id);
        Ok((id, row.read(slots.get(&id).copied().unwrap_or_default())?))
    };
    rows.into_iter().map(read).collect()
}

/// Leaves a tombstone unless the id is known; waits for a concurrent plan to be committed or rolled back.
pub async fn bury(tx: &mut Tx, id: DeliveryPlanId, reason: &str) -> Result<bool> {
    let now = tx.now();
    let inserted = diesel::insert_into(rows::table)
        .values((
            rows::delivery_plan_id.eq(id.uuid()),
            rows::cancelled.eq(true),
            rows::cancel_reason.eq(reason),
            rows::create_time.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await?;
    Ok(inserted == 1)
}

/// Takes plans out that this transaction put in, as if they had never been there.
pub async fn take_out(tx: &mut Tx, ids: &[DeliveryPlanId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = ids.iter().map(DeliveryPlanId::uuid).collect();
    diesel::delete(rows::table.filter(rows::delivery_plan_id.eq_any(ids))).execute(tx.conn()).await?;
    Ok(())
}

/// Saves that a plan was cancelled.
pub async fn save_cancelled(tx: &mut Tx, plan: &DeliveryPlan, reason: &str) -> Result<()> {
    diesel::update(rows::table.find(plan.wish.plan_id.uuid()))
        .set((rows::cancelled.eq(true), rows::cancel_reason.eq(reason), rows::version.eq(plan.version)))
        .execute(tx.conn())
        .await?;
    Ok(())
}

impl PlanRow {
    fn read(self, slot: PlanSlot) -> Result<Stored> {
        let (Some(order_id), Some(shop_id), Some(method_id), Some(kind)) =
            (self.order_id, self.shop_id, self.delivery_method_id, self.kind)
        else {
            return Ok(Stored::Tombstone);
        };
        let corrupt = |error: &dyn std::error::Error| StoreError::Corrupt(error.to_string());
        let currency: Currency = self.currency.parse().map_err(|error: types::MoneyError| corrupt(&error))?;
        let address =
            self.address.map(serde_json::from_value).transpose().map_err(|error| corrupt(&error))?;
        let price = Money::new(currency, self.price);
        let items: Vec<StoredItem> = serde_json::from_value(self.items).map_err(|error| corrupt(&error))?;
        let items = items.into_iter().map(Item::try_from).collect::<Result<_, _>>();
        let wish = Wish {
            plan_id: DeliveryPlanId::from_uuid(self.delivery_plan_id),
            order_id: OrderId::from_uuid(order_id),
            shop_id: ShopId::from_uuid(shop_id),
            method_id: DeliveryMethodId::from_uuid(method_id),
            address,
            recipient: Recipient { name: self.recipient_name, phone: self.recipient_phone },
            weight_grams: self.weight_grams,
            goods_total: Money::new(currency, self.goods_total),
            cash_on_delivery: self.cash_on_delivery,
            fixed_price: self.price_fixed.then_some(price),
            items: items.map_err(|error| corrupt(&error))?,
            cash_amount: self.cash_amount.map(|minor| Money::new(currency, minor)),
            order_number: self.order_number,
            slot_start: slot.wished,
        };
        let (method_name, kind, cancelled) = (self.method_name, Kind::stored(&kind)?, self.cancelled);
        Ok(Stored::Plan(Box::new(DeliveryPlan {
            wish,
            method_name,
            kind,
            account_id: self.carrier_account_id.map(CarrierAccountId::from_uuid),
            service: self.carrier_service,
            price,
            slot: slot.slot,
            cancelled,
            version: self.version,
        })))
    }
}

/// Goods as JSON, for the row.
pub fn stored_items(items: &[Item]) -> Value {
    serde_json::to_value(items.iter().map(StoredItem::from).collect::<Vec<_>>()).unwrap_or_default()
}
