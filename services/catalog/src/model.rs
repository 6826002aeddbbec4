//! The nouns: products and their variants, categories, price lists and prices.

mod availability;
mod brand;
mod category;
mod changes;
mod characteristic;
mod definitions;
mod effective_price;
mod etag;
mod external_id;
mod import_mapping;
mod kit;
mod offered;
mod owners;
mod price;
mod price_history;
mod price_list;
mod product;
mod product_rows;
mod product_writes;
mod quote;
mod rounding;
mod search;
mod search_words;
mod showcase;
mod value_filter;
mod variant;

pub(crate) use availability::{FreeStock, StockOfSku};
pub(crate) use brand::{Brand, BrandDetails};
pub(crate) use category::{Category, CategoryDetails};
pub(crate) use changes::{Changes, Fact};
pub(crate) use characteristic::{Characteristic, CharacteristicDetails, Choice, TypedValue, ValueKind};
pub(crate) use definitions::Definitions;
pub(crate) use effective_price::{Basis, Candidate, Effective, PriceQuestion, Verdict};
pub(crate) use etag::Etag;
pub(crate) use external_id::ExternalId;
pub(crate) use import_mapping::{
    FileEncoding, ImportColumn, ImportConstant, ImportField, ImportMapping, ImportMappingDetails,
};
pub(crate) use kit::KitComponent;
pub(crate) use offered::Offered;
pub(crate) use owners::{Owner, Owners};
pub(crate) use price::{ChangedPrice, Price, Prices, Promo, WantedPrice, WantedPromo};
pub(crate) use price_history::{PastPlace, PastPrice};
pub(crate) use price_list::{PriceList, PriceListDetails};
pub(crate) use product::{Edit, Product, ProductDetails, ProductKind};
pub(crate) use quote::{Asked, Quoted, QuotedComponent};
pub(crate) use rounding::{Derivation, Percent, Rounding};
pub(crate) use search::{Found, FoundPlace, Search};
pub(crate) use search_words::{folded, search_query, search_words};
pub(crate) use showcase::{NumberedCategory, Shown};
pub(crate) use value_filter::ValueFilters;
pub(crate) use variant::{PackBarcode, Variant, VariantPlace};
