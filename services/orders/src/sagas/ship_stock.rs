//! Takes an order's goods out of stock when somebody, and no parcel, says that they have left.

use std::convert::Infallible;

use prost::Message;
use rpc::Call;
use saga::{Definition, Finished, NewSaga, Saga, Stop};
use store::{Store, Tx};
use tonic::Status;
use types::ReservationId;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::order::Order;
use crate::upstreams::Upstreams;

/// Which order's goods.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Handover {
    /// Of this saga.
    #[prost(string, tag = "1")]
    pub saga_id: String,
    /// The order.
    #[prost(string, tag = "2")]
    pub order_id: String,
    /// What holds them.
    #[prost(string, tag = "3")]
    pub reservation_id: String,
}

/// The process.
pub struct ShipStock {
    store: Store,
    ask: Upstreams,
}

impl Definition for ShipStock {
    const KIND: &'static str = "ship_stock";
    type Input = Handover;
    type Undo = Infallible;
    type Outcome = ();

    async fn run(&self, saga: &mut Saga<Infallible>, call: &Call, handover: &Handover) -> Result<(), Stop> {
        let (saga_id, reservation) = saga.step("read", async { Ok(handover.read()?) }).await?;
        saga.step("ship", self.ask.inventory.ship(call, reservation, &handover.order_id)).await?;
        saga.step("settle", async { Ok(self.finish(call, saga_id, Finished::Done).await?) }).await
    }

    fn undos(&self, _: &Handover) -> Vec<Infallible> {
        Vec::new()
    }

    async fn undo(&self, _: &Call, undo: Infallible) -> Result<(), Status> {
        match undo {}
    }

    async fn undone(&self, call: &Call, handover: &Handover, refusal: &Status) -> Result<(), Status> {
        let (saga_id, _) = handover.read()?;
        let reason = rpc::reason(refusal).unwrap_or_default();
        tracing::warn!(order_id = handover.order_id, reason, "goods left that inventory does not hold");
        Ok(self.finish(call, saga_id, Finished::Undone).await?)
    }
}

impl Handover {
    /// A new process for `order`, recorded in the transaction that makes it necessary.
    pub fn of(order: &Order, reservation_id: ReservationId) -> (Uuid, Self) {
        let saga_id = Uuid::now_v7();
        let (order_id, reservation_id) = (order.order_id.to_string(), reservation_id.to_string());
        (saga_id, Self { saga_id: saga_id.to_string(), order_id, reservation_id })
    }

    /// Its row.
    pub fn saga(&self, saga_id: Uuid, call: &Call) -> NewSaga {
        NewSaga { saga_id, kind: ShipStock::KIND, input: self.encode_to_vec(), call: call.clone() }
    }

    fn read(&self) -> Result<(Uuid, ReservationId)> {
        let read = || Some((self.saga_id.parse().ok()?, self.reservation_id.parse().ok()?));
        read().ok_or_else(|| store::Error::Corrupt("the input of a handover".to_owned()).into())
    }
}

impl ShipStock {
    /// The process over `store`, asking `ask`.
    pub fn new(store: Store, ask: Upstreams) -> Self {
        Self { store, ask }
    }

    /// The order said already that its units left.
    async fn finish(&self, call: &Call, saga_id: Uuid, outcome: Finished) -> Result<()> {
        self.store
            .transaction(call, async |tx: &mut Tx| {
                saga::finish(tx, &[saga_id], outcome).await?;
                Ok::<_, Error>(())
            })
            .await
    }
}
