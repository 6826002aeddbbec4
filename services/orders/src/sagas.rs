//! Durable processes across services.

pub mod book_shipment;
pub mod cancel_fulfilment;
pub mod cancel_order;
pub mod edit_order;
pub mod keyed;
pub mod next;
pub mod offer_terms;
mod offers;
pub mod part_input;
pub mod place_order;
pub mod plan_fulfilment;
pub mod receive_return;
mod recorded_orders;
pub mod resolve_return;
pub mod ship_stock;
