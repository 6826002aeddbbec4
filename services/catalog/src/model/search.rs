//! Finds variants that are offered: by what is scanned, typed or picked from a list.
//!
//! What names a variant exactly (a barcode, a SKU) comes first, then SKUs that begin with the text, then names that have
//! its words; within these, what is recommended if that is asked for, then the SKU.

use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::cached_sql;
use types::{CategoryId, ProductId, VariantId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::search_query;

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Search {
    /// Words, the beginning of a SKU or a barcode; empty for all.
    pub(crate) text: String,
    pub(crate) category: Option<CategoryId>,
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

/// How well those fit that are found by nothing in particular.
const RANK_LAST: i32 = 2;
/// Behind every SKU.
const AFTER_ALL: &str = "\u{10FFFF}";

/// Beginning with what is found; each way to find something is gone only when it is asked for.
const SEARCH: &str = "
    WITH RECURSIVE below (category_id) AS (
        SELECT category_id FROM categories WHERE category_id = $5
        UNION
        SELECT c.category_id FROM categories c JOIN below ON c.parent_id = below.category_id),
    found AS MATERIALIZED (
        SELECT v.product_id, v.variant_id, v.sku, v.recommended, 0 AS rank, b.pack_quantity
        FROM variant_barcodes b JOIN variants v USING (variant_id) WHERE b.barcode = $1 AND v.listed
        UNION ALL
        SELECT v.product_id, v.variant_id, v.sku, v.recommended, CASE WHEN upper(v.sku) = $2 THEN 0 ELSE 1 END, 1
        FROM variants v WHERE $2 <> '' AND upper(v.sku) ~>=~ $2 AND upper(v.sku) ~<~ $3 AND v.listed
        UNION ALL
        SELECT v.product_id, v.variant_id, v.sku, v.recommended, 2, 1
        FROM variants v WHERE array_to_tsvector(v.search_words) @@ $4::text::tsquery AND v.listed
        UNION ALL
        SELECT v.product_id, v.variant_id, v.sku, v.recommended, 2, 1
        FROM below JOIN product_categories USING (category_id) JOIN variants v USING (product_id)
        WHERE $2 = '' AND v.listed),
    best AS (
        SELECT product_id, variant_id, sku, min(rank) AS rank, max(pack_quantity) AS pack_quantity,
               CASE WHEN $6 AND recommended THEN 0 ELSE 1 END AS behind
        FROM found GROUP BY product_id, variant_id, sku, recommended)
    SELECT product_id, variant_id, rank, behind, sku, pack_quantity FROM best
    WHERE ($5 IS NULL OR EXISTS (
           SELECT FROM product_categories pc JOIN below USING (category_id) WHERE pc.product_id = best.product_id))
      AND (rank, behind, sku) > ($7, $8, $9)
    ORDER BY rank, behind, sku LIMIT $10";

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
            (true, _) => self.search(connection, after, limit).await?,
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
        !self.text.is_empty() || self.category.is_some()
    }

    async fn search(
        &self,
        connection: &mut AsyncPgConnection,
        after: Option<FoundPlace>,
        limit: i64,
    ) -> Result<Vec<Row>> {
        // As PostgreSQL upper-cases a SKU, which is compared byte by byte.
        let typed = self.text.to_ascii_uppercase();
        let (rank, behind, sku) = after.unwrap_or((-1, 0, String::new()));
        debug_assert!(rank <= RANK_LAST, "ranks are made by the statement");
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
            .returns::<Columns>()
            .load(connection)
            .await?;
        Ok(rows)
    }
}
