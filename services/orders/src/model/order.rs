//! An order: who wants what from which shop, and how far it is.

use chrono::{DateTime, Utc};
use types::{
    Currency, CustomerId, DeliveryMethodId, DeliveryPlanId, LegalEntityId, Money, MoneyError, OrderId,
    PaymentId, ReservationId, ShipmentId, ShopId, SourceId,
};
use uuid::Uuid;

use crate::model::buyer::{Address, Buyer};
use crate::model::cancel_reason::CancelReason;
use crate::model::fulfilment_status::{FulfilmentStatus, LineSums};
use crate::model::missing_item::MissingItem;
use crate::model::order_line::OrderLine;
use crate::model::order_state::{Mover, OrderState};
use crate::model::origin::{OrderMethod, PaymentMethod};
use crate::model::payment_status::PaymentStatus;
use crate::model::placement::{Held, Planned, Priced};
use crate::model::rejection::Rejection;
use crate::model::tracking::Tracking;

/// An order with its lines. Invariant: total = Σ line totals + delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id, from which those of its parts follow.
    pub order_id: OrderId,
    /// For people.
    pub number: String,
    /// Whose it is.
    pub shop_id: ShopId,
    /// Who sells.
    pub legal_entity_id: Option<LegalEntityId>,
    /// Where it stands.
    pub state: OrderState,
    /// The shop's own code inside the state.
    pub status: String,
    /// The account it came through.
    pub source_id: SourceId,
    /// The account's kind, such as `site`.
    pub channel: String,
    /// How it was made.
    pub method: OrderMethod,
    /// Its ids in other systems.
    pub external_ids: Vec<(SourceId, String)>,
    /// Who buys, once identified.
    pub customer_id: Option<CustomerId>,
    /// Whether a job must still identify the buyer.
    pub customer_wanted: bool,
    /// What the buyer gave.
    pub buyer: Buyer,
    /// What he wants; never empty.
    pub lines: Vec<OrderLine>,
    /// Absent when nothing is delivered.
    pub delivery: Option<Delivery>,
    /// Of every price.
    pub currency: Currency,
    /// Σ line totals.
    pub goods_total: Money,
    /// What delivery costs.
    pub delivery_total: Money,
    /// Both.
    pub total: Money,
    /// What came in.
    pub paid: Money,
    /// What was given back.
    pub refunded: Money,
    /// How the buyer pays.
    pub payment_method: PaymentMethod,
    /// Why it could not be placed.
    pub rejection: Option<Rejection>,
    /// Why it was cancelled.
    pub cancel_reason: Option<CancelReason>,
    /// Units it lacks; `None` until inventory has said something.
    pub shortages: Option<Vec<MissingItem>>,
    /// What holds its stock.
    pub reservation_id: Option<ReservationId>,
    /// What is to be paid.
    pub payment_id: Option<PaymentId>,
    /// How it is delivered.
    pub delivery_plan_id: Option<DeliveryPlanId>,
    /// Its parcels.
    pub shipment_ids: Vec<ShipmentId>,
    /// The cancellation under way.
    pub cancelling: Option<Uuid>,
    /// That of its last event; 0 while nothing was told.
    pub version: i64,
    /// When it was recorded.
    pub create_time: DateTime<Utc>,
    /// When it changed last.
    pub update_time: DateTime<Utc>,
}

/// How an order reaches its buyer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// By which of the shop's ways.
    pub method_id: DeliveryMethodId,
    /// As the way was called when the order was placed.
    pub method_name: String,
    /// Where to.
    pub address: Option<Address>,
}

/// What was arranged for an order that could be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Who buys.
    pub customer: Identified,
    /// For how much.
    pub priced: Priced,
    /// What is held; `None` when nothing is kept in stock.
    pub held: Option<Held>,
    /// How it is delivered.
    pub planned: Option<Planned>,
    /// What is to be paid; `None` when it costs nothing.
    pub payment_id: Option<PaymentId>,
}

