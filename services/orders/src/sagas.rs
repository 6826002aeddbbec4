//! Durable processes across services.

pub mod book_shipment;
pub mod cancel_order;
pub mod edit_order;
pub mod keyed;
pub mod next;
pub mod place_order;
mod recorded_orders;
pub mod ship_stock;
