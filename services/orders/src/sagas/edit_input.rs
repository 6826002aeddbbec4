//! Which edit of an order a process is about.

use types::{OrderId, ReservationId};
use uuid::Uuid;

use crate::error::Result;
use crate::sagas::edit_money::MoneyThen;
use crate::sagas::keyed::{Key, corrupt};

/// Which edit; what it is to do is stored apart, for it holds what the buyer gave.
#[derive(Clone, PartialEq, prost::Message)]
pub struct EditInput {
    /// Of this saga.
    #[prost(string, tag = "1")]
    pub saga_id: String,
    /// The order.
    #[prost(string, tag = "2")]
    pub order_id: String,
    /// The edit's: the ids and revisions of all that it does follow from it.
    #[prost(int32, tag = "3")]
    pub ordinal: i32,
    /// What its answer is stored under.
    #[prost(message, optional, tag = "4")]
    pub key: Option<Key>,
    /// What holds the order's stock; empty when nothing does.
    #[prost(string, tag = "5")]
    pub reservation_id: String,
    /// Where stock is taken, in this order.
    #[prost(string, repeated, tag = "7")]
    pub warehouse_ids: Vec<String>,
    /// Whether the edit is done although stock is short.
    #[prost(bool, tag = "8")]
    pub accept_shortage: bool,
    /// Whether all of it comes from one warehouse.
    #[prost(bool, tag = "9")]
    pub one_warehouse: bool,
    /// What its decisions rest on.
    #[prost(message, optional, tag = "10")]
    pub money: Option<MoneyThen>,
}

impl EditInput {
    /// The saga.
    pub(super) fn saga_id(&self) -> Result<Uuid> {
        self.saga_id.parse().map_err(|_| corrupt("an edit"))
    }

    /// The order; that of no order when it cannot be read: then nothing is found.
    pub(super) fn order_id(&self) -> OrderId {
        self.order_id.parse().unwrap_or(OrderId::from_uuid(Uuid::nil()))
    }

    /// What holds stock for an order that had none.
    pub(super) fn fresh_reservation_id(&self) -> ReservationId {
        ReservationId::derived(self.order_id().uuid(), self.ordinal.unsigned_abs())
    }
}
