//! What a feed shows: the category tree by numbers, and what is sold, in the order of SKUs.

use std::collections::HashMap;

use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::cached_sql;
use types::{CategoryId, ProductId, VariantId};
use uuid::Uuid;

use crate::error::Result;

/// A category as feeds know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NumberedCategory {
    pub(crate) id: CategoryId,
    pub(crate) number: i64,
    pub(crate) parent_number: Option<i64>,
    pub(crate) name: String,
}

/// A variant that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) sku: String,
    pub(crate) variant: VariantId,
    pub(crate) product: ProductId,
    pub(crate) product_number: i64,
}

impl NumberedCategory {
    /// All of them, in the order of their numbers.
    pub(crate) async fn load_all(connection: &mut AsyncPgConnection) -> Result<Vec<Self>> {
        let rows: Vec<(Uuid, i64, Option<i64>, String)> = cached_sql(
            "SELECT c.category_id, c.number, (SELECT p.number FROM categories p WHERE p.category_id = c.parent_id), c.name
             FROM categories c ORDER BY c.number",
        )
        .returns::<(SqlUuid, BigInt, Nullable<BigInt>, Text)>()
        .load(connection)
        .await?;
        let category = |(id, number, parent_number, name)| Self {
            id: CategoryId::from_uuid(id),
            number,
            parent_number,
            name,
        };
        Ok(rows.into_iter().map(category).collect())
    }

    /// How deep each category lies in the tree, and its number.
    pub(crate) fn places(categories: &[Self]) -> HashMap<CategoryId, (usize, i64)> {
        let parents: HashMap<i64, Option<i64>> =
            categories.iter().map(|category| (category.number, category.parent_number)).collect();
        let depth = |number| {
            let above = std::iter::successors(Some(number), |below| parents.get(below).copied().flatten());
            above.take(categories.len()).count()
        };
        categories.iter().map(|category| (category.id, (depth(category.number), category.number))).collect()
    }

    /// The categories that texts name: a number, an id, or the names from the top, separated by " / ". What two paths
    /// share, the older category has.
    pub(crate) async fn resolve(
        connection: &mut AsyncPgConnection,
        texts: &[&str],
    ) -> Result<HashMap<String, CategoryId>> {
        if texts.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<(String, Uuid)> = cached_sql(
            "WITH RECURSIVE paths (category_id, number, path) AS (
                SELECT category_id, number, name FROM categories WHERE parent_id IS NULL
                UNION ALL
                SELECT c.category_id, c.number, paths.path || ' / ' || c.name
                FROM categories c JOIN paths ON c.parent_id = paths.category_id),
             named (text, category_id, number) AS (
                SELECT path, category_id, number FROM paths WHERE path = ANY($1)
                UNION ALL
                SELECT number::text, category_id, number FROM categories WHERE number::text = ANY($1)
                UNION ALL
                SELECT 'cat_' || replace(category_id::text, '-', ''), category_id, number FROM categories
                WHERE 'cat_' || replace(category_id::text, '-', '') = ANY($1))
             SELECT text, category_id FROM named ORDER BY number DESC",
        )
        .bind::<Array<Text>, _>(texts)
        .returns::<(Text, SqlUuid)>()
        .load(connection)
        .await?;
        Ok(rows.into_iter().map(|(text, id)| (text, CategoryId::from_uuid(id))).collect())
    }
}

impl Shown {
    /// The next variants after a SKU. Services are no goods of a price comparison.
    pub(crate) async fn after(
        connection: &mut AsyncPgConnection,
        sku: &str,
        limit: i64,
    ) -> Result<Vec<Self>> {
        let rows: Vec<(String, Uuid, Uuid, i64)> = cached_sql(
            "SELECT v.sku, v.variant_id, v.product_id, p.number
             FROM variants v JOIN products p ON p.product_id = v.product_id
             WHERE v.listed AND p.kind <> 'service' AND v.sku > $1 ORDER BY v.sku LIMIT $2",
        )
        .bind::<Text, _>(sku)
        .bind::<BigInt, _>(limit)
        .returns::<(Text, SqlUuid, SqlUuid, BigInt)>()
        .load(connection)
        .await?;
        let shown = |(sku, variant, product, product_number)| Self {
            sku,
            variant: VariantId::from_uuid(variant),
            product: ProductId::from_uuid(product),
            product_number,
        };
        Ok(rows.into_iter().map(shown).collect())
    }
}
