//! A catalog to work with, and short words for what is done at it.

use std::collections::HashMap;

use korob_catalog::Catalog;
use prost::Message;
use prost_types::FieldMask;
use proto::catalog::v1 as pb;
use proto::catalog::v1::catalog_service_client::CatalogServiceClient;
use proto::r#type::v1::Money;
use rpc::BoundChannel;
use testing::World;
use tonic::{Response, Status};
use types::{Sku, SourceId};

use crate::neighbours::Neighbours;

pub type Client = CatalogServiceClient<BoundChannel>;
pub type Answer<T> = Result<Response<T>, Status>;

/// A catalog and an operator in front of it.
pub struct Desk {
    pub world: World,
    pub catalog: Client,
    pub neighbours: Neighbours,
}

impl Desk {
    pub async fn open() -> Self {
        let neighbours = Neighbours::default();
        let world = neighbours.move_into(World::new().await).start::<Catalog>().await;
        let catalog = CatalogServiceClient::new(world.channel("catalog"));
        Self { world, catalog, neighbours }
    }

    /// A new call of the same operator: the patience of one call is short.
    pub fn come_back(&mut self) {
        self.catalog = CatalogServiceClient::new(self.world.channel("catalog"));
    }

    pub fn for_partner(&self, scopes: &[&str]) -> Client {
        let partner = World::partner(&[types::ShopId::new()], scopes);
        CatalogServiceClient::new(self.world.channel_as("catalog", partner))
    }

    pub async fn add(&mut self, product: pb::Product) -> pb::Product {
        self.try_add(product).await.expect("the product is added").into_inner()
    }

    pub async fn try_add(&mut self, product: pb::Product) -> Answer<pb::Product> {
        self.catalog
            .create_product(pb::CreateProductRequest { product: Some(product), idempotency_key: key() })
            .await
    }

    pub async fn get(&mut self, product: &pb::Product) -> pb::Product {
        let request = pb::GetProductRequest { product_id: product.product_id.clone() };
        self.catalog.get_product(request).await.expect("the product is there").into_inner()
    }

    pub async fn update(&mut self, product: pb::Product, paths: &[&str]) -> Answer<pb::Product> {
        let request = pb::UpdateProductRequest { product: Some(product), update_mask: Some(mask(paths)) };
        self.catalog.update_product(request).await
    }

    pub async fn category(&mut self, name: &str, parent: Option<&pb::Category>) -> pb::Category {
        let parent_id = parent.map(|parent| parent.category_id.clone()).unwrap_or_default();
        let category = pb::Category { name: name.to_owned(), parent_id, ..Default::default() };
        let request = pb::CreateCategoryRequest { category: Some(category), idempotency_key: key() };
        self.catalog.create_category(request).await.expect("the category is added").into_inner()
    }

    pub async fn move_category(
        &mut self,
        category: &pb::Category,
        parent: &pb::Category,
    ) -> Answer<pb::Category> {
        let category = pb::Category {
            category_id: category.category_id.clone(),
            parent_id: parent.category_id.clone(),
            ..Default::default()
        };
        let request =
            pb::UpdateCategoryRequest { category: Some(category), update_mask: Some(mask(&["parent_id"])) };
        self.catalog.update_category(request).await
    }

    pub async fn price_list(&mut self, list: pb::PriceList) -> pb::PriceList {
        let request = pb::CreatePriceListRequest { price_list: Some(list), idempotency_key: key() };
        self.catalog.create_price_list(request).await.expect("the list is added").into_inner()
    }

    pub async fn set_price(
        &mut self,
        list: &pb::PriceList,
        sku: &str,
        amount: &str,
    ) -> pb::SetPricesResponse {
        self.try_set_prices(list, vec![price(sku, amount, &list.currency_code)])
            .await
            .expect("prices are set")
            .into_inner()
    }

    pub async fn try_set_prices(
        &mut self,
        list: &pb::PriceList,
        prices: Vec<pb::Price>,
    ) -> Answer<pb::SetPricesResponse> {
        let request = pb::SetPricesRequest { price_list_id: list.price_list_id.clone(), prices };
        self.catalog.set_prices(request).await
    }

    pub async fn quote(&mut self, channel: &str, items: &[(&str, i32)]) -> Answer<pb::QuoteItemsResponse> {
        let items =
            items.iter().map(|(sku, quantity)| pb::QuoteItem { sku: (*sku).to_owned(), quantity: *quantity });
        let request = pb::QuoteItemsRequest {
            currency_code: "RUB".to_owned(),
            channel: channel.to_owned(),
            items: items.collect(),
        };
        self.catalog.quote_items(request).await
    }

    pub async fn products(&mut self, request: pb::ListProductsRequest) -> Vec<String> {
        let answer = self.catalog.list_products(request).await.expect("products are listed").into_inner();
        answer.products.into_iter().map(|product| product.name).collect()
    }