/// What is known of the buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identified {
    /// His card.
    Customer(CustomerId),
    /// He left nothing to recognise him by.
    Nobody,
    /// It could not be found out in time.
    Later,
}

/// A change of state that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forbidden {
    /// Where the order stands.
    pub from: OrderState,
    /// Where it was to go.
    pub to: OrderState,
    /// Where it may go, or, for a cancellation, where it may come from.
    pub allowed: Vec<OrderState>,
}

impl Order {
    /// The id of what holds its stock.
    pub fn own_reservation_id(&self) -> ReservationId {
        ReservationId::derived(self.order_id.uuid(), 0)
    }

    /// The id of how it is delivered.
    pub fn own_delivery_plan_id(&self) -> DeliveryPlanId {
        DeliveryPlanId::derived(self.order_id.uuid(), 0)
    }

    /// The id of what is to be paid.
    pub fn own_payment_id(&self) -> PaymentId {
        PaymentId::derived(self.order_id.uuid(), 0)
    }

    /// The id of its parcel.
    pub fn own_shipment_id(&self) -> ShipmentId {
        ShipmentId::derived(self.order_id.uuid(), 0)
    }

    /// How far it is paid.
    pub fn payment_status(&self) -> PaymentStatus {
        PaymentStatus::of(self.state, self.total.minor(), self.paid.minor(), self.refunded.minor())
    }

    /// How far it has reached the buyer.
    pub fn fulfilment_status(&self) -> FulfilmentStatus {
        let sum = |pick: fn(&OrderLine) -> i32| self.lines.iter().map(|line| i64::from(pick(line))).sum();
        FulfilmentStatus::of(LineSums {
            ordered: sum(|line| line.ordered),
            shipped: sum(|line| line.shipped),
            delivered: sum(|line| line.delivered),
            cancelled: sum(|line| line.cancelled),
        })
    }

    /// Everything is held: the order is placed.
    pub fn place(&mut self, placement: Placement) -> Result<(), MoneyError> {
        let nothing = Money::zero(self.currency);
        let delivery_total = placement.planned.as_ref().map_or(nothing, |planned| planned.price);
        self.total = placement.priced.goods_total.checked_add(delivery_total)?;
        self.goods_total = placement.priced.goods_total;
        self.delivery_total = delivery_total;
        self.lines = placement.priced.lines;
        self.payment_id = placement.payment_id;
        self.customer_wanted = placement.customer == Identified::Later;
        if let Identified::Customer(customer_id) = placement.customer {
            self.customer_id = Some(customer_id);
        }
        if let (Some(delivery), Some(planned)) = (&mut self.delivery, placement.planned) {
            delivery.method_name = planned.method_name;
            self.delivery_plan_id = Some(self.own_delivery_plan_id());
        }
        if placement.held.is_some() {
            self.reservation_id = Some(self.own_reservation_id());
        }
        self.hold(placement.held.unwrap_or_default());
        self.enter(OrderState::New);
        Ok(())
    }

    /// It cannot be placed; nothing is held.
    pub fn reject(&mut self, rejection: Rejection) {
        self.rejection = Some(rejection);
        self.enter(OrderState::Rejected);
    }

    /// Whether it may be cancelled.
    pub fn may_be_cancelled(&self) -> Result<(), Forbidden> {
        if self.state.allows(OrderState::Cancelled, Mover::Cancellation) {
            return Ok(());
        }
        let allowed = OrderState::sources(OrderState::Cancelled, Mover::Cancellation);
        Err(Forbidden { from: self.state, to: OrderState::Cancelled, allowed })
    }

    /// It is given up; whatever was held was given back.
    pub fn cancel(&mut self, reason: CancelReason) {
        self.lines.iter_mut().for_each(OrderLine::cancel_outstanding);
        self.shortages = Some(Vec::new());
        self.cancel_reason = Some(reason);
        self.cancelling = None;
        self.enter(OrderState::Cancelled);
    }

