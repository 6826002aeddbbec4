//! A parcel on its way.

use chrono::{DateTime, TimeDelta, Utc};
use types::{CarrierAccountId, Currency, DeliveryPlanId, Money, OrderId, ShipmentId, ShopId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::consignment::Correction;
use crate::model::delivery_plan::DeliveryPlan;
use crate::model::incident::Incident;
use crate::model::schedule::SlotTime;
use crate::model::shipment_state::ShipmentState;
use crate::model::tracking_status::{Effect, TrackingStatus};
use crate::model::watch;
use crate::model::weight::Weight;

/// How long a request to a carrier may still have an effect after its answer was given up.
pub const SETTLE_TIME: TimeDelta = TimeDelta::seconds(20);
/// Attempts are numbered anew from the next multiple of this when something else is to be done.
const TRIES_OF_TASK: i32 = 1000;

/// A parcel with everything that happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    pub id: ShipmentId,
    pub plan_id: DeliveryPlanId,
    pub order_id: OrderId,
    pub shop_id: ShopId,
    /// Who carries it.
    pub carrier: String,
    /// `None` for the shop's own.
    pub account_id: Option<CarrierAccountId>,
    pub service: String,
    pub state: ShipmentState,
    /// What the carrier calls the parcel before it has a number.
    pub carrier_parcel_id: String,
    /// The waybill number; empty until the carrier gave one.
    pub tracking_number: String,
    /// Whether the carrier may know of a parcel that we do not know of.
    pub sending: bool,
    /// When a job looks at it next.
    pub work_time: Option<DateTime<Utc>>,
    /// Grows with every worker that takes the parcel and never goes back: whose number it no longer is has lost it.
    pub attempts: i32,
    pub book_time: Option<DateTime<Utc>>,
    pub has_label: bool,
    pub status: TrackingStatus,
    /// When the event that gave the status happened; `None` before the first.
    pub status_time: Option<DateTime<Utc>>,
    pub times: Times,
    /// Of everything that is paid for it; `None` of parcels that were booked before it was kept.
    pub currency: Option<Currency>,
    pub cash: Option<Cash>,
    pub carrier_price: Option<Money>,
    pub correction: Option<Correction>,
    /// Leads the buyer to the public page of the parcel.
    pub tracker_code: Uuid,
    pub weight: Weight,
    /// Grows by one with everything that is told of it.
    pub version: i64,
    pub create_time: DateTime<Utc>,
    pub handover: Handover,
    /// By the time they happened.
    pub events: Vec<TrackingEvent>,
    /// Open ones first.
    pub incidents: Vec<Incident>,
}

/// How a parcel of the shop's own is handed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Handover {
    /// The slot that its plan has now.
    pub slot: Option<SlotTime>,
    /// Whether only against a code.
    pub asks_for_code: bool,
    /// Whether it is known who took it.
    pub has_proof: bool,
}

/// When things happened to a parcel, and when it is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Times {
    /// When its tracking is asked for next; `None` when it is at its end.
    pub poll: Option<DateTime<Utc>>,
    /// When it becomes late unless something happens.
    pub watch: Option<DateTime<Utc>>,
    /// The last time anything was reported.
    pub moved: Option<DateTime<Utc>>,
    /// Since when it lies at the branch.
    pub stored: Option<DateTime<Utc>>,
    /// When the carrier sends it back.
    pub storage_end: Option<DateTime<Utc>>,
    pub delivered: Option<DateTime<Utc>>,
}

/// The money that the carrier takes from the buyer for the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cash {
    pub expected: Money,
    /// What the carrier says it has taken.
    pub collected: Option<Money>,
    /// What the shop has.
    pub received: Option<Money>,
}

impl Cash {
    /// Whether some of it is still with the carrier.
    pub fn is_missing(&self) -> bool {
        self.received.is_none_or(|received| received.minor() < self.expected.minor())
    }
}

/// What happened to a parcel, and when.
#[derive(Clone, PartialEq, Eq)]
pub struct TrackingEvent {
    pub status: TrackingStatus,
    pub occur_time: DateTime<Utc>,
    /// The carrier's own words; may name people.
    pub description: String,
    pub location: String,
    /// From the closed list, or empty.
    pub incident_reason: String,
    /// What the carrier calls it; empty for the shop's own.
    pub carrier_code: String,
    /// The version of the table that made the status of the code.
    pub code_map_version: i32,
    /// By which it is recognised when it comes again.
    pub carrier_event_id: Option<String>,
}

