//! Lists products, newest first: those below a category, of a brand, with some values, with some words in their names, or
//! the one with a SKU.

use ::rpc::{Fields, Invalid};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use prost::Message;
use proto::catalog::v1 as pb;
use store::{Page, Store, cached_sql};
use types::{BrandId, CategoryId, ProductId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{Brand, Category, Product, ValueFilters, search_query};
use crate::{Catalog, request, wire};

/// The longest text that is searched for, in characters.
const TEXT_LENGTH_MAX: usize = 200;

/// Where the previous page ended.
type Place = (DateTime<Utc>, Uuid);

struct Wanted {
    category: Option<CategoryId>,
    brand: Option<BrandId>,
    values: ValueFilters,
    text: String,
    include_archived: bool,
    page: Page<Place>,
}

pub(crate) async fn handle(
    catalog: &Catalog,
    request: pb::ListProductsRequest,
) -> Result<pb::ListProductsResponse> {
    let mut wanted = Wanted::parse(&catalog.store, &request)?;

    let mut connection = catalog.store.connection().await?;
    wanted.values = request::value_filters(&mut connection, &request.characteristics).await?;
    if let Some(brand) = wanted.brand
        && Brand::find(&mut connection, brand).await?.is_none()
    {
        return Err(Error::BrandNotFound(brand));
    }
    if let Some(category) = wanted.category
        && Category::missing(&mut connection, &[category]).await?.is_some()
    {
        return Err(Error::CategoryNotFound(category));
    }
    let places = wanted.find(&mut connection).await?;
    let (places, next_page_token) = wanted.page.cut(&catalog.store, places, |place| *place);
    let ids: Vec<ProductId> = places.iter().map(|(_, id)| ProductId::from_uuid(*id)).collect();
    let mut products = Product::load(&mut connection, &ids).await?;
    products.sort_unstable_by_key(|product| std::cmp::Reverse((product.create_time, product.id)));

    Ok(pb::ListProductsResponse { products: products.iter().map(wire::product).collect(), next_page_token })
}

/// Products of a category, of all without one, in the order of the list. A page begins where the index says so: a condition that
/// may be missing would have it read all the pages before.
const BROWSE: &str = "
    WITH RECURSIVE below (category_id) AS (
        SELECT category_id FROM categories WHERE category_id = $1
        UNION
        SELECT c.category_id FROM categories c JOIN below ON c.parent_id = below.category_id)
    SELECT p.create_time, p.product_id FROM products p
    WHERE ($2 OR NOT p.archived) AND $3 = '' AND $4 IS NULL
      AND ($1 IS NULL OR p.product_id IN (
           SELECT pc.product_id FROM product_categories pc JOIN below USING (category_id)))
      AND ($8 IS NULL OR p.brand_id = $8)
      AND (cardinality($9) = 0 OR EXISTS (
           SELECT FROM variants v WHERE v.product_id = p.product_id AND NOT v.archived AND NOT EXISTS (
               SELECT FROM unnest($9, $10, $11, $12) AS f (code, lowest, highest, options) WHERE NOT EXISTS (
                   SELECT FROM variant_values x WHERE x.variant_id = v.variant_id AND x.code = f.code
                     AND (x.millionths BETWEEN f.lowest AND f.highest
                          OR x.value = ANY (string_to_array(f.options, E'\\x1f')))))))
      AND (p.create_time, p.product_id) < (coalesce($5, 'infinity'), coalesce($6, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    ORDER BY p.create_time DESC, p.product_id DESC LIMIT $7";

/// The same, beginning with what is found. A text of punctuation alone asks for no words; it may still be a SKU.
const SEARCH: &str = "
    WITH RECURSIVE below (category_id) AS (
        SELECT category_id FROM categories WHERE category_id = $1
        UNION
        SELECT c.category_id FROM categories c JOIN below ON c.parent_id = below.category_id),
    found (product_id) AS MATERIALIZED (
        SELECT named.product_id FROM variants named WHERE array_to_tsvector(named.search_words) @@ $4::text::tsquery
        UNION
        SELECT v.product_id FROM variants v WHERE v.sku = $3)
    SELECT p.create_time, p.product_id FROM found JOIN products p USING (product_id)
    WHERE ($2 OR NOT p.archived)
      AND ($1 IS NULL OR p.product_id IN (
           SELECT pc.product_id FROM product_categories pc JOIN below USING (category_id)))
      AND ($8 IS NULL OR p.brand_id = $8)
      AND (cardinality($9) = 0 OR EXISTS (
           SELECT FROM variants v WHERE v.product_id = p.product_id AND NOT v.archived AND NOT EXISTS (
               SELECT FROM unnest($9, $10, $11, $12) AS f (code, lowest, highest, options) WHERE NOT EXISTS (
                   SELECT FROM variant_values x WHERE x.variant_id = v.variant_id AND x.code = f.code
                     AND (x.millionths BETWEEN f.lowest AND f.highest
                          OR x.value = ANY (string_to_array(f.options, E'\\x1f')))))))
      AND ($5 IS NULL OR (p.create_time, p.product_id) < ($5, $6))
    ORDER BY p.create_time DESC, p.product_id DESC LIMIT $7";

impl Wanted {
    fn parse(store: &Store, request: &pb::ListProductsRequest) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let category = fields.parse_optional("category_id", &request.category_id);
        let brand = fields.parse_optional("brand_id", &request.brand_id);
        let text = fields.text("text", request.text.trim(), TEXT_LENGTH_MAX);
        fields.finish()?;
        let filter = pb::ListProductsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
        let page = Page::parse(store, request.page_size, &request.page_token, &filter.encode_to_vec())?;
        let values = ValueFilters::default();
        Ok(Self { category, brand, values, text, include_archived: request.include_archived, page })
    }

    async fn find(&self, connection: &mut AsyncPgConnection) -> Result<Vec<Place>> {
        let query = search_query(&self.text);
        let sql = if self.text.is_empty() { BROWSE } else { SEARCH };
        let places = cached_sql(sql)
            .bind::<Nullable<SqlUuid>, _>(self.category.map(|category| category.uuid()))
            .bind::<Bool, _>(self.include_archived)
            .bind::<Text, _>(&self.text)
            .bind::<Nullable<Text>, _>(query)
            .bind::<Nullable<Timestamptz>, _>(self.page.after.map(|(time, _)| time))
            .bind::<Nullable<SqlUuid>, _>(self.page.after.map(|(_, id)| id))
            .bind::<BigInt, _>(self.page.limit())
            .bind::<Nullable<SqlUuid>, _>(self.brand.map(|brand| brand.uuid()))
            .bind::<Array<Text>, _>(&self.values.codes)
            .bind::<Array<Nullable<BigInt>>, _>(&self.values.lowest)
            .bind::<Array<Nullable<BigInt>>, _>(&self.values.highest)
            .bind::<Array<Nullable<Text>>, _>(&self.values.options)
            .returns::<(Timestamptz, SqlUuid)>()
            .load(connection)
            .await?;
        Ok(places)
    }
}