    /// Somebody moves it to another state, or gives it another status within its state.
    pub fn change_state(&mut self, to: OrderState, status: Option<String>) -> Result<(), Forbidden> {
        if !self.state.allows(to, Mover::Operator) {
            return Err(Forbidden { from: self.state, to, allowed: self.state.allowed(Mover::Operator) });
        }
        // Without a tracked parcel the state is all that tells where the goods are.
        if matches!(to, OrderState::Delivery | OrderState::Complete) {
            self.lines.iter_mut().for_each(OrderLine::ship);
        }
        if to == OrderState::Complete {
            self.lines.iter_mut().for_each(OrderLine::deliver_shipped);
            // Whoever completes an order by hand gives up what it still lacks.
            self.lines.iter_mut().for_each(OrderLine::cancel_outstanding);
        }
        self.enter(to);
        self.status = status.unwrap_or_else(|| to.name().to_owned());
        Ok(())
    }

    /// Whether entering its state calls for a parcel that is not booked yet.
    pub fn wants_shipment(&self) -> bool {
        self.state == OrderState::Assembling
            && self.delivery_plan_id.is_some()
            && self.shipment_ids.is_empty()
    }

    /// What holds units that have left since `before`.
    pub fn shipped_reservation(&self, before: &Self) -> Option<ReservationId> {
        let shipped = |order: &Self| order.lines.iter().map(|line| i64::from(line.shipped)).sum::<i64>();
        self.reservation_id.filter(|_| shipped(self) > shipped(before))
    }

    /// A parcel was booked.
    pub fn add_shipment(&mut self, shipment_id: ShipmentId) {
        if !self.shipment_ids.contains(&shipment_id) {
            self.shipment_ids.push(shipment_id);
        }
    }

    /// Something was heard of a parcel.
    pub fn follow_parcel(&mut self, shipment_id: ShipmentId, tracking: Tracking) {
        if tracking == Tracking::Waits || matches!(self.state, OrderState::Cancelled | OrderState::Rejected) {
            return;
        }
        self.add_shipment(shipment_id);
        self.lines.iter_mut().for_each(OrderLine::ship);
        self.move_by_carrier(OrderState::Delivery);
        if tracking == Tracking::Delivered {
            self.lines.iter_mut().for_each(OrderLine::deliver_shipped);
            // An order that still lacks units is not done, whatever has arrived.
            if self.lines.iter().all(|line| line.outstanding() == 0) {
                self.move_by_carrier(OrderState::Complete);
            }
        }
    }

    /// Money came in or was given back.
    pub fn follow_payment(&mut self, paid: Money, refunded: Money) {
        self.paid = paid;
        self.refunded = refunded;
    }

    /// Inventory lost units that it held.
    pub fn follow_stock(&mut self, held: Held) {
        match self.state {
            OrderState::Placing | OrderState::New | OrderState::Approval | OrderState::Assembling => {
                self.hold(held)
            }
            OrderState::Delivery | OrderState::Complete | OrderState::Cancelled | OrderState::Rejected => {}
        }
    }

    /// Inventory holds this for it now.
    pub fn hold(&mut self, held: Held) {
        let mut units = held.units;
        for line in &mut self.lines {
            let of_sku = units.get_mut(line.sku.as_str());
            let left = line.hold(of_sku.as_deref().copied().unwrap_or_default());
            if let Some(of_sku) = of_sku {
                *of_sku = left;
            }
        }
        self.shortages = Some(held.shortages);
    }

    /// The buyer was identified, or cannot be.
    pub fn attach_customer(&mut self, customer_id: Option<CustomerId>) {
        self.customer_id = customer_id;
        self.customer_wanted = false;
    }

    fn move_by_carrier(&mut self, to: OrderState) {
        if self.state.allows(to, Mover::Carrier) {
            self.enter(to);
        }
    }

    fn enter(&mut self, state: OrderState) {
        if self.state != state {
            self.status = state.name().to_owned();
        }
        self.state = state;
    }
}
