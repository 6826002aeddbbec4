//! Durable processes across services.

pub mod book_shipment;
pub mod cancel_fulfilment;
pub mod cancel_order;
pub mod cancellations;
mod decision;
pub mod edit_input;
pub mod edit_money;
pub mod edit_order;
pub mod follow_up;
pub mod keyed;
pub mod neighbours;
pub mod next;
pub mod offer_terms;
mod offers;
pub mod part_input;
pub mod place_order;
pub mod placements;
pub mod plan_fulfilment;
pub mod receive_return;
mod recent_shortages;
mod recorded_orders;
pub mod redirect_fulfilment;
pub mod resolve_return;
pub mod ship_stock;
