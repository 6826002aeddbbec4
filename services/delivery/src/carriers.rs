//! Those who carry parcels. A carrier says what it must know, and books.
//!
//! The verbs ask it outside any transaction; a repeat of a booking never reaches it once the parcel is stored.

mod own_courier;
mod pickup_counter;
mod waybill;

use futures_util::future::BoxFuture;
use rpc::Fields;
use store::Store;
use types::ShipmentId;

pub use self::own_courier::OwnCourier;
pub use self::pickup_counter::PickupCounter;
pub use self::waybill::Waybill;
use crate::error::Result;
use crate::model::delivery_method::Kind;
use crate::model::delivery_plan::DeliveryPlan;

/// Who carries the parcels of a kind of delivery.
pub trait Carrier: Send + Sync {
    /// Its name on parcels.
    fn name(&self) -> &'static str;

    /// Notes what the plan lacks for this carrier.
    fn check(&self, plan: &DeliveryPlan, fields: &mut Fields);

    /// Books a parcel; the same shipment id is the same parcel.
    fn book<'a>(&'a self, parcel: Parcel<'a>) -> BoxFuture<'a, Result<Waybill>>;
}

/// A parcel to book.
#[derive(Debug, Clone, Copy)]
pub struct Parcel<'a> {
    /// What it is called.
    pub shipment_id: ShipmentId,
    /// Where it goes.
    pub plan: &'a DeliveryPlan,
}

/// All carriers.
pub struct Carriers {
    own_courier: OwnCourier,
    pickup_counter: PickupCounter,
}

impl Carriers {
    /// The carriers of this installation; `store` numbers the waybills of the shop's own.
    pub fn new(store: Store) -> Self {
        Self { own_courier: OwnCourier::new(store.clone()), pickup_counter: PickupCounter::new(store) }
    }

    /// The carrier of `kind`.
    pub fn of(&self, kind: Kind) -> &dyn Carrier {
        match kind {
            Kind::Courier => &self.own_courier,
            Kind::Pickup => &self.pickup_counter,
        }
    }
}
