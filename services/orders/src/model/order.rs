//! An order: who wants what from which shop, and how far it is.

use chrono::{DateTime, Utc};
use types::{
    Currency, CustomerId, DeliveryMethodId, DeliveryPlanId, LegalEntityId, Money, MoneyError, OrderId,
    PaymentId, ReservationId, ShipmentId, ShopId, SourceId,
};
use uuid::Uuid;

use crate::model::buyer::{Address, Buyer};
use crate::model::cancel_reason::CancelReason;
use crate::model::fulfilment::Fulfilment;
use crate::model::fulfilment_status::{FulfilmentStatus, LineSums};
use crate::model::missing_item::MissingItem;
use crate::model::offer::Offer;
use crate::model::order_line::OrderLine;
use crate::model::order_payment::OrderPayment;
use crate::model::order_state::{Mover, OrderState};
use crate::model::origin::{OrderMethod, PaymentMethod};
use crate::model::payment_status::PaymentStatus;
use crate::model::placement::{Held, Planned, Priced};
use crate::model::rejection::Rejection;

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
    /// What it was placed with: quote, promo code, cart.
    pub offer: Offer,
    /// The cancellation under way.
    pub cancelling: Option<Uuid>,
    /// That of its last event; 0 while nothing was told.
    pub version: i64,
    /// When it was recorded.
    pub create_time: DateTime<Utc>,
    /// When it changed last.
    pub update_time: DateTime<Utc>,
    /// What was opened for it, the oldest first; empty while nothing is known but `payment_id`.
    pub payments: Vec<OrderPayment>,
    /// Credited for goods that came back.
    pub returned_total: Money,
    /// Its parts, the oldest first.
    pub fulfilments: Vec<Fulfilment>,
    /// By when somebody must have done something.
    pub deadlines: Deadlines,
    /// How it came on.
    pub progress: Progress,
}

/// Times by which something must have happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deadlines {
    /// Somebody must have begun to pay; otherwise it is cancelled.
    pub pay_by: Option<DateTime<Utc>>,
    /// Its goods must have left.
    pub ship_by: Option<DateTime<Utc>>,
}

