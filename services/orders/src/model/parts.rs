//! The parts of an order: how they are made, leave, arrive, and move the order with them.

use std::collections::BTreeMap;

use chrono::DateTime;
use types::{DeliveryPlanId, FulfilmentId, Money, MoneyError, ShipmentId, Sku};

use crate::model::fulfilment::{Fulfilment, FulfilmentLine, FulfilmentState};
use crate::model::order::{Delivery, Forbidden, Order};
use crate::model::order_line::{LineKind, OrderLine};
use crate::model::order_state::{Mover, OrderState};
use crate::model::origin::PaymentMethod;
use crate::model::tracking::{Parcel, Tracking};

/// Parts of one order.
pub const PARTS_MAX: usize = 50;

/// How a new part leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Departure {
    /// As was planned for the whole order.
    AsOrdered,
    /// By a delivery that is planned for it.
    Planned(Delivery),
    /// Somebody hands it over.
    HandedOver,
}

/// Why a part cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartRefusal {
    /// The units have left, or are in another part.
    #[error("lines[{position}]: {free} units can be in a new part, not {wanted}")]
    NotFree {
        /// The line's.
        position: i32,
        /// Units asked for.
        wanted: i32,
        /// Units there are.
        free: i32,
    },
    /// Everything has left, or is in a part.
    #[error("everything has left or is in a part")]
    NothingLeft,
    /// There are very many already.
    #[error("an order has at most {PARTS_MAX} parts")]
    TooMany,
    /// Cannot happen to sums that were added before.
    #[error("the part's sum cannot be computed: {0}")]
    Sum(#[from] MoneyError),
}

impl Order {
    /// Units of a line that have not left and are in no part.
    pub fn unassigned(&self, line: &OrderLine) -> i32 {
        let waiting = self.fulfilments.iter().filter(|part| part.state.waits());
        (line.outstanding() - waiting.map(|part| part.units(line.position)).sum::<i32>()).max(0)
    }

    /// Units of a line that an edit must keep: they left, were given up, or are in a part.
    pub fn bound(&self, line: &OrderLine) -> i32 {
        line.ordered - self.unassigned(line)
    }

    /// Everything that has not left and is in no part.
    pub fn everything_left(&self) -> Vec<(i32, i32)> {
        let left = self.lines.iter().map(|line| (line.position, self.unassigned(line)));
        left.filter(|(_, units)| *units > 0).collect()
    }

    /// Whether what was planned for the whole order still fits a part that is all of it.
    pub fn plan_is_unused(&self) -> bool {
        self.delivery_plan_id.is_some()
            && self.fulfilments.iter().all(|part| {
                part.state == FulfilmentState::Cancelled && part.delivery_plan_id != self.delivery_plan_id
            })
    }

    /// Makes a part of `units`: positions and how many. Its share of sums is frozen; those of all parts add up to the order's.
    pub fn add_part(
        &mut self,
        units: &[(i32, i32)],
        departure: Departure,
    ) -> Result<FulfilmentId, PartRefusal> {
        let lines = self.part_lines(units)?;
        let ordinal = self.next_ordinal();
        let parent = self.order_id.uuid();
        let fulfilment_id = FulfilmentId::derived(parent, ordinal.unsigned_abs());
        let (state, delivery, delivery_plan_id) = match departure {
            Departure::AsOrdered => (FulfilmentState::Open, self.delivery.clone(), self.delivery_plan_id),
            Departure::Planned(delivery) => {
                let plan_id = DeliveryPlanId::derived(parent, ordinal.unsigned_abs());
                (FulfilmentState::Planning, Some(delivery), Some(plan_id))
            }
            Departure::HandedOver => (FulfilmentState::Open, None, None),
        };
        let goods = Money::sum(self.currency, lines.iter().map(|line| line.total))?;
        let charged = self.fulfilments.iter().filter(|part| part.state != FulfilmentState::Cancelled);
        let carried = Money::sum(self.currency, charged.map(|part| part.delivery_total))?;
        let delivery_total = at_least_nothing(self.delivery_total.checked_sub(carried)?);
        let cash_on_delivery = match delivery {
            Some(_) => self.cash_on_delivery(goods.checked_add(delivery_total)?),
            None => Money::zero(self.currency),
        };
        self.fulfilments.push(Fulfilment {
            fulfilment_id,
            ordinal,
            state,
            lines,
            delivery,
            delivery_plan_id,
            shipment_id: None,
            carrier: String::new(),
            tracking_number: String::new(),
            incident: String::new(),
            delivery_total,
            cash_on_delivery,
            cancelling: None,
            create_time: DateTime::UNIX_EPOCH,
            update_time: DateTime::UNIX_EPOCH,
        });
        Ok(fulfilment_id)
    }

