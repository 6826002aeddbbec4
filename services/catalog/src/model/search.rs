//! Finds variants that are offered: by what is scanned, typed or picked from a list.
//!
//! What names a variant exactly (a barcode, a SKU) comes first, then SKUs that begin with the text, then names that have
//! its words; within these, what is recommended if that is asked for, then the SKU.

use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::cached_sql;
use types::{BrandId, CategoryId, ProductId, VariantId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::{ValueFilters, search_query};

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Search {
    /// Words, the beginning of a SKU or a barcode; empty for all.
    pub(crate) text: String,
    pub(crate) category: Option<CategoryId>,
    pub(crate) brand: Option<BrandId>,
    pub(crate) values: ValueFilters,
    pub(crate) recommended_first: bool,
}

/// Where a found variant stands: how well it fits, whether it stands behind what is recommended, its SKU.
pub(crate) type FoundPlace = (i32, i32, String);

/// A variant that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) product: ProductId,
    pub(crate) variant: VariantId,
    pub(crate) place: FoundPlace,
    /// In the pack whose barcode was searched for; 1 otherwise.
    pub(crate) pack_quantity: i32,
}

/// Behind every SKU.
const AFTER_ALL: &str = "\u{10FFFF}";

/// Beginning with what is found. Each arm finds in its own way, and only when it is asked: by barcode, by SKU, by words;
/// without a text by category, else by brand, else by the first characteristic. What two arms could find belongs to the
/// better one. SKUs in capitals stand in their own order, so nothing is read beyond the page; others are few. By words it is found only when `$16` says so.
const SEARCH: &str = "
    WITH RECURSIVE below (category_id) AS (
        SELECT category_id FROM categories WHERE category_id = $5
        UNION
        SELECT c.category_id FROM categories c JOIN below ON c.parent_id = below.category_id),
    scanned (variant_id, pack_quantity) AS MATERIALIZED (
        SELECT variant_id, pack_quantity FROM variant_barcodes WHERE barcode = $1),
    found AS (
        SELECT v.product_id, v.variant_id, v.sku, v.recommended, 0 AS rank, scanned.pack_quantity
        FROM scanned JOIN variants v USING (variant_id) WHERE v.listed
        UNION ALL
        (SELECT v.product_id, v.variant_id, v.sku, v.recommended, CASE WHEN v.sku = $2 THEN 0 ELSE 1 END, 1
         FROM variants v WHERE $2 <> '' AND v.sku >= $2 AND v.sku < $3 AND v.listed
           AND v.sku > CASE WHEN $7 = 1 AND NOT $6 THEN $9 ELSE '' END
           AND (CASE WHEN v.sku = $2 THEN 0 ELSE 1 END, v.sku) > ($7, CASE WHEN $7 < 0 OR $6 THEN '' ELSE $9 END)
           AND v.variant_id <> ALL (ARRAY(SELECT variant_id FROM scanned))
         ORDER BY v.sku LIMIT CASE WHEN $5 IS NULL AND $11 IS NULL AND $12 = '{}' AND NOT $6 THEN $10 END)
        UNION ALL
        SELECT v.product_id, v.variant_id, v.sku, v.recommended, CASE WHEN upper(v.sku) = $2 THEN 0 ELSE 1 END, 1
        FROM variants v WHERE $2 <> '' AND upper(v.sku) ~>=~ $2 AND upper(v.sku) ~<~ $3 AND v.listed
          AND v.sku <> upper(v.sku) AND NOT (v.sku >= $2 AND v.sku < $3)
          AND v.variant_id <> ALL (ARRAY(SELECT variant_id FROM scanned))
        UNION ALL
        SELECT v.product_id, v.variant_id, v.sku, v.recommended, 2, 1
        FROM variants v WHERE $16 AND array_to_tsvector(v.search_words) @@ $4::text::tsquery AND v.listed
          AND NOT (upper(v.sku) ~>=~ $2 AND upper(v.sku) ~<~ $3)
          AND v.variant_id <> ALL (ARRAY(SELECT variant_id FROM scanned))
        UNION ALL
        SELECT v.product_id, v.variant_id, v.sku, v.recommended, 2, 1
        FROM (SELECT DISTINCT product_id FROM below JOIN product_categories USING (category_id)) below_it
        JOIN variants v USING (product_id) WHERE $2 = '' AND v.listed
        UNION ALL
        SELECT v.product_id, v.variant_id, v.sku, v.recommended, 2, 1
        FROM products p JOIN variants v USING (product_id)
        WHERE $2 = '' AND $5 IS NULL AND p.brand_id = $11 AND v.listed
        UNION ALL
        SELECT v.product_id, v.variant_id, v.sku, v.recommended, 2, 1
        FROM variant_values x JOIN variants v USING (variant_id)
        WHERE $2 = '' AND $5 IS NULL AND $11 IS NULL AND x.code = ($12)[1] AND v.listed)
    SELECT product_id, variant_id, rank, behind, sku, pack_quantity
    FROM (SELECT *, CASE WHEN $6 AND recommended THEN 0 ELSE 1 END AS behind FROM found) one
    WHERE (rank, behind, sku) > ($7, $8, $9)
      AND ($5 IS NULL OR $2 = '' OR EXISTS (
           SELECT FROM product_categories pc JOIN below USING (category_id) WHERE pc.product_id = one.product_id))
      AND ($11 IS NULL OR EXISTS (
           SELECT FROM products p WHERE p.product_id = one.product_id AND p.brand_id = $11))
      AND ($12 = '{}' OR NOT EXISTS (
           SELECT FROM unnest($12, $13, $14, $15) AS f (code, lowest, highest, options) WHERE NOT EXISTS (
               SELECT FROM variant_values x WHERE x.variant_id = one.variant_id AND x.code = f.code
                 AND (x.millionths BETWEEN f.lowest AND f.highest OR x.value = ANY (string_to_array(f.options, E'\\x1f'))))))
    ORDER BY rank, behind, sku LIMIT $10";

