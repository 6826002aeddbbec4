//! Writes products as arrays, so that five hundred cost as many statements as one.

use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, json};
use store::cached_sql;
use types::CategoryId;

use crate::error::Result;
use crate::model::{Definitions, Edit, ExternalId, Product, ProductDetails, Variant};

impl Edit {
    /// Writes what changed in products, which are new or locked; `definitions` are held.
    pub(crate) async fn save(
        connection: &mut AsyncPgConnection,
        definitions: &Definitions,
        edits: &[Self],
    ) -> Result<()> {
        save_products(connection, edits).await?;
        save_variants(connection, edits).await?;
        let changed: Vec<&Variant> =
            edits.iter().flat_map(changed_variants).map(|(_, _, variant)| variant).collect();
        definitions.index(connection, &changed).await?;

        let categories = |product: &Product| {
            let key = |category: &CategoryId| (product.id.uuid(), category.uuid());
            product.details.categories.iter().map(key).collect::<Vec<_>>()
        };
        let (removed, added) = difference(edits, categories);
        if !removed.is_empty() {
            let (products, categories) = columns(removed);
            cached_sql(
                "DELETE FROM product_categories p USING unnest($1, $2) AS gone (product_id, category_id)
             WHERE p.product_id = gone.product_id AND p.category_id = gone.category_id",
            )
            .bind::<Array<SqlUuid>, _>(products)
            .bind::<Array<SqlUuid>, _>(categories)
            .execute(connection)
            .await?;
        }
        if !added.is_empty() {
            let (products, categories) = columns(added);
            cached_sql(
                "INSERT INTO product_categories (product_id, category_id) SELECT * FROM unnest($1, $2)",
            )
            .bind::<Array<SqlUuid>, _>(products)
            .bind::<Array<SqlUuid>, _>(categories)
            .execute(connection)
            .await?;
        }

        save_barcodes(connection, edits).await?;
        save_components(connection, edits).await?;
        save_external_ids(connection, edits).await
    }
}

