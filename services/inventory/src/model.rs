//! The nouns of stock and the decisions about them.
//!
//! Decisions are pure; what they need is loaded before, what they changed is saved after. Everybody who changes stock
//! takes locks in one order, so nobody waits in a circle: first stock levels by SKU, warehouse and condition, then
//! reservations by id.

mod allocation;
mod change;
mod correction;
mod cost_layer;
mod cost_rows;
mod deficit;
mod document;
mod document_rows;
mod ledger;
mod proposal;
mod reservation;
mod reservation_rows;
mod reservation_saves;
mod shipping;
mod shortage;
mod shortage_rows;
mod state;
mod stock;
mod stock_level;
mod transfer;
mod transfer_rows;
mod units;
mod waiting;
mod wanted;
mod warehouse;

pub use allocation::{Allocation, Lack, Split};
pub use correction::Correction;
pub use cost_layer::{CostEntry, CostLayer, CostLayers, CostPlace, Part, Provenance, Purchase, Sold};
pub(crate) use cost_rows::{Depth, LayerRow, unit_cost};
pub use deficit::Effect;
pub use document::{Document, DocumentKind, Movement, WriteOffReason};
pub(crate) use document_rows::DocumentRow;
pub use ledger::{Cause, Kind, LedgerEntry, Posting};
pub use proposal::{Outlook, Proposal, UnderWay};
pub use reservation::{Line, Reservation, Shipped};
pub use shortage::{Occasion, Shortage, ShortageChange, ShortageState, Turn};
pub(crate) use shortage_rows::ShortageRow;
pub use state::{Ending, Outcome, State};
pub use stock::Stock;
pub(crate) use stock::StockLevelColumns;
pub use stock_level::{Condition, Delta, StockLevel};
pub use transfer::{Arrival, Journey, Transfer, TransferState};
pub use units::Units;
pub use waiting::cover_oldest;
pub use wanted::{
    CartId, CartIdError, Change, Goods, Holder, OnShortage, Owner, OwnerError, Shipment, Terms, Wanted,
};
pub use warehouse::{Warehouse, Warehouses};
