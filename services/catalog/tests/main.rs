//! The catalog against a real PostgreSQL, one module per verb.

mod create_category;
mod create_product;
mod desk;
mod feeds;
mod get_effective_price;
mod get_product;
mod get_variant;
mod import_feed;
mod import_feed_faults;
mod import_feed_repeats;
mod kits;
mod list_categories;
mod list_products;
mod price_lists;
mod quote_items;
mod set_prices;
mod update_category;
mod update_product;