async fn save_products(connection: &mut AsyncPgConnection, edits: &[Edit]) -> Result<()> {
    let products = || edits.iter().map(|edit| &edit.new);
    let text = |pick: fn(&Product) -> &str| products().map(pick).collect::<Vec<_>>();
    cached_sql(
        "INSERT INTO products (product_id, kind, name, description, vendor, archived, recommended, version,
                               create_time, update_time, brand_id)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (product_id) DO UPDATE SET kind = excluded.kind, name = excluded.name,
            description = excluded.description, vendor = excluded.vendor, archived = excluded.archived,
            recommended = excluded.recommended, version = excluded.version, update_time = excluded.update_time,
            brand_id = excluded.brand_id",
    )
    .bind::<Array<SqlUuid>, _>(products().map(|product| product.id.uuid()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(text(|product| product.details.kind.code()))
    .bind::<Array<Text>, _>(text(|product| &product.details.name))
    .bind::<Array<Text>, _>(text(|product| &product.details.description))
    .bind::<Array<Text>, _>(text(|product| &product.details.vendor))
    .bind::<Array<Bool>, _>(products().map(|product| product.details.archived).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(products().map(|product| product.details.recommended).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(products().map(|product| product.version).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(products().map(|product| product.create_time).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(products().map(|product| product.update_time).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(
        products().map(|product| product.details.brand.map(|brand| brand.uuid())).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn save_variants(connection: &mut AsyncPgConnection, edits: &[Edit]) -> Result<()> {
    let mut changed: Vec<(&Product, i32, &Variant)> = edits.iter().flat_map(changed_variants).collect();
    if changed.is_empty() {
        return Ok(());
    }
    // Two transactions that add the same SKUs meet in the same order.
    changed.sort_unstable_by(|one, other| one.2.sku.cmp(&other.2.sku));
    let text =
        |pick: fn(&Variant) -> &str| changed.iter().map(|(_, _, variant)| pick(variant)).collect::<Vec<_>>();
    let number =
        |pick: fn(&Variant) -> i32| changed.iter().map(|(_, _, variant)| pick(variant)).collect::<Vec<_>>();
    let json =
        |pick: fn(&Variant) -> Value| changed.iter().map(|(_, _, variant)| pick(variant)).collect::<Vec<_>>();
    let words =
        |(product, _, variant): &(&Product, i32, &Variant)| product.details.search_words(variant).join(" ");
    let listed =
        |(product, _, variant): &(&Product, i32, &Variant)| !product.details.archived && !variant.archived;
    cached_sql(
        "INSERT INTO variants (variant_id, product_id, sku, position, name, unit_code, price_quantity, weight_grams,
                               picture_urls, characteristics, tax_category, page_url, archived, search_words, listed,
                               recommended)
         SELECT variant_id, product_id, sku, position, name, unit_code, price_quantity, weight_grams, picture_urls,
                characteristics, tax_category, page_url, archived, string_to_array(words, ' '), listed, recommended
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
              AS u (variant_id, product_id, sku, position, name, unit_code, price_quantity, weight_grams, picture_urls,
                    characteristics, tax_category, page_url, archived, words, listed, recommended)
         ON CONFLICT (variant_id) DO UPDATE SET position = excluded.position, name = excluded.name,
            unit_code = excluded.unit_code, price_quantity = excluded.price_quantity,
            weight_grams = excluded.weight_grams, picture_urls = excluded.picture_urls,
            characteristics = excluded.characteristics, tax_category = excluded.tax_category,
            page_url = excluded.page_url, archived = excluded.archived, search_words = excluded.search_words,
            listed = excluded.listed, recommended = excluded.recommended",
    )
    .bind::<Array<SqlUuid>, _>(changed.iter().map(|(_, _, variant)| variant.id.uuid()).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(changed.iter().map(|(product, ..)| product.id.uuid()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(text(|variant| variant.sku.as_str()))
    .bind::<Array<Integer>, _>(changed.iter().map(|(_, position, _)| *position).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(text(|variant| &variant.name))
    .bind::<Array<Text>, _>(text(|variant| &variant.unit_code))
    .bind::<Array<Integer>, _>(number(|variant| variant.price_quantity))
    .bind::<Array<Integer>, _>(number(|variant| variant.weight_grams))
    .bind::<Array<Jsonb>, _>(json(|variant| json!(variant.picture_urls)))
    .bind::<Array<Jsonb>, _>(json(|variant| json!(variant.characteristics)))
    .bind::<Array<Text>, _>(text(|variant| &variant.tax_category))
    .bind::<Array<Text>, _>(text(|variant| &variant.page_url))
    .bind::<Array<Bool>, _>(changed.iter().map(|(_, _, variant)| variant.archived).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(changed.iter().map(words).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(changed.iter().map(listed).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(changed.iter().map(|(product, ..)| product.details.recommended).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// The variants of a product that are not stored as they are now, with their positions. Their rows repeat what the
/// product says of itself where a search needs it.
fn changed_variants(edit: &Edit) -> impl Iterator<Item = (&Product, i32, &Variant)> {
    let old = edit.old.as_ref().map(|old| &old.details);
    let repeated = |details: &ProductDetails| {
        (details.name.clone(), details.vendor.clone(), details.archived, details.recommended)
    };
    let same = old.is_some_and(|old| repeated(old) == repeated(&edit.new.details));
    let old = old.filter(|_| same).map(|old| old.variants.as_slice()).unwrap_or_default();
    edit.new.details.variants.iter().enumerate().filter_map(move |(at, variant)| {
        let stored = old.get(at).is_some_and(|stored| stored == variant);
        (!stored).then_some((&edit.new, i32::try_from(at).unwrap_or(i32::MAX), variant))
    })
}

async fn save_barcodes(connection: &mut AsyncPgConnection, edits: &[Edit]) -> Result<()> {
    let barcodes = |product: &Product| {
        let of_variant = |variant: &Variant| {
            let id = variant.id.uuid();
            let numbered = variant.barcodes_with_units().enumerate();
            numbered
                .map(move |(at, (code, units))| (id, code.to_owned(), units, place(at)))
                .collect::<Vec<_>>()
        };
        product.details.variants.iter().flat_map(of_variant).collect::<Vec<_>>()
    };
    let (removed, added) = difference(edits, barcodes);
    if !removed.is_empty() {
        cached_sql("DELETE FROM variant_barcodes WHERE barcode = ANY($1)")
            .bind::<Array<Text>, _>(removed.into_iter().map(|(_, barcode, ..)| barcode).collect::<Vec<_>>())
            .execute(connection)
            .await?;
    }
    if !added.is_empty() {
        cached_sql(
            "INSERT INTO variant_barcodes (variant_id, barcode, pack_quantity, position)
             SELECT * FROM unnest($1, $2, $3, $4) AS u (variant_id, barcode, pack_quantity, position) ORDER BY barcode",
        )
        .bind::<Array<SqlUuid>, _>(added.iter().map(|one| one.0).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(added.iter().map(|one| one.1.as_str()).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(added.iter().map(|one| one.2).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(added.iter().map(|one| one.3).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    }
    Ok(())
}

async fn save_components(connection: &mut AsyncPgConnection, edits: &[Edit]) -> Result<()> {
    let components = |product: &Product| {
        let of_variant = |variant: &Variant| {
            let id = variant.id.uuid();
            let numbered = variant.components.iter().enumerate();
            numbered
                .map(move |(at, one)| (id, one.sku.to_string(), one.quantity.get(), place(at)))
                .collect::<Vec<_>>()
        };
        product.details.variants.iter().flat_map(of_variant).collect::<Vec<_>>()
    };
    let (removed, added) = difference(edits, components);
    if !removed.is_empty() {
        cached_sql(
            "DELETE FROM kit_components k USING unnest($1, $2) AS gone (kit_variant_id, sku)
             WHERE k.kit_variant_id = gone.kit_variant_id AND k.sku = gone.sku",
        )
        .bind::<Array<SqlUuid>, _>(removed.iter().map(|one| one.0).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(removed.iter().map(|one| one.1.as_str()).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    }
    if !added.is_empty() {
        cached_sql(
            "INSERT INTO kit_components (kit_variant_id, sku, quantity, position) SELECT * FROM unnest($1, $2, $3, $4)",
        )
        .bind::<Array<SqlUuid>, _>(added.iter().map(|one| one.0).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(added.iter().map(|one| one.1.as_str()).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(added.iter().map(|one| one.2).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(added.iter().map(|one| one.3).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    }
    Ok(())
}

async fn save_external_ids(connection: &mut AsyncPgConnection, edits: &[Edit]) -> Result<()> {
    let of_product = |product: &Product| {
        let key = |id: &ExternalId| (product.id.uuid(), id.clone());
        product.details.external_ids.iter().map(key).collect::<Vec<_>>()
    };
    let (removed, added) = difference(edits, of_product);
    if !removed.is_empty() {
        let (sources, ids) = columns(removed.into_iter().map(|(_, id)| (id.source.uuid(), id.id)));
        cached_sql(
            "DELETE FROM product_external_ids p USING unnest($1, $2) AS gone (source_id, external_id)
             WHERE p.source_id = gone.source_id AND p.external_id = gone.external_id",
        )
        .bind::<Array<SqlUuid>, _>(sources)
        .bind::<Array<Text>, _>(ids)
        .execute(connection)
        .await?;
    }
    if !added.is_empty() {
        let (products, ids) = columns(added);
        cached_sql(
            "INSERT INTO product_external_ids (product_id, source_id, external_id) SELECT * FROM unnest($1, $2, $3)",
        )
        .bind::<Array<SqlUuid>, _>(products)
        .bind::<Array<SqlUuid>, _>(ids.iter().map(|id| id.source.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(ids.iter().map(|id| id.id.as_str()).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    }

    let of_variants = |product: &Product| {
        let keys = |variant: &Variant| {
            let id = variant.id.uuid();
            variant.external_ids.iter().map(move |external| (id, external.clone())).collect::<Vec<_>>()
        };
        product.details.variants.iter().flat_map(keys).collect::<Vec<_>>()
    };
    let (removed, added) = difference(edits, of_variants);
    if !removed.is_empty() {
        let (sources, ids) = columns(removed.into_iter().map(|(_, id)| (id.source.uuid(), id.id)));
        cached_sql(
            "DELETE FROM variant_external_ids v USING unnest($1, $2) AS gone (source_id, external_id)
             WHERE v.source_id = gone.source_id AND v.external_id = gone.external_id",
        )
        .bind::<Array<SqlUuid>, _>(sources)
        .bind::<Array<Text>, _>(ids)
        .execute(connection)
        .await?;
    }
    if !added.is_empty() {
        let (variants, ids) = columns(added);
        cached_sql(
            "INSERT INTO variant_external_ids (variant_id, source_id, external_id) SELECT * FROM unnest($1, $2, $3)",
        )
        .bind::<Array<SqlUuid>, _>(variants)
        .bind::<Array<SqlUuid>, _>(ids.iter().map(|id| id.source.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(ids.iter().map(|id| id.id.as_str()).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// What the products had and have no longer, and what they have now and had not.
fn difference<T: PartialEq>(edits: &[Edit], list: impl Fn(&Product) -> Vec<T>) -> (Vec<T>, Vec<T>) {
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    for edit in edits {
        let old = edit.old.as_ref().map(&list).unwrap_or_default();
        let new = list(&edit.new);
        if old == new {
            continue;
        }
        let (gone, come): (Vec<_>, Vec<_>) = (
            old.iter().map(|one| !new.contains(one)).collect(),
            new.iter().map(|one| !old.contains(one)).collect(),
        );
        removed.extend(old.into_iter().zip(gone).filter_map(|(one, gone)| gone.then_some(one)));
        added.extend(new.into_iter().zip(come).filter_map(|(one, come)| come.then_some(one)));
    }
    (removed, added)
}

/// A position as it is stored.
fn place(at: usize) -> i32 {
    i32::try_from(at).unwrap_or(i32::MAX)
}

fn columns<A, B>(pairs: impl IntoIterator<Item = (A, B)>) -> (Vec<A>, Vec<B>) {
    pairs.into_iter().unzip()
}