    /// What a search in rubles finds.
    pub async fn search(&mut self, request: pb::SearchVariantsRequest) -> Answer<pb::SearchVariantsResponse> {
        let request = pb::SearchVariantsRequest { currency_code: "RUB".to_owned(), ..request };
        self.catalog.search_variants(request).await
    }

    /// The SKUs that a text finds, in their order.
    pub async fn found(&mut self, text: &str) -> Vec<String> {
        let request = pb::SearchVariantsRequest { text: text.to_owned(), ..Default::default() };
        skus(self.search(request).await)
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &str) -> i64 {
        let client = self.world.database("catalog").client().await;
        let row = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.expect("a count");
        row.get(0)
    }

    /// Everything that is stored, with the transactions that wrote it: equal twice when nothing was written between.
    pub async fn traces(&self) -> Vec<(String, String)> {
        let client = self.world.database("catalog").client().await;
        let mut traces = Vec::new();
        for table in TABLES {
            let sql = format!(
                "SELECT coalesce(string_agg(xmin::text || ' ' || t::text, E'\\n' ORDER BY t::text), '') FROM {table} t"
            );
            let row = client.query_one(&sql, &[]).await.expect("the rows");
            traces.push((table.to_owned(), row.get(0)));
        }
        traces
    }

    /// The events of a kind, oldest first, with their aggregates and versions.
    pub async fn events<E: Message + prost::Name + Default>(&self) -> Vec<(String, i64, E)> {
        let client = self.world.database("catalog").client().await;
        let sql = "SELECT aggregate_id, version, body FROM event_log WHERE type = $1 ORDER BY position";
        let rows = client.query(sql, &[&E::full_name()]).await.expect("the events");
        let event = |row: &tokio_postgres::Row| E::decode(row.get::<_, &[u8]>(2)).expect("an event");
        rows.iter().map(|row| (row.get(0), row.get(1), event(row))).collect()
    }

    /// The actions in a resource's history, oldest first.
    pub async fn audit(&self, resource: &str) -> Vec<String> {
        let client = self.world.database("catalog").client().await;
        let sql = "SELECT action FROM audit_log WHERE resource_id = $1 ORDER BY sequence";
        let rows = client.query(sql, &[&resource]).await.expect("the history");
        rows.iter().map(|row| row.get(0)).collect()
    }
}

/// Every table of the service, and what it tells.
const TABLES: [&str; 19] = [
    "categories",
    "category_external_ids",
    "products",
    "product_external_ids",
    "product_categories",
    "variants",
    "variant_barcodes",
    "variant_external_ids",
    "kit_components",
    "price_lists",
    "prices",
    "price_changes",
    "brands",
    "brand_names",
    "characteristics",
    "variant_values",
    "import_mappings",
    "event_log",
    "audit_log",
];

/// The SKUs of a page, in their order.
#[track_caller]
pub fn skus(answer: Answer<pb::SearchVariantsResponse>) -> Vec<String> {
    let matches = answer.expect("a page").into_inner().matches;
    matches.into_iter().filter_map(|found| Some(found.variant?.sku)).collect()
}

pub fn key() -> String {
    SourceId::new().to_string()
}

pub fn mask(paths: &[&str]) -> FieldMask {
    FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() }
}

/// A product with one variant per SKU.
pub fn product(name: &str, skus: &[&str]) -> pb::Product {
    let variants = skus.iter().map(|sku| variant(sku)).collect();
    pb::Product { name: name.to_owned(), variants, ..Default::default() }
}

pub fn variant(sku: &str) -> pb::Variant {
    pb::Variant {
        sku: sku.parse::<Sku>().map(String::from).unwrap_or_else(|_| sku.to_owned()),
        ..Default::default()
    }
}

pub fn with_barcodes(sku: &str, barcodes: &[&str]) -> pb::Variant {
    pb::Variant { barcodes: barcodes.iter().map(|one| (*one).to_owned()).collect(), ..variant(sku) }
}

pub fn money(amount: &str, currency: &str) -> Money {
    Money { amount: amount.to_owned(), currency_code: currency.to_owned() }
}

pub fn price(sku: &str, amount: &str, currency: &str) -> pb::Price {
    pb::Price { sku: sku.to_owned(), amount: Some(money(amount, currency)), ..Default::default() }
}

pub fn rubles(name: &str) -> pb::PriceList {
    pb::PriceList { name: name.to_owned(), currency_code: "RUB".to_owned(), ..Default::default() }
}

/// The facts of a refusal.
#[track_caller]
pub fn facts<T: std::fmt::Debug>(answer: Answer<T>) -> HashMap<String, String> {
    rpc::metadata(&answer.expect_err("the call must be refused"))
}

/// The reason of a refusal.
#[track_caller]
pub fn reason<T: std::fmt::Debug>(answer: Answer<T>) -> String {
    testing::refusal(answer).reason
}
