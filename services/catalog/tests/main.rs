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
mod derived_price_lists;
mod list_categories;
mod list_price_history;
mod list_products;
mod neighbours;
mod price_lists;
mod promo_prices;
mod quote_items;
mod resolve_barcode;
mod search_speed;
mod search_variants;
mod set_prices;
mod update_category;
mod update_product;
