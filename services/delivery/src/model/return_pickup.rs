//! A return that is fetched from the buyer.

use chrono::{DateTime, Utc};
use types::{DeliveryMethodId, ReturnId, ShopId};

use crate::model::address::{Address, Recipient};
use crate::model::schedule::SlotTime;
use crate::model::slot_rows::Place;

/// A return that is fetched, once, in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnPickup {
    pub return_id: ReturnId,
    pub shop_id: ShopId,
    pub method_id: DeliveryMethodId,
    pub slot: SlotTime,
    pub address: Address,
    pub contact: Recipient,
    pub cancelled: bool,
    pub create_time: DateTime<Utc>,
}

impl ReturnPickup {
    /// The room it takes; none once it was cancelled.
    pub fn place(&self) -> Option<Place> {
        let place = Place { method_id: self.method_id, start: self.slot.start };
        (!self.cancelled).then_some(place)
    }
}