    /// Entering assembling without parts makes one of everything that is left.
    pub fn part_of_everything(&mut self) -> Result<(), PartRefusal> {
        let left = self.everything_left();
        if left.is_empty() || self.fulfilments.iter().any(|part| part.state.waits()) {
            return Ok(());
        }
        let departure = match &self.delivery {
            Some(_) if self.plan_is_unused() => Departure::AsOrdered,
            // What was planned was for all of it: somebody decides how the rest goes.
            Some(_) => return Ok(()),
            None => Departure::HandedOver,
        };
        self.add_part(&left, departure).map(drop)
    }

    /// The carrier is asked for the parcels of parts that have none. Answers the parts.
    pub fn ask_for_parcels(&mut self) -> Vec<FulfilmentId> {
        let (parent, own_plan, own_shipment) =
            (self.order_id.uuid(), self.own_delivery_plan_id(), self.own_shipment_id());
        let mut asked = Vec::new();
        for part in self.fulfilments.iter_mut().filter(|part| part.wants_parcel()) {
            let by_part = || ShipmentId::derived(parent, part.ordinal.unsigned_abs());
            let shipment_id = if part.delivery_plan_id == Some(own_plan) { own_shipment } else { by_part() };
            part.shipment_id = Some(shipment_id);
            part.state = FulfilmentState::Booking;
            asked.push(part.fulfilment_id);
        }
        asked
    }

    /// The part, if the order has it.
    pub fn part(&self, fulfilment_id: FulfilmentId) -> Option<&Fulfilment> {
        self.fulfilments.iter().find(|part| part.fulfilment_id == fulfilment_id)
    }

    /// The same, to change it.
    pub fn part_mut(&mut self, fulfilment_id: FulfilmentId) -> Option<&mut Fulfilment> {
        self.fulfilments.iter_mut().find(|part| part.fulfilment_id == fulfilment_id)
    }

    /// Units of stock that left with a part.
    pub fn stock_of(&self, part: &Fulfilment) -> Vec<(Sku, i64)> {
        let mut units: BTreeMap<Sku, i64> = BTreeMap::new();
        for left in &part.lines {
            let line = self.lines.iter().find(|line| line.position == left.position && line.is_stocked());
            for (sku, quantity) in line.map(|line| line.stock(left.shipped)).unwrap_or_default() {
                *units.entry(sku.clone()).or_default() += quantity;
            }
        }
        units.into_iter().filter(|(_, quantity)| *quantity > 0).collect()
    }

    /// Parts that left since `before`.
    pub fn departed_since(&self, before: &Self) -> Vec<&Fulfilment> {
        let had_left =
            |part: &Fulfilment| before.part(part.fulfilment_id).is_some_and(|old| old.state.has_left());
        self.fulfilments.iter().filter(|part| part.state.has_left() && !had_left(part)).collect()
    }

    /// Somebody says that a part has left.
    pub fn ship_part(&mut self, fulfilment_id: FulfilmentId) {
        if let Some(at) = self.fulfilments.iter().position(|part| part.fulfilment_id == fulfilment_id) {
            self.leave(at);
            self.follow_departures();
        }
    }

    /// Somebody moves it to another state, or gives it another status within its state.
    pub fn change_state(&mut self, to: OrderState, status: Option<String>) -> Result<(), Forbidden> {
        if !self.state.allows(to, Mover::Operator) {
            return Err(Forbidden { from: self.state, to, allowed: self.state.allowed(Mover::Operator) });
        }
        // Without a tracked parcel the state is all that tells where the goods are.
        if matches!(to, OrderState::Delivery | OrderState::Complete) {
            self.ship_everything();
        }
        if to == OrderState::Complete {
            self.deliver_everything();
            // Whoever completes an order by hand gives up what it still lacks.
            self.lines.iter_mut().for_each(OrderLine::cancel_outstanding);
        }
        self.enter(to);
        self.status = status.unwrap_or_else(|| to.name().to_owned());
        Ok(())
    }

    /// The carrier expects a parcel, or is still asked for it.
    pub fn follow_booking(&mut self, shipment_id: ShipmentId, state: FulfilmentState, parcel: Parcel) {
        let part = self.fulfilments.iter_mut().find(|part| part.shipment_id == Some(shipment_id));
        let Some(part) = part.filter(|part| part.state != FulfilmentState::Cancelled) else { return };
        part.follow(parcel);
        if part.state.waits() {
            part.state = state;
            part.incident.clear();
        }
        if state == FulfilmentState::Booked && !self.shipment_ids.contains(&shipment_id) {
            self.shipment_ids.push(shipment_id);
        }
    }