/// Variants that a walk looks at. What is found in fewer than one of a hundred, the indexes find as fast.
const STEPS_MAX: i64 = 2000;

/// Along the SKUs, looking at each: what is common fills a page after a few steps, where an index would first collect all of
/// it. Only what fits by words, a category, a brand or characteristics.
const WALK: &str = "
    WITH RECURSIVE below (category_id) AS (
        SELECT category_id FROM categories WHERE category_id = $5
        UNION
        SELECT c.category_id FROM categories c JOIN below ON c.parent_id = below.category_id)
    SELECT one.product_id, one.variant_id, 2, 1, one.sku, 1
    FROM (SELECT * FROM variants v WHERE v.listed AND v.sku > $6 ORDER BY v.sku LIMIT $7) one
    WHERE ($2 = '' OR array_to_tsvector(one.search_words) @@ (SELECT $4::text::tsquery)
                  AND NOT (upper(one.sku) ~>=~ $2 AND upper(one.sku) ~<~ $3)
                  AND NOT EXISTS (SELECT FROM variant_barcodes b WHERE b.barcode = $1 AND b.variant_id = one.variant_id))
      AND ($5 IS NULL OR EXISTS (
           SELECT FROM product_categories pc JOIN below USING (category_id) WHERE pc.product_id = one.product_id))
      AND ($9 IS NULL OR EXISTS (
           SELECT FROM products p WHERE p.product_id = one.product_id AND p.brand_id = $9))
      AND ($10 = '{}' OR NOT EXISTS (
           SELECT FROM unnest($10, $11, $12, $13) AS f (code, lowest, highest, options) WHERE NOT EXISTS (
               SELECT FROM variant_values x WHERE x.variant_id = one.variant_id AND x.code = f.code
                 AND (x.millionths BETWEEN f.lowest AND f.highest OR x.value = ANY (string_to_array(f.options, E'\\x1f'))))))
    ORDER BY one.sku LIMIT $8";

/// Everything, along the index: what is recommended, then the rest; or all as the rest.
const BROWSE: &str = "
    (SELECT v.product_id, v.variant_id, 2, 0, v.sku, 1 FROM variants v
     WHERE v.listed AND v.recommended AND v.sku > $1 ORDER BY v.sku LIMIT $3)
    UNION ALL
    (SELECT v.product_id, v.variant_id, 2, 1, v.sku, 1 FROM variants v
     WHERE v.listed AND NOT v.recommended AND v.sku > $2 ORDER BY v.sku LIMIT $3)
    ORDER BY 4, 5 LIMIT $3";
const BROWSE_BY_SKU: &str = "
    SELECT v.product_id, v.variant_id, 2, 1, v.sku, 1 FROM variants v
    WHERE v.listed AND v.sku > $1 ORDER BY v.sku LIMIT $2";

/// Whether words are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByWords {
    No,
    Too,
}

type Row = (Uuid, Uuid, i32, i32, String, i32);
type Columns = (SqlUuid, SqlUuid, Integer, Integer, Text, Integer);

