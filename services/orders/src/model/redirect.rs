//! A part of an order that is sent another way before it leaves: another part of the same units takes its place.

use chrono::DateTime;
use types::{DeliveryPlanId, FulfilmentId, Money, MoneyError};

use crate::model::edit::EditRefusal;
use crate::model::fulfilment::{Fulfilment, FulfilmentState};
use crate::model::order::{Delivery, Order};

/// The way that a part goes from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// What the ids of the new part follow from.
    pub ordinal: i32,
    /// How, and where to.
    pub delivery: Delivery,
    /// What it costs the buyer.
    pub price: Money,
    /// What the carrier takes from the buyer; `None`: what is owed of the part.
    pub cash_on_delivery: Option<Money>,
}

impl Redirect {
    /// The part that takes the place of the old one.
    pub fn fulfilment_id(&self, order: &Order) -> FulfilmentId {
        FulfilmentId::derived(order.order_id.uuid(), self.ordinal.unsigned_abs())
    }
}

impl Order {
    /// Refuses an order that costs less than what was credited for what came back of it.
    pub fn check_credited(&self) -> Result<(), EditRefusal> {
        let (total, credited) = (self.total, self.returned_total);
        match total.minor() < credited.minor() {
            true => Err(EditRefusal::BelowCredited { total, credited }),
            false => Ok(()),
        }
    }

    /// The order with `part`, one of its own that waits, sent another way. Its share of what delivery costs becomes the price of
    /// the new way, and the total follows; a part that goes as the whole order was to go takes the order's delivery along.
    pub fn redirected(&self, part: &Fulfilment, redirect: &Redirect) -> Result<Self, MoneyError> {
        // What was opened was opened for the total that was.
        let mut order = Self { payments: self.known_payments(), ..self.clone() };
        let plan_id = DeliveryPlanId::derived(self.order_id.uuid(), redirect.ordinal.unsigned_abs());
        if let Some(old) = order.part_mut(part.fulfilment_id) {
            old.state = FulfilmentState::Cancelled;
        }
        if part.delivery_plan_id.is_some() && part.delivery_plan_id == self.delivery_plan_id {
            order.delivery = Some(redirect.delivery.clone());
            order.delivery_plan_id = Some(plan_id);
        }
        let others = self.delivery_total.checked_sub(part.delivery_total)?;
        order.delivery_total = others.checked_add(redirect.price)?;
        order.total = order.goods_total.checked_add(order.delivery_total)?;
        let worth = part.goods_total()?.checked_add(redirect.price)?;
        let new = Fulfilment {
            fulfilment_id: redirect.fulfilment_id(self),
            ordinal: redirect.ordinal,
            state: FulfilmentState::Open,
            delivery: Some(redirect.delivery.clone()),
            delivery_plan_id: Some(plan_id),
            shipment_id: None,
            carrier: String::new(),
            tracking_number: String::new(),
            incident: String::new(),
            delivery_total: redirect.price,
            cash_on_delivery: redirect.cash_on_delivery.unwrap_or_else(|| order.cash_on_delivery(worth)),
            cancelling: None,
            create_time: DateTime::UNIX_EPOCH,
            update_time: DateTime::UNIX_EPOCH,
            ..part.clone()
        };
        order.fulfilments.push(new);
        Ok(order)
    }
}