impl std::fmt::Debug for TrackingEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TrackingEvent({} at {})", self.status.as_str(), self.occur_time)
    }
}

/// What cancelling a parcel leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancellation {
    /// It is cancelled now.
    Done,
    /// The carrier is asked.
    Asked,
    /// It was cancelled, or is being cancelled, before.
    Before,
}

impl Shipment {
    /// The parcel of a plan, to be booked.
    pub fn of(plan: &DeliveryPlan, id: ShipmentId, now: DateTime<Utc>) -> Self {
        Self {
            id,
            plan_id: plan.wish.plan_id,
            order_id: plan.wish.order_id,
            shop_id: plan.wish.shop_id,
            carrier: String::new(),
            account_id: plan.account_id,
            service: plan.service.clone(),
            state: ShipmentState::Booking,
            carrier_parcel_id: String::new(),
            tracking_number: String::new(),
            sending: false,
            work_time: Some(now),
            attempts: 0,
            book_time: None,
            has_label: false,
            status: TrackingStatus::Pending,
            status_time: None,
            times: Times::default(),
            currency: Some(plan.price.currency()),
            cash: plan.cash().map(|expected| Cash { expected, collected: None, received: None }),
            carrier_price: None,
            correction: None,
            tracker_code: Uuid::new_v4(),
            weight: Weight::declared(plan.wish.weight_grams),
            version: 1,
            create_time: now,
            handover: Handover { slot: plan.slot, ..Handover::default() },
            events: Vec::new(),
            incidents: Vec::new(),
        }
    }

    /// Notes an event that a person reports. Answers the status before when it moved; an older event never moves it.
    pub fn track(&mut self, event: TrackingEvent) -> Result<Option<TrackingStatus>> {
        let (from, to) = (self.status, event.status);
        match self.effect_of(&event) {
            Effect::Final => Err(Error::ShipmentFinal { status: from }),
            Effect::Refused => Err(Error::MoveNotAllowed { from, to }),
            Effect::Stays | Effect::Moves => Ok(self.note(event)),
        }
    }

    /// Notes an event that a carrier reports: what cannot follow is kept and moves nothing.
    pub fn note(&mut self, event: TrackingEvent) -> Option<TrackingStatus> {
        let from = self.status;
        let moves = self.effect_of(&event) == Effect::Moves;
        if moves {
            self.status = event.status;
            self.status_time = Some(event.occur_time);
            self.version += 1;
            match event.status {
                TrackingStatus::Delivered => self.times.delivered = Some(event.occur_time),
                TrackingStatus::Cancelled => self.state = ShipmentState::Cancelled,
                _ => {}
            }
            let stored = event.status == TrackingStatus::ReadyForPickup;
            self.times.stored = if stored { Some(event.occur_time) } else { None };
        }
        if self.times.moved.is_none_or(|moved| moved < event.occur_time) {
            self.times.moved = Some(event.occur_time);
        }
        let later = self.events.partition_point(|known| known.occur_time <= event.occur_time);
        self.events.insert(later, event);
        self.times.watch = watch::next(self).map(|(time, _)| time);
        moves.then_some(from)
    }

    fn effect_of(&self, event: &TrackingEvent) -> Effect {
        let late = self.status_time.is_some_and(|time| event.occur_time < time);
        if late { Effect::Stays } else { self.status.then(event.status) }
    }

    /// Whether it stands for the plan: another is booked only once it was cancelled or came back.
    pub fn is_live(&self) -> bool {
        !matches!(self.status, TrackingStatus::Cancelled | TrackingStatus::ReturnToSender)
    }

    /// Whether nothing more happens to it.
    pub fn is_over(&self) -> bool {
        let arrived = self.status == TrackingStatus::Delivered;
        !self.is_live() || (arrived && self.cash.as_ref().is_none_or(|cash| !cash.is_missing()))
    }

    /// Attempts at what is to be done now.
    pub fn tries(&self) -> i32 {
        self.attempts % TRIES_OF_TASK
    }

    fn begin_task(&mut self) {
        self.attempts = (self.attempts / TRIES_OF_TASK + 1) * TRIES_OF_TASK;
    }

