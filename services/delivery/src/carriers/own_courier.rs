//! The shop's own courier: needs a name, a phone and a door.

use futures_util::future::{BoxFuture, FutureExt};
use rpc::Fields;
use store::Store;

use super::{Carrier, Parcel, Waybill};
use crate::error::Result;
use crate::model::delivery_plan::DeliveryPlan;

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

    fn check(&self, plan: &DeliveryPlan, fields: &mut Fields) {
        let (recipient, address) = (&plan.wish.recipient, plan.wish.address.clone().unwrap_or_default());
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

    fn book<'a>(&'a self, _: Parcel<'a>) -> BoxFuture<'a, Result<Waybill>> {
        Waybill::next(&self.store).boxed()
    }
}
