//! The shop's counter: the buyer comes with the number, so nothing else must be known.

use futures_util::future::{BoxFuture, FutureExt};
use rpc::Fields;
use store::Store;

use super::{Answer, Booked, Booking, Carrier, Waybill, own_label};
use crate::model::consignment::Consignment;
use crate::model::label_rows::Label;

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

    fn check(&self, _: &Consignment, _: &mut Fields) {}

    fn create<'a>(&'a self, _: &'a Consignment) -> BoxFuture<'a, Answer<Booking>> {
        async { Ok(Waybill::next(&self.store).await?.into_booking()) }.boxed()
    }

    fn label<'a>(&'a self, parcel: Booked<'a>) -> BoxFuture<'a, Answer<Option<Label>>> {
        async move { Ok(Some(own_label::draw(parcel)?)) }.boxed()
    }
}
