//! The page that shows a buyer the way of a parcel: one answer without scripts that loads nothing and names nobody.
//!
//! What may be shown is decided by the contract: a `Tracker` has no names, no addresses, no sums and nobody's words. Carrier
//! and number come from outside and are escaped like everything else.

mod clock;
mod page;
mod words;

pub(crate) use clock::{ShopClock, zone};
pub(crate) use page::{Page, policy};
pub(crate) use words::Language;