    /// The carrier refuses a parcel.
    pub fn follow_refusal(&mut self, shipment_id: ShipmentId, incident: &str) {
        let part = self.fulfilments.iter_mut().find(|part| part.shipment_id == Some(shipment_id));
        if let Some(part) = part.filter(|part| part.state.waits()) {
            part.state = FulfilmentState::BookingFailed;
            incident.clone_into(&mut part.incident);
        }
    }

    /// Something was heard of a parcel.
    pub fn follow_parcel(&mut self, shipment_id: ShipmentId, tracking: Tracking, parcel: Parcel) {
        if tracking == Tracking::Waits || matches!(self.state, OrderState::Cancelled | OrderState::Rejected) {
            return;
        }
        let Some(at) = self.part_with(shipment_id) else {
            // An order that left before there were parts: the parcel was all of it.
            let known = self.fulfilments.is_empty() && self.shipment_ids.contains(&shipment_id);
            if known && tracking == Tracking::Delivered {
                self.deliver_everything();
                self.follow_departures();
            }
            return;
        };
        self.fulfilments[at].follow(parcel);
        if !self.shipment_ids.contains(&shipment_id) {
            self.shipment_ids.push(shipment_id);
        }
        self.leave(at);
        if tracking == Tracking::Delivered {
            self.deliver(at);
        }
        self.follow_departures();
    }

    /// Whether something is done with one of its parts right now.
    pub fn has_busy_part(&self) -> bool {
        let busy = |part: &Fulfilment| part.state == FulfilmentState::Planning || part.cancelling.is_some();
        self.fulfilments.iter().any(busy)
    }

    /// Once all that is held has left, so has the order; once all of it has arrived, it is done.
    pub fn follow_departures(&mut self) {
        let gone = |line: &OrderLine| match line.is_stocked() {
            true => line.reserved == 0,
            false => line.outstanding() == 0,
        };
        let some = self.lines.iter().any(|line| line.shipped > 0)
            || self.fulfilments.iter().any(|part| part.state.has_left());
        if some && self.lines.iter().all(gone) {
            self.move_by_carrier(OrderState::Delivery);
        }
        // An order that still lacks units is not done, whatever has arrived.
        let arrived = |line: &OrderLine| line.outstanding() == 0 && line.delivered == line.shipped;
        if some && self.lines.iter().all(arrived) {
            self.move_by_carrier(OrderState::Complete);
        }
    }

    /// Parts that have not left are taken back.
    pub(super) fn cancel_parts(&mut self) {
        for part in self.fulfilments.iter_mut().filter(|part| part.state.waits()) {
            part.state = FulfilmentState::Cancelled;
        }
    }

    /// Parts by these plans are taken back.
    pub fn cancel_parts_of(&mut self, plans: &[DeliveryPlanId]) {
        let of_plan =
            |part: &&mut Fulfilment| part.delivery_plan_id.is_some_and(|plan| plans.contains(&plan));
        for part in self.fulfilments.iter_mut().filter(of_plan).filter(|part| part.state.waits()) {
            part.state = FulfilmentState::Cancelled;
        }
    }

    fn part_lines(&self, units: &[(i32, i32)]) -> Result<Vec<FulfilmentLine>, PartRefusal> {
        let made = self.fulfilments.iter().filter(|part| part.state != FulfilmentState::Cancelled).count();
        if made >= PARTS_MAX {
            return Err(PartRefusal::TooMany);
        }
        if units.is_empty() {
            return Err(PartRefusal::NothingLeft);
        }
        let line = |(position, quantity): &(i32, i32)| {
            let not_free = |free| PartRefusal::NotFree { position: *position, wanted: *quantity, free };
            let line = self.lines.iter().find(|line| line.position == *position).ok_or(not_free(0))?;
            let free = self.unassigned(line);
            if !(1..=free).contains(quantity) {
                return Err(not_free(free));
            }
            let total = self.share(line, *quantity)?;
            Ok(FulfilmentLine { position: *position, quantity: *quantity, shipped: 0, total })
        };
        units.iter().map(line).collect()
    }

    /// What `quantity` more units in a part cost: shares of all parts add up to the line's total.
    fn share(&self, line: &OrderLine, quantity: i32) -> Result<Money, MoneyError> {
        let parts = || self.fulfilments.iter().filter(|part| part.state != FulfilmentState::Cancelled);
        let units: i32 = parts().map(|part| part.units(line.position)).sum();
        let of_line = |part: &Fulfilment| {
            part.lines
                .iter()
                .filter(|one| one.position == line.position)
                .map(|one| one.total)
                .collect::<Vec<_>>()
        };
        let shared = Money::sum(self.currency, parts().flat_map(of_line))?;
        Ok(at_least_nothing(line.value(units + quantity)?.checked_sub(shared)?))
    }

