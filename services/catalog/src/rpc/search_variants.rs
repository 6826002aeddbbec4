//! Finds what an operator offers, with price and free stock: one page is one question to the stock.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use ::rpc::{Call, Fields, Invalid};
use diesel_async::AsyncPgConnection;
use prost::Message;
use proto::catalog::v1 as pb;
use store::{PAGE_SIZE_MAX, Page, Store};
use types::{Currency, PriceListId, ProductId, VariantId, WarehouseId};

use crate::error::{Error, Result};
use crate::model::{
    Brand, Category, Effective, Found, FoundPlace, FreeStock, Offered, PriceList, PriceQuestion, Product,
    Search, StockOfSku, ValueFilters,
};
use crate::{Catalog, request, wire};

/// The longest text that is searched for, in characters.
const TEXT_LENGTH_MAX: usize = 200;
/// Warehouses whose stock is asked for.
const WAREHOUSES_MAX: usize = 50;
/// How long the stock is waited for; then the window opens without it.
const STOCK_PATIENCE: Duration = Duration::from_millis(250);

struct Wanted {
    search: Search,
    currency: Currency,
    channel: String,
    list: Option<PriceListId>,
    warehouses: Vec<String>,
    stock: WantedStock,
    /// The page that is answered.
    page: Page<FoundPlace>,
    /// What is looked through for it.
    scan: Page<FoundPlace>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WantedStock {
    Any,
    /// Only what can be sold now.
    Some,
}

pub(crate) async fn handle(
    catalog: &Catalog,
    call: &Call,
    request: pb::SearchVariantsRequest,
) -> Result<pb::SearchVariantsResponse> {
    let mut wanted = Wanted::parse(&catalog.store, &request)?;

    let mut connection = catalog.store.connection().await?;
    wanted.search.values = request::value_filters(&mut connection, &request.characteristics).await?;
    wanted.refuse_unknown(&mut connection).await?;
    let scanned = wanted.search.find(&mut connection, wanted.scan.after.clone(), wanted.scan.limit()).await?;
    let (mut found, scanned_token) = wanted.scan.cut(&catalog.store, scanned, |found| found.place.clone());
    let ids: Vec<VariantId> = found.iter().map(|found| found.variant).collect();
    let offered = Offered::load(&mut connection, &ids).await?;
    // No connection waits for another service.
    drop(connection);
    let free = stock(catalog, call, &offered).await;
    let offered: HashMap<VariantId, Offered> = offered.into_iter().map(|one| (one.variant, one)).collect();

    if let (WantedStock::Some, Some(free)) = (wanted.stock, &free) {
        found.retain(|found| offered.get(&found.variant).is_some_and(|one| wanted.is_for_sale(one, free)));
    }
    let (found, page_token) = wanted.page.cut(&catalog.store, found, |found| found.place.clone());
    let next_page_token = if page_token.is_empty() { scanned_token } else { page_token };

    let mut connection = catalog.store.connection().await?;
    let matches = wanted.describe(catalog, &mut connection, &found, &offered, free.as_ref()).await?;
    Ok(pb::SearchVariantsResponse { matches, next_page_token, stock_unknown: free.is_none() })
}

/// What is free; nothing when inventory does not say so in time.
async fn stock(catalog: &Catalog, call: &Call, offered: &[Offered]) -> Option<FreeStock> {
    let skus: BTreeSet<&str> = offered.iter().flat_map(Offered::stocked_skus).collect();
    let skus: Vec<&str> = skus.into_iter().collect();
    if skus.is_empty() {
        return Some(FreeStock::default());
    }
    let free = catalog.upstreams.inventory.free(call, &skus, STOCK_PATIENCE).await;
    free.inspect_err(|status| tracing::warn!(%status, "the stock of a search is unknown")).ok()
}

impl Wanted {
    fn parse(store: &Store, request: &pb::SearchVariantsRequest) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let text = fields.text("text", request.text.trim(), TEXT_LENGTH_MAX);
        let category = fields.parse_optional("category_id", &request.category_id);
        let brand = fields.parse_optional("brand_id", &request.brand_id);
        let currency = fields.parse("currency_code", &request.currency_code);
        let channel = request::channel(&mut fields, "channel", &request.channel);
        let list = fields.parse_optional("price_list_id", &request.price_list_id);
        if request.warehouse_ids.len() > WAREHOUSES_MAX {
            fields.refuse("warehouse_ids", "TOO_MANY", format!("at most {WAREHOUSES_MAX} entries"));
        }
        let ids = request.warehouse_ids.iter().take(WAREHOUSES_MAX).enumerate();
        let warehouses = ids
            .filter_map(|(at, id)| fields.parse::<WarehouseId>(&format!("warehouse_ids[{at}]"), id))
            .map(String::from)
            .collect();
        let currency = fields.finish_with(currency)?;
        let filter = pb::SearchVariantsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
        let filter = filter.encode_to_vec();
        let page = Page::parse(store, request.page_size, &request.page_token, &filter)?;
        let (stock, scan_size) = match request.in_stock_only {
            true => (WantedStock::Some, PAGE_SIZE_MAX),
            false => (WantedStock::Any, request.page_size),
        };
        let scan = Page::parse(store, scan_size, &request.page_token, &filter)?;
        let recommended_first = request.recommended_first;
        let search = Search { text, category, brand, values: ValueFilters::default(), recommended_first };
        Ok(Self { search, currency, channel, list, warehouses, stock, page, scan })
    }

