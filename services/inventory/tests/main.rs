//! Stock under test, against a real PostgreSQL. One module per verb, named like the files in `src/rpc`.

#![allow(clippy::unwrap_used)] // A test that cannot go on says where.

mod stockroom;

mod adjust_stock;
mod books;
mod change_reservation;
mod constraints;
mod costs;
mod create_warehouse;
mod documents;
mod expire_holds;
mod explain_stock;
mod get_reservation;
mod get_stock_level;
mod hold_cart;
mod list_reservations;
mod list_stock_levels;
mod list_warehouses;
mod look_up_stock;
mod model;
mod post_return;
mod receive_stock;
mod recount_stock;
mod release_hold;
mod release_reservation;
mod replicas;
mod reserve_stock;
mod ship_reservation;
mod shortages;
mod transfers;
mod whole_books;
