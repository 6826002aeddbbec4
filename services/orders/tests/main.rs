//! Orders against a real PostgreSQL and stand-ins of everybody it asks.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

mod neighbours;
mod shop;

mod bulk;
mod buyer;
mod cancel_order;
mod card_orders;
mod carts;
mod change_order_state;
mod constraints;
mod crashes;
mod create_quote;
mod delivery_slot;
mod discounts;
mod duplicates;
mod follow_payments;
mod follow_shipments;
mod follow_stock;
mod fulfilments;
mod get_order;
mod hang_up;
mod kits;
mod late_customers;
mod life_of_an_order;
mod list_order_history;
mod list_orders;
mod one_moment;
mod order_states;
mod place_order;
mod promo_codes;
mod redirect_fulfilment;
mod refused_requests;
mod repair;
mod return_states;
mod returns;
mod statuses;
mod sums;
mod unwinding;
mod update_order;
