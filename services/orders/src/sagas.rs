//! Durable processes across services.

pub mod book_shipment;
pub mod cancel_order;
pub mod place_order;
mod recorded_orders;
pub mod ship_stock;
