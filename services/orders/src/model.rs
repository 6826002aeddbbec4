//! The nouns of orders and what is decided about them, without protocol, clock or network.

pub mod buyer;
pub mod cancel_reason;
pub mod edit;
pub mod edit_rows;
pub mod fulfilment;
pub mod fulfilment_rows;
pub mod fulfilment_status;
pub mod late_orders;
pub mod missing_item;
pub mod order;
pub mod order_filter;
pub mod order_line;
pub mod order_payment;
pub mod order_rows;
pub mod order_state;
pub mod origin;
pub mod parts;
pub mod payment_status;
pub mod placement;
pub mod rejection;
pub mod return_rows;
pub mod return_state;
pub mod returns;
pub mod text_search;
pub mod tracking;
