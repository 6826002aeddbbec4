//! The parts of an order: what can be in one, how they are made and taken back, and their shares of its sums.

use std::collections::BTreeMap;

use chrono::DateTime;
use types::{DeliveryPlanId, FulfilmentId, Money, MoneyError, ShipmentId, Sku};

use crate::model::fulfilment::{Fulfilment, FulfilmentLine, FulfilmentState};
use crate::model::order::{Delivery, Order};
use crate::model::order_line::OrderLine;
use crate::model::origin::PaymentMethod;

/// Parts of one order.
pub const PARTS_MAX: usize = 50;

/// How a new part leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Departure {
    /// As was planned for the whole order.
    AsOrdered,
    /// By a delivery that is planned for it.
    Planned(Box<Delivery>),
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
                (FulfilmentState::Planning, Some(*delivery), Some(plan_id))
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
            stock_posted: false,
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

    /// Whether inventory still holds what has left: it must not be asked to hold something else meanwhile.
    pub fn is_leaving_stock(&self) -> bool {
        let leaving = |part: &Fulfilment| part.state.has_left() && !part.stock_posted;
        self.fulfilments.iter().any(|part| leaving(part) && !self.stock_of(part).is_empty())
    }

    /// Parts that left since `before`.
    pub fn departed_since(&self, before: &Self) -> Vec<&Fulfilment> {
        let had_left =
            |part: &Fulfilment| before.part(part.fulfilment_id).is_some_and(|old| old.state.has_left());
        self.fulfilments.iter().filter(|part| part.state.has_left() && !had_left(part)).collect()
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
    pub(super) fn share(&self, line: &OrderLine, quantity: i32) -> Result<Money, MoneyError> {
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
    pub(super) fn cash_on_delivery(&self, worth: Money) -> Money {
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
}

fn at_least_nothing(money: Money) -> Money {
    Money::new(money.currency(), money.minor().max(0))
}
