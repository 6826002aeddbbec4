//! The shop's counter: the buyer comes with the number, so nothing else must be known.

use futures_util::future::{BoxFuture, FutureExt};
use rpc::Fields;
use store::Store;

use super::{Carrier, Parcel, Waybill};
use crate::error::Result;
use crate::model::delivery_plan::DeliveryPlan;

/// The shop's counter.
pub struct PickupCounter {
    store: Store,
}

impl PickupCounter {
    /// Numbers its waybills in `store`.
    pub const fn new(store: Store) -> Self {
        Self { store }
    }
}

impl Carrier for PickupCounter {
    fn name(&self) -> &'static str {
        "pickup"
    }

    fn check(&self, _: &DeliveryPlan, _: &mut Fields) {}

    fn book<'a>(&'a self, _: Parcel<'a>) -> BoxFuture<'a, Result<Waybill>> {
        Waybill::next(&self.store).boxed()
    }
}
