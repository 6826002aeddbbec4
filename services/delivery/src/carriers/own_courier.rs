//! The shop's own courier: needs a name, a phone and a door.

use futures_util::future::{BoxFuture, FutureExt};
use rpc::Fields;
use store::Store;

use super::{Answer, Booked, Booking, Carrier, Waybill, own_label};
use crate::model::consignment::Consignment;
use crate::model::label_rows::Label;

/// The shop's own courier.
pub struct OwnCourier {
    store: Store,
}

impl OwnCourier {
    /// Numbers its waybills in `store`.
    pub const fn new(store: Store) -> Self {
        Self { store }
    }
}

impl Carrier for OwnCourier {
    fn name(&self) -> &'static str {
        "own-courier"
    }

    fn check(&self, parcel: &Consignment, fields: &mut Fields) {
        let (recipient, address) = (&parcel.recipient, &parcel.address);
        let needed = [
            ("recipient_name", &recipient.name, "the courier asks for the recipient by name"),
            ("recipient_phone", &recipient.phone, "the courier calls the recipient"),
            ("address.city", &address.city, "the courier needs the city"),
            ("address.line", &address.line, "the courier needs street and house"),
        ];
        for (field, value, why) in needed {
            fields.check(!value.trim().is_empty(), field, "REQUIRED", why);
        }
    }

    fn create<'a>(&'a self, _: &'a Consignment) -> BoxFuture<'a, Answer<Booking>> {
        async { Ok(Waybill::next(&self.store).await?.into_booking()) }.boxed()
    }

    fn label<'a>(&'a self, parcel: Booked<'a>) -> BoxFuture<'a, Answer<Option<Label>>> {
        async move { Ok(Some(own_label::draw(parcel)?)) }.boxed()
    }
}
