//! The nouns of stock and the decisions about them.
//!
//! Decisions are pure; what they need is loaded before, what they changed is saved after. Everybody who changes stock
//! takes locks in one order, so nobody waits in a circle: first stock levels by SKU, warehouse and condition, then
//! reservations by id.

mod allocation;
mod correction;
mod ledger;
mod reservation;
mod reservation_rows;
mod state;
mod stock;
mod stock_level;
mod units;
mod wanted;
mod warehouse;

pub use allocation::Allocation;
pub use correction::{Correction, Corrections};
pub use ledger::{Cause, Kind, LedgerEntry, Posting};
pub use reservation::{Line, Reservation, Shortage};
pub use state::{Ending, Outcome, State};
pub use stock::Stock;
pub(crate) use stock::StockLevelColumns;
pub use stock_level::{Condition, Delta, StockLevel};
pub use units::Units;
pub use wanted::{CartId, CartIdError, Holder, OnShortage, Owner, OwnerError, Wanted};
pub use warehouse::{Warehouse, Warehouses};