    async fn refuse_unknown(&self, connection: &mut AsyncPgConnection) -> Result<()> {
        if let Some(category) = self.search.category
            && Category::missing(connection, &[category]).await?.is_some()
        {
            return Err(Error::CategoryNotFound(category));
        }
        if let Some(brand) = self.search.brand
            && Brand::find(connection, brand).await?.is_none()
        {
            return Err(Error::BrandNotFound(brand));
        }
        if let Some(id) = self.list {
            let list = PriceList::find(connection, id).await?.ok_or(Error::PriceListNotFound(id))?;
            if list.details.currency != self.currency {
                let problem = format!("the list is in {}", list.details.currency);
                return Err(Invalid::field("currency_code", "CURRENCY_MISMATCH", problem).into());
            }
        }
        Ok(())
    }

    fn is_for_sale(&self, offered: &Offered, free: &FreeStock) -> bool {
        let always = offered.stocked_skus().is_empty();
        let sellable = offered.archived_component.is_none();
        always || (sellable && StockOfSku::of(offered, free, &self.warehouses).total > 0)
    }

    async fn describe(
        &self,
        catalog: &Catalog,
        connection: &mut AsyncPgConnection,
        found: &[Found],
        offered: &HashMap<VariantId, Offered>,
        free: Option<&FreeStock>,
    ) -> Result<Vec<pb::VariantMatch>> {
        let products: BTreeSet<ProductId> = found.iter().map(|found| found.product).collect();
        let products: Vec<ProductId> = products.into_iter().collect();
        let products = Product::load(connection, &products).await?;
        let skus: Vec<&str> = found.iter().map(|found| found.place.2.as_str()).collect();
        let question = PriceQuestion {
            currency: self.currency,
            channel: self.channel.clone(),
            at: catalog.clock.now(),
            list: self.list,
        };
        let prices = Effective::load(connection, &skus, &question).await?;

        let mut matches = Vec::with_capacity(found.len());
        for found in found {
            let product = products.iter().find(|product| product.id == found.product);
            let variant = product.and_then(|product| {
                Some((product, product.details.variants.iter().find(|variant| variant.id == found.variant)?))
            });
            // What was archived since it was found is offered no longer.
            let Some(((product, variant), offered)) = variant.zip(offered.get(&found.variant)) else {
                continue;
            };
            let stock = free.map(|free| StockOfSku::of(offered, free, &self.warehouses)).unwrap_or_default();
            let sku = variant.sku.as_str();
            matches.push(pb::VariantMatch {
                price: prices.get(sku).map(|price| wire::effective_price(sku, price)),
                pack_quantity: found.pack_quantity,
                ..wire::variant_match(product, variant, offered, stock)
            });
        }
        Ok(matches)
    }
}
