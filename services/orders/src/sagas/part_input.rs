//! Which part of an order a process is about.

use saga::{Definition, NewSaga};
use store::Tx;
use types::{FulfilmentId, OrderId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::fulfilment::Fulfilment;
use crate::sagas::keyed::{Key, corrupt};

/// A part, the process that is about it, and whom it answers.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PartInput {
    /// Of this saga.
    #[prost(string, tag = "1")]
    pub saga_id: String,
    /// The order.
    #[prost(string, tag = "2")]
    pub order_id: String,
    /// The part.
    #[prost(string, tag = "3")]
    pub fulfilment_id: String,
    /// Its delivery.
    #[prost(string, tag = "4")]
    pub delivery_plan_id: String,
    /// What its answer is stored under.
    #[prost(message, optional, tag = "5")]
    pub key: Option<Key>,
}

impl PartInput {
    /// A new process about a part, recorded in the transaction that makes it necessary.
    pub async fn record<D: Definition<Input = Self>>(
        tx: &mut Tx,
        saga_id: Uuid,
        order_id: OrderId,
        part: &Fulfilment,
        key: Key,
    ) -> Result<Self> {
        let input = Self {
            saga_id: saga_id.to_string(),
            order_id: order_id.to_string(),
            fulfilment_id: part.fulfilment_id.to_string(),
            delivery_plan_id: part.delivery_plan_id.map(|id| id.to_string()).unwrap_or_default(),
            key: Some(key),
        };
        saga::record(tx, &[NewSaga::of::<D>(saga_id, &input, tx.call())]).await?;
        Ok(input)
    }

    pub(super) fn read(&self) -> Result<(Uuid, OrderId, FulfilmentId)> {
        let read = || {
            Some((self.saga_id.parse().ok()?, self.order_id.parse().ok()?, self.fulfilment_id.parse().ok()?))
        };
        read().ok_or_else(|| corrupt("a process about a part"))
    }
}
