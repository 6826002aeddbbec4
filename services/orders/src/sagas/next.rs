//! What follows from a change of an order: parcels to book, goods to take out of stock.

use rpc::Call;
use store::Tx;
use uuid::Uuid;

use crate::Orders;
use crate::error::Result;
use crate::model::fulfilment::{Fulfilment, FulfilmentState};
use crate::model::order::Order;
use crate::sagas::book_shipment::Booking;
use crate::sagas::follow_up;
use crate::sagas::ship_stock::Handover;

/// Processes that were recorded in a transaction and start after its commit.
#[derive(Default)]
pub struct Next {
    bookings: Vec<(Uuid, Booking)>,
    handovers: Vec<(Uuid, Handover)>,
}

impl Next {
    /// Records what follows from the change from `before` to `after`, whatever happens meanwhile.
    pub async fn record(tx: &mut Tx, before: &Order, after: &Order) -> Result<Self> {
        let mut next = Self::default();
        let asked = |part: &&Fulfilment| {
            let old = before.part(part.fulfilment_id).map(|old| old.state);
            part.state == FulfilmentState::Booking && old != Some(FulfilmentState::Booking)
        };
        let parts: Vec<_> = after.fulfilments.iter().filter(asked).map(|part| part.fulfilment_id).collect();
        for booking in Booking::of(after, &parts) {
            next.bookings.push((follow_up::record(tx, &booking).await?, booking));
        }
        for handover in Handover::of_departed(before, after) {
            next.handovers.push((follow_up::record(tx, &handover).await?, handover));
        }
        Ok(next)
    }

    /// Starts it, after the commit.
    pub fn start(self, orders: &Orders, call: &Call) {
        for (saga_id, booking) in self.bookings {
            orders.bookings.start(saga_id, call, booking);
        }
        for (saga_id, handover) in self.handovers {
            orders.handovers.start(saga_id, call, handover);
        }
    }
}
