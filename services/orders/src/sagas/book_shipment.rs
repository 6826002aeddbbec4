//! Books the parcel of an order that is being assembled.

use std::convert::Infallible;

use rpc::Call;
use saga::{Definition, Finished, NewSaga, Saga, Stop};
use store::{Audit, Store, Tx};
use tonic::Status;
use types::OrderId;
use uuid::Uuid;

use prost::Message;

use crate::changes;
use crate::error::{Error, Result};
use crate::model::order::Order;
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
        let (plan, shipment) = (order.own_delivery_plan_id(), order.own_shipment_id());
        saga.step("book", self.ask.delivery.book(call, plan, shipment)).await?;
        saga.step("settle", async { Ok(self.settle(call, booking).await?) }).await
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

impl Booking {
    /// A new process for `order`, recorded in the transaction that makes it necessary.
    pub fn of(order: &Order) -> (Uuid, Self) {
        let saga_id = Uuid::now_v7();
        (saga_id, Self { saga_id: saga_id.to_string(), order_id: order.order_id.to_string() })
    }

    /// Its row.
    pub fn saga(&self, saga_id: Uuid, call: &Call) -> NewSaga {
        NewSaga { saga_id, kind: BookShipment::KIND, input: self.encode_to_vec(), call: call.clone() }
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

    async fn settle(&self, call: &Call, booking: &Booking) -> Result<()> {
        let (saga_id, order_id) = booking.read()?;
        self.store
            .transaction(call, async |tx: &mut Tx| {
                let before = Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
                if saga::finish(tx, &[saga_id], Finished::Done).await?.is_empty() {
                    return Ok(());
                }
                let mut order = before.clone();
                order.add_shipment(order.own_shipment_id());
                changes::save(tx, "orders.book_shipment", &before, &mut order).await?;
                Ok::<_, Error>(())
            })
            .await
    }

    /// The order stays in its state without a parcel; its history says why.
    async fn note_refusal(&self, call: &Call, booking: &Booking, refusal: &Status) -> Result<()> {
        let (saga_id, order_id) = booking.read()?;
        let reason = rpc::reason(refusal).unwrap_or_else(|| format!("{:?}", refusal.code()));
        tracing::warn!(%order_id, reason, "a parcel could not be booked");
        self.store
            .transaction(call, async |tx: &mut Tx| {
                if !saga::finish(tx, &[saga_id], Finished::Undone).await?.is_empty() {
                    tx.audit(Audit::new("orders.book_shipment", order_id).set("refused", &reason));
                }
                Ok::<_, Error>(())
            })
            .await
    }
}