/// How an order came on since it was placed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Ordinals given to edits and parts.
    pub ordinals: i32,
    /// Positions given to lines; 0 before any was removed.
    pub lines_made: i32,
    /// That of what it asks inventory to hold.
    pub reservation_revision: i32,
    /// Of the reservation as it is known here: what has a lower one is older.
    pub reservation_version: i64,
    /// The edit under way.
    pub editing: Option<Uuid>,
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
    /// Whether it was sold at its price already.
    pub price_fixed: bool,
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
    /// What it was placed with.
    pub offer: Offer,
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
    /// An order that is to be placed: nothing of it is priced, held or paid, and nothing is known of who wants it.
    pub fn wanted(
        order_id: OrderId,
        shop_id: ShopId,
        source_id: SourceId,
        payment_method: PaymentMethod,
        currency: Currency,
        lines: Vec<OrderLine>,
    ) -> Self {
        let nothing = Money::zero(currency);
        Self {
            order_id,
            number: String::new(),
            shop_id,
            legal_entity_id: None,
            state: OrderState::Placing,
            status: OrderState::Placing.name().to_owned(),
            source_id,
            channel: String::new(),
            method: OrderMethod::Cart,
            external_ids: Vec::new(),
            customer_id: None,
            customer_wanted: false,
            buyer: Buyer::default(),
            lines,
            delivery: None,
            currency,
            goods_total: nothing,
            delivery_total: nothing,
            total: nothing,
            paid: nothing,
            refunded: nothing,
            payment_method,
            rejection: None,
            cancel_reason: None,
            shortages: None,
            reservation_id: None,
            payment_id: None,
            delivery_plan_id: None,
            shipment_ids: Vec::new(),
            offer: Offer::default(),
            cancelling: None,
            version: 0,
            create_time: DateTime::UNIX_EPOCH,
            update_time: DateTime::UNIX_EPOCH,
            payments: Vec::new(),
            returned_total: nothing,
            fulfilments: Vec::new(),
            deadlines: Deadlines::default(),
            progress: Progress::default(),
        }
    }

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

    /// The id of the parcel of its first delivery.
    pub fn own_shipment_id(&self) -> ShipmentId {
        ShipmentId::derived(self.order_id.uuid(), 0)
    }

    /// The next ordinal of an edit or a part; the ids of what it holds follow from it.
    pub fn next_ordinal(&mut self) -> i32 {
        self.progress.ordinals += 1;
        self.progress.ordinals
    }

    /// Whether it was to be paid by now, and nobody has.
    pub fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        let waits = matches!(self.state, OrderState::New | OrderState::Approval);
        waits && self.paid.is_zero() && self.deadlines.pay_by.is_some_and(|pay_by| pay_by <= now)
    }

    /// What it costs the buyer after what came back.
    pub fn due(&self) -> i64 {
        match self.state.is_owed() {
            true => self.total.minor() - self.returned_total.minor(),
            false => 0,
        }
    }

    /// What the buyer owes; negative: what he is owed.
    pub fn balance(&self) -> Money {
        Money::new(self.currency, self.due() - self.paid.minor() + self.refunded.minor())
    }

    /// How far it is paid.
    pub fn payment_status(&self) -> PaymentStatus {
        let due = self.total.minor() - self.returned_total.minor();
        PaymentStatus::of(self.state, due, self.paid.minor(), self.refunded.minor())
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

    /// What adjustments took off its lines.
    pub fn discount_total(&self) -> Money {
        let taken = self.lines.iter().flat_map(|line| &line.adjustments).map(|one| one.amount.minor());
        Money::new(self.currency, -taken.sum::<i64>())
    }

    /// Everything is held: the order is placed.
    pub fn place(&mut self, placement: Placement) -> Result<(), MoneyError> {
        let nothing = Money::zero(self.currency);
        let delivery_total = placement.planned.as_ref().map_or(nothing, |planned| planned.price);
        self.total = placement.priced.goods_total.checked_add(delivery_total)?;
        self.goods_total = placement.priced.goods_total;
        self.delivery_total = delivery_total;
        self.lines = placement.priced.lines;
        self.offer = placement.offer;
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
        self.cancel_parts();
        self.lines.iter_mut().for_each(OrderLine::cancel_outstanding);
        self.shortages = Some(Vec::new());
        self.cancel_reason = Some(reason);
        self.cancelling = None;
        self.enter(OrderState::Cancelled);
    }

    /// The payments opened for it, the oldest first.
    pub fn known_payments(&self) -> Vec<OrderPayment> {
        let first = self.payment_id.filter(|_| self.payments.is_empty()).map(|payment_id| OrderPayment {
            payment_id: payment_id.uuid(),
            amount: self.total.minor(),
            paid: self.paid.minor(),
            refunded: self.refunded.minor(),
            revision: 0,
        });
        first.into_iter().chain(self.payments.iter().cloned()).collect()
    }

    /// Their ids.
    pub fn payment_ids(&self) -> Vec<PaymentId> {
        self.known_payments().iter().map(|payment| PaymentId::from_uuid(payment.payment_id)).collect()
    }

    /// Money came in or was given back; of payments that were not opened for it nothing is kept.
    pub fn follow_payment(&mut self, news: OrderPayment) {
        let of_ours = |ordinal: i32| PaymentId::derived(self.order_id.uuid(), ordinal.unsigned_abs()).uuid();
        if !(0..=self.progress.ordinals).any(|ordinal| of_ours(ordinal) == news.payment_id) {
            return;
        }
        let mut payments = self.known_payments();
        match payments.iter_mut().find(|known| known.payment_id == news.payment_id) {
            Some(known) if news.revision < known.revision => {
                *known = OrderPayment { amount: known.amount, revision: known.revision, ..news };
            }
            Some(known) => *known = news,
            // Given up before the order knew of it: its placing was unwound.
            None if news.paid == 0 && news.refunded == 0 => return,
            None => payments.push(news),
        }
        let sum = |pick: fn(&OrderPayment) -> i64| payments.iter().map(pick).sum();
        self.paid = Money::new(self.currency, sum(|payment| payment.paid));
        self.refunded = Money::new(self.currency, sum(|payment| payment.refunded));
        self.payments = payments;
    }

    /// What inventory says it holds at some time; what is older than what is known is passed over.
    pub fn follow_stock(&mut self, held: Held) {
        let over = matches!(self.state, OrderState::Cancelled | OrderState::Rejected);
        if !over && (held.version == 0 || held.version > self.progress.reservation_version) {
            self.hold(held);
        }
    }

    /// Inventory holds this for it now.
    pub fn hold(&mut self, held: Held) {
        // While it is placed nothing of it is written but its lines.
        if self.state != OrderState::Placing {
            self.progress.reservation_version = held.version;
        }
        let mut units = held.units;
        for line in &mut self.lines {
            line.hold(&mut units);
        }
        self.shortages = Some(held.shortages);
    }

    /// The buyer was identified, or cannot be.
    pub fn attach_customer(&mut self, customer_id: Option<CustomerId>) {
        self.customer_id = customer_id;
        self.customer_wanted = false;
    }

    pub(super) fn enter(&mut self, state: OrderState) {
        if self.state != state {
            self.status = state.name().to_owned();
        }
        self.state = state;
    }
}
