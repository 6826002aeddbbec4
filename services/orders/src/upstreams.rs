//! The services that orders asks: what it wants of each, in its own words.

mod access;
mod catalog;
mod customers;
mod delivery;
mod delivery_choices;
mod inventory;
mod payments;

use rpc::Directory;
use types::Clock;

pub use access::{Access, Shop, Source};
pub use catalog::Catalog;
pub use customers::Customers;
pub use delivery::{DeliveryDesk, Load, parcel};
pub use inventory::{Inventory, ReturnedGoods, Supply, held, units};
pub use payments::{Payments, Touched, read_payment};

/// All of them. Cheap to clone.
#[derive(Clone)]
pub struct Upstreams {
    /// Shops and sources.
    pub access: Access,
    /// Prices.
    pub catalog: Catalog,
    /// Buyers' cards.
    pub customers: Customers,
    /// Plans and parcels.
    pub delivery: DeliveryDesk,
    /// Stock.
    pub inventory: Inventory,
    /// Money.
    pub payments: Payments,
}

impl Upstreams {
    /// Finds them.
    pub fn new(directory: &Directory, clock: Clock) -> Self {
        Self {
            access: Access::new(directory.channel("access"), clock),
            catalog: Catalog::new(directory.channel("catalog")),
            customers: Customers::new(directory.channel("customers")),
            delivery: DeliveryDesk::new(directory.channel("delivery")),
            inventory: Inventory::new(directory.channel("inventory")),
            payments: Payments::new(directory.channel("payments")),
        }
    }
}