    /// What the carrier takes for a part of `worth`: all parts together not more than is owed.
    fn cash_on_delivery(&self, worth: Money) -> Money {
        if self.payment_method != PaymentMethod::CashOnDelivery {
            return Money::zero(self.currency);
        }
        let sum = |filter: fn(&Fulfilment) -> bool| -> i64 {
            self.fulfilments
                .iter()
                .filter(|part| filter(part))
                .map(|part| part.cash_on_delivery.minor())
                .sum()
        };
        let kept = self.paid.minor() - self.refunded.minor();
        // What came in is taken to be what the carrier took before it is taken to be paid in advance.
        let in_advance = (kept - sum(|part| part.state.has_left())).max(0);
        let left = self.due() - in_advance - sum(|part| part.state != FulfilmentState::Cancelled);
        Money::new(self.currency, worth.minor().min(left).max(0))
    }

    fn ship_everything(&mut self) {
        for at in 0..self.fulfilments.len() {
            if self.fulfilments[at].state.waits() {
                self.leave(at);
            }
        }
        let left: Vec<_> = self
            .lines
            .iter()
            .map(|line| (line.position, if line.is_stocked() { line.reserved } else { line.outstanding() }))
            .filter(|(_, units)| *units > 0)
            .collect();
        if !left.is_empty() && self.add_part(&left, Departure::HandedOver).is_ok() {
            self.leave(self.fulfilments.len() - 1);
        }
        // Beyond what parts can say nothing stays behind.
        self.lines.iter_mut().for_each(|line| {
            line.ship(i32::MAX);
        });
    }

    fn deliver_everything(&mut self) {
        for at in 0..self.fulfilments.len() {
            self.deliver(at);
        }
        self.lines.iter_mut().for_each(|line| line.delivered = line.shipped);
    }

    /// A part leaves with what is held of it; the last one takes along what is not goods.
    fn leave(&mut self, at: usize) {
        if !self.fulfilments[at].state.waits() {
            return;
        }
        self.take_services_along(at);
        let part = &mut self.fulfilments[at];
        for one in &mut part.lines {
            let Some(line) = self.lines.iter_mut().find(|line| line.position == one.position) else {
                continue;
            };
            one.shipped = line.ship(one.quantity);
            let share = one.total.scaled(i64::from(one.shipped), i64::from(one.quantity.max(1)));
            one.total = share.unwrap_or(one.total);
        }
        part.state = FulfilmentState::Shipped;
        part.incident.clear();
    }

    fn take_services_along(&mut self, at: usize) {
        let part = &self.fulfilments[at];
        let others = self
            .lines
            .iter()
            .any(|line| line.kind == LineKind::Goods && line.outstanding() > part.units(line.position));
        if others {
            return;
        }
        let services = self.lines.iter().filter(|line| line.kind == LineKind::Service);
        let services: Vec<FulfilmentLine> = services
            .filter_map(|line| {
                let quantity = self.unassigned(line);
                let total = self.share(line, quantity).ok()?;
                let line = FulfilmentLine { position: line.position, quantity, shipped: 0, total };
                Some(line).filter(|line| line.quantity > 0)
            })
            .collect();
        // A service may be in the part with fewer units already: then it has two rows there.
        self.fulfilments[at].lines.extend(services);
    }

    fn deliver(&mut self, at: usize) {
        let part = &mut self.fulfilments[at];
        if part.state != FulfilmentState::Shipped {
            return;
        }
        part.state = FulfilmentState::Delivered;
        for one in &part.lines {
            if let Some(line) = self.lines.iter_mut().find(|line| line.position == one.position) {
                line.delivered = (line.delivered + one.shipped).min(line.shipped);
            }
        }
    }

    /// The part with this parcel. Of an order that has no parts the parcel is all that is left.
    fn part_with(&mut self, shipment_id: ShipmentId) -> Option<usize> {
        let known = self.fulfilments.iter().position(|part| part.shipment_id == Some(shipment_id));
        if known.is_some() || !self.fulfilments.is_empty() || shipment_id != self.own_shipment_id() {
            return known;
        }
        let left = self.everything_left();
        if left.is_empty() {
            return None;
        }
        self.add_part(&left, Departure::AsOrdered).ok()?;
        let part = self.fulfilments.last_mut()?;
        (part.shipment_id, part.state) = (Some(shipment_id), FulfilmentState::Booked);
        Some(self.fulfilments.len() - 1)
    }

    fn move_by_carrier(&mut self, to: OrderState) {
        if self.state.allows(to, Mover::Carrier) {
            self.enter(to);
        }
    }
}

fn at_least_nothing(money: Money) -> Money {
    Money::new(money.currency(), money.minor().max(0))
}

impl Fulfilment {
    fn follow(&mut self, Parcel { carrier, tracking_number }: Parcel) {
        if !carrier.is_empty() {
            self.carrier = carrier;
        }
        if !tracking_number.is_empty() {
            self.tracking_number = tracking_number;
        }
    }
}