impl Search {
    /// What is found after a place.
    pub(crate) async fn find(
        &self,
        connection: &mut AsyncPgConnection,
        after: Option<FoundPlace>,
        limit: i64,
    ) -> Result<Vec<Found>> {
        let rows: Vec<Row> = match (self.is_narrow(), self.recommended_first) {
            (true, true) => self.search(connection, after, limit, ByWords::Too).await?,
            (true, false) => self.search_or_walk(connection, after, limit).await?,
            (false, true) => {
                let (recommended, rest) = match after {
                    Some((_, 0, sku)) => (sku, String::new()),
                    Some((_, _, sku)) => (AFTER_ALL.to_owned(), sku),
                    None => (String::new(), String::new()),
                };
                cached_sql(BROWSE)
                    .bind::<Text, _>(recommended)
                    .bind::<Text, _>(rest)
                    .bind::<BigInt, _>(limit)
                    .returns::<Columns>()
                    .load(connection)
                    .await?
            }
            (false, false) => {
                cached_sql(BROWSE_BY_SKU)
                    .bind::<Text, _>(after.map(|(.., sku)| sku).unwrap_or_default())
                    .bind::<BigInt, _>(limit)
                    .returns::<Columns>()
                    .load(connection)
                    .await?
            }
        };
        let found = |(product, variant, rank, behind, sku, pack_quantity)| Found {
            product: ProductId::from_uuid(product),
            variant: VariantId::from_uuid(variant),
            place: (rank, behind, sku),
            pack_quantity,
        };
        Ok(rows.into_iter().map(found).collect())
    }

    fn is_narrow(&self) -> bool {
        !self.text.is_empty() || self.category.is_some() || self.brand.is_some() || !self.values.is_empty()
    }

    /// What names a variant, then what a walk finds; when both do not fill the page, the indexes are asked for all.
    async fn search_or_walk(
        &self,
        connection: &mut AsyncPgConnection,
        after: Option<FoundPlace>,
        limit: i64,
    ) -> Result<Vec<Row>> {
        let is_past_named = self.text.is_empty() || after.as_ref().is_some_and(|(rank, ..)| *rank == 2);
        let mut rows = match is_past_named {
            true => Vec::new(),
            false => self.search(connection, after.clone(), limit, ByWords::No).await?,
        };
        let wanted = limit - rows.len() as i64;
        if wanted > 0 {
            let start = after.as_ref().filter(|(rank, ..)| *rank == 2);
            let start = start.map(|(.., sku)| sku.as_str()).unwrap_or_default();
            let walked = self.walk(connection, start, wanted).await?;
            if (walked.len() as i64) < wanted {
                return self.search(connection, after, limit, ByWords::Too).await;
            }
            rows.extend(walked);
        }
        Ok(rows)
    }

    async fn walk(&self, connection: &mut AsyncPgConnection, start: &str, limit: i64) -> Result<Vec<Row>> {
        let typed = self.text.to_ascii_uppercase();
        let rows = cached_sql(WALK)
            .bind::<Text, _>(&self.text)
            .bind::<Text, _>(&typed)
            .bind::<Text, _>(format!("{typed}{AFTER_ALL}"))
            .bind::<Nullable<Text>, _>(search_query(&self.text))
            .bind::<Nullable<SqlUuid>, _>(self.category.map(|category| category.uuid()))
            .bind::<Text, _>(start)
            .bind::<BigInt, _>(STEPS_MAX)
            .bind::<BigInt, _>(limit)
            .bind::<Nullable<SqlUuid>, _>(self.brand.map(|brand| brand.uuid()))
            .bind::<Array<Text>, _>(&self.values.codes)
            .bind::<Array<Nullable<BigInt>>, _>(&self.values.lowest)
            .bind::<Array<Nullable<BigInt>>, _>(&self.values.highest)
            .bind::<Array<Nullable<Text>>, _>(&self.values.options)
            .returns::<Columns>()
            .load(connection)
            .await?;
        Ok(rows)
    }

    async fn search(
        &self,
        connection: &mut AsyncPgConnection,
        after: Option<FoundPlace>,
        limit: i64,
        by_words: ByWords,
    ) -> Result<Vec<Row>> {
        // As PostgreSQL upper-cases a SKU, which is compared byte by byte.
        let typed = self.text.to_ascii_uppercase();
        let (rank, behind, sku) = after.unwrap_or((-1, 0, String::new()));
        let rows = cached_sql(SEARCH)
            .bind::<Text, _>(&self.text)
            .bind::<Text, _>(&typed)
            .bind::<Text, _>(format!("{typed}{AFTER_ALL}"))
            .bind::<Nullable<Text>, _>(search_query(&self.text))
            .bind::<Nullable<SqlUuid>, _>(self.category.map(|category| category.uuid()))
            .bind::<Bool, _>(self.recommended_first)
            .bind::<Integer, _>(rank)
            .bind::<Integer, _>(behind)
            .bind::<Text, _>(sku)
            .bind::<BigInt, _>(limit)
            .bind::<Nullable<SqlUuid>, _>(self.brand.map(|brand| brand.uuid()))
            .bind::<Array<Text>, _>(&self.values.codes)
            .bind::<Array<Nullable<BigInt>>, _>(&self.values.lowest)
            .bind::<Array<Nullable<BigInt>>, _>(&self.values.highest)
            .bind::<Array<Nullable<Text>>, _>(&self.values.options)
            .bind::<Bool, _>(by_words == ByWords::Too)
            .returns::<Columns>()
            .load(connection)
            .await?;
        Ok(rows)
    }
}
