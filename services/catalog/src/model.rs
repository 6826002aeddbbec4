//! The nouns: products and their variants, categories, price lists and prices.

mod category;
mod changes;
mod etag;
mod external_id;
mod kit;
mod owners;
mod price;
mod price_list;
mod product;
mod product_rows;
mod product_writes;
mod quote;
mod search_words;
mod variant;

pub(crate) use category::{Category, CategoryDetails};
pub(crate) use changes::{Changes, Fact};
pub(crate) use etag::Etag;
pub(crate) use external_id::ExternalId;
pub(crate) use kit::KitComponent;
pub(crate) use owners::{Owner, Owners};
pub(crate) use price::{ChangedPrice, Price, Prices, WantedPrice};
pub(crate) use price_list::{PriceList, PriceListDetails};
pub(crate) use product::{Edit, Product, ProductDetails, ProductKind};
pub(crate) use quote::{Asked, Effective, Quoted, QuotedComponent};
pub(crate) use search_words::{search_query, search_words};
pub(crate) use variant::{PackBarcode, Variant, VariantPlace};
