//! How the parts of an order leave and arrive, and move the order with them.

use types::{FulfilmentId, ShipmentId};

use crate::model::fulfilment::{Fulfilment, FulfilmentLine, FulfilmentState};
use crate::model::order::{Forbidden, Order};
use crate::model::order_line::{LineKind, OrderLine};
use crate::model::order_state::{Mover, OrderState};
use crate::model::parts::Departure;
use crate::model::tracking::{Parcel, Tracking};

impl Order {
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
        // What was heard of the parcel itself is newer than the answer to its booking.
        if part.state.waits() || part.tracking_number.is_empty() {
            part.follow(parcel);
        }
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