    /// Cancels a parcel that has not left: at once when no carrier outside can know of it.
    pub fn cancel(&mut self, now: DateTime<Utc>) -> Result<Cancellation> {
        match (self.state, self.status) {
            (ShipmentState::Cancelled | ShipmentState::Cancelling, _) | (_, TrackingStatus::Cancelled) => {
                Ok(Cancellation::Before)
            }
            (_, TrackingStatus::Pending) if self.is_known_outside() => {
                self.state = ShipmentState::Cancelling;
                self.begin_task();
                // A request that is under way must have its effect before the carrier is asked what there is.
                let under_way = self.sending && self.carrier_parcel_id.is_empty();
                self.work_time = Some(if under_way { now + SETTLE_TIME } else { now });
                self.version += 1;
                Ok(Cancellation::Asked)
            }
            (_, TrackingStatus::Pending) => {
                self.cancelled(now);
                Ok(Cancellation::Done)
            }
            (_, status) => Err(Error::ShipmentLeft { shipment_id: self.id, status }),
        }
    }

    fn is_known_outside(&self) -> bool {
        self.account_id.is_some() && (self.sending || !self.carrier_parcel_id.is_empty())
    }

    /// There is no waybill any more. Answers the status before, when it moved.
    pub fn cancelled(&mut self, now: DateTime<Utc>) -> Option<TrackingStatus> {
        self.state = ShipmentState::Cancelled;
        self.sending = false;
        self.work_time = None;
        self.times.poll = None;
        let moved = self.note(TrackingEvent::bare(TrackingStatus::Cancelled, now));
        self.times.watch = None;
        moved
    }

    /// The carrier gave a waybill.
    pub fn booked(&mut self, tracking_number: String, price: Option<Money>, now: DateTime<Utc>) {
        self.state = ShipmentState::Booked;
        self.tracking_number = tracking_number;
        self.carrier_price = price.filter(|price| Some(price.currency()) == self.currency);
        self.sending = false;
        self.begin_task();
        self.book_time = Some(now);
        // Its label comes next.
        self.work_time = Some(now);
        self.times.poll = self.account_id.map(|_| now + watch::POLL_PAUSE);
        self.version += 1;
        self.times.watch = watch::next(self).map(|(time, _)| time);
    }

    /// Its label is there.
    pub fn labelled(&mut self) {
        self.has_label = true;
        self.work_time = None;
    }

    /// There will be no waybill unless somebody does something.
    pub fn booking_failed(&mut self) {
        self.state = ShipmentState::BookingFailed;
        self.work_time = None;
        self.version += 1;
    }

    /// Tries again, with what was corrected.
    pub fn retry(&mut self, correction: Correction, now: DateTime<Utc>) -> Result<()> {
        if self.state != ShipmentState::BookingFailed {
            return Err(Error::BookingNotFailed { state: self.state });
        }
        if let Some(grams) = correction.weight_grams {
            self.weight.declared_grams = grams;
        }
        let before = self.correction.take().unwrap_or_default();
        self.correction = Some(before.then(correction));
        self.state = ShipmentState::Booking;
        self.begin_task();
        self.work_time = Some(now);
        self.version += 1;
        Ok(())
    }

    /// What the carrier says of the money. Answers whether anything is new.
    pub fn collected(&mut self, collected: Option<Money>) -> bool {
        let Some(cash) = &mut self.cash else { return false };
        let told = collected.filter(|sum| sum.currency() == cash.expected.currency());
        let news = told.is_some() && told != cash.collected;
        if news {
            cash.collected = told;
        }
        news
    }

    /// The shop has `sum` in all. Answers how much of it is new.
    pub fn received(&mut self, sum: Money) -> Option<Money> {
        let cash = self.cash.as_mut()?;
        let had = cash.received.unwrap_or(Money::zero(cash.expected.currency()));
        let more = sum.checked_sub(had).ok().filter(|more| more.minor() > 0)?;
        cash.received = Some(sum);
        self.version += 1;
        self.times.watch = watch::next(self).map(|(time, _)| time);
        Some(more)
    }

    /// Whether this event of the carrier was noted before.
    pub fn knows(&self, carrier_event_id: &str) -> bool {
        self.events.iter().any(|known| known.carrier_event_id.as_deref() == Some(carrier_event_id))
    }
}

impl TrackingEvent {
    /// An event that nobody described.
    pub fn bare(status: TrackingStatus, occur_time: DateTime<Utc>) -> Self {
        Self {
            status,
            occur_time,
            description: String::new(),
            location: String::new(),
            incident_reason: String::new(),
            carrier_code: String::new(),
            code_map_version: 0,
            carrier_event_id: None,
        }
    }
}
