//! Books the parcel of a part of an order that is being assembled.

use std::convert::Infallible;

use rpc::Call;
use saga::{Definition, Finished, Saga, Stop};
use store::{Store, Tx};
use tonic::Status;
use types::{FulfilmentId, OrderId, ShipmentId};
use uuid::Uuid;

use crate::changes;
use crate::error::{Error, Result};
use crate::model::fulfilment::{Fulfilment, FulfilmentState};
use crate::model::order::Order;
use crate::model::tracking::Parcel;
use crate::sagas::follow_up::FollowUp;
use crate::upstreams::Upstreams;

/// Which order's parcel.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Booking {
    /// Of this saga.
    #[prost(string, tag = "1")]
    pub saga_id: String,
    /// The order.
    #[prost(string, tag = "2")]
    pub order_id: String,
    /// The parcel; its part has the plan.
    #[prost(string, tag = "3")]
    pub shipment_id: String,
}

/// The process.
pub struct BookShipment {
    store: Store,
    ask: Upstreams,
}

impl Definition for BookShipment {
    const KIND: &'static str = "book_shipment";
    type Input = Booking;
    type Undo = Infallible;
    type Outcome = ();

    async fn run(&self, saga: &mut Saga<Infallible>, call: &Call, booking: &Booking) -> Result<(), Stop> {
        let order = saga.step("read", async { Ok(self.read(booking).await?) }).await?;
        let shipment = booking.shipment_id.parse().unwrap_or(order.own_shipment_id());
        let part = order.fulfilments.iter().find(|part| part.shipment_id == Some(shipment));
        let plan = part.and_then(|part| part.delivery_plan_id).unwrap_or(order.own_delivery_plan_id());
        let (state, parcel) = saga.step("book", self.ask.delivery.book(call, plan, shipment)).await?;
        saga.step("settle", async { Ok(self.settle(call, booking, shipment, state, parcel).await?) }).await
    }

    fn undos(&self, _: &Booking) -> Vec<Infallible> {
        Vec::new()
    }

    async fn undo(&self, _: &Call, undo: Infallible) -> Result<(), Status> {
        match undo {}
    }

    async fn undone(&self, call: &Call, booking: &Booking, refusal: &Status) -> Result<(), Status> {
        Ok(self.note_refusal(call, booking, refusal).await?)
    }
}

impl FollowUp for Booking {
    type Process = BookShipment;

    fn saga_id(&self) -> Result<Uuid> {
        Ok(self.read()?.0)
    }
}

impl Booking {
    /// One process for each of `parts`, which wait for their parcels.
    pub fn of(order: &Order, parts: &[FulfilmentId]) -> Vec<Self> {
        let parcel = |part: &FulfilmentId| order.part(*part).and_then(|part| part.shipment_id);
        let booking = |shipment_id: ShipmentId| Self {
            saga_id: Uuid::now_v7().to_string(),
            order_id: order.order_id.to_string(),
            shipment_id: shipment_id.to_string(),
        };
        parts.iter().filter_map(parcel).map(booking).collect()
    }

    fn read(&self) -> Result<(Uuid, OrderId)> {
        let read = || Some((self.saga_id.parse().ok()?, self.order_id.parse().ok()?));
        read().ok_or_else(|| store::Error::Corrupt("the input of a booking".to_owned()).into())
    }
}

impl BookShipment {
    /// The process over `store`, asking `ask`.
    pub fn new(store: Store, ask: Upstreams) -> Self {
        Self { store, ask }
    }

    async fn read(&self, booking: &Booking) -> Result<Order> {
        let (_, order_id) = booking.read()?;
        let mut connection = self.store.connection().await?;
        Order::load(&mut connection, order_id).await?.ok_or(Error::OrderNotFound)
    }

    async fn settle(
        &self,
        call: &Call,
        booking: &Booking,
        shipment_id: ShipmentId,
        state: FulfilmentState,
        parcel: Parcel,
    ) -> Result<()> {
        let (saga_id, order_id) = booking.read()?;
        self.store
            .transaction(call, async |tx: &mut Tx| {
                let before = Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
                if saga::finish(tx, &[saga_id], Finished::Done).await?.is_empty() {
                    return Ok(());
                }
                let mut order = before.clone();
                // A carrier that is quick may have told of the parcel before.
                let ours = |part: &&Fulfilment| part.shipment_id == Some(shipment_id);
                let part = order.fulfilments.iter().find(ours);
                if part.is_some_and(|part| part.state == FulfilmentState::Booking || part.state.has_left()) {
                    order.follow_booking(shipment_id, state, parcel);
                } else if order.fulfilments.is_empty() && !order.shipment_ids.contains(&shipment_id) {
                    // Asked for before there were parts.
                    order.shipment_ids.push(shipment_id);
                }
                changes::save(tx, "orders.book_shipment", &before, &mut order).await?;
                Ok::<_, Error>(())
            })
            .await
    }

    /// The order stays in its state without a parcel; its part and its history say why.
    async fn note_refusal(&self, call: &Call, booking: &Booking, refusal: &Status) -> Result<()> {
        let (saga_id, order_id) = booking.read()?;
        let reason = rpc::reason(refusal).unwrap_or_else(|| format!("{:?}", refusal.code()));
        tracing::warn!(%order_id, reason, "a parcel could not be booked");
        self.store
            .transaction(call, async |tx: &mut Tx| {
                let before = Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
                if saga::finish(tx, &[saga_id], Finished::Undone).await?.is_empty() {
                    return Ok(());
                }
                let mut order = before.clone();
                order.follow_refusal(booking.shipment_id.parse().unwrap_or(order.own_shipment_id()), &reason);
                changes::save(tx, "orders.book_shipment", &before, &mut order).await?;
                Ok::<_, Error>(())
            })
            .await
    }
}
