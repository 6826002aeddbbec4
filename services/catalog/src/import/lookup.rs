//! What the catalog holds already of a lot's offers: the things their ids name, and who owns what they want.

use std::collections::HashMap;

use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::cached_sql;
use types::{ProductId, VariantId};
use uuid::Uuid;

use super::Identity;
use super::batch::Ready;
use super::draft::Known;
use super::ledger::{Entries, Kind};
use super::run::Import;
use crate::error::Result;
use crate::feed::GROUP_PREFIX;
use crate::model::{Brand, Definitions, Owners, Product, VariantPlace};

/// What the catalog holds of these offers, locked. What they belong to was looked up before the locks: it never changes.
pub(super) async fn load_locked(
    connection: &mut AsyncPgConnection,
    import: &Import,
    groups: &Entries,
    ready: &[Ready],
) -> Result<Known> {
    let (variants, known_groups) = places(connection, import, ready).await?;
    let mut ids = product_ids(&variants, &known_groups);
    ids.extend(groups.values().filter_map(|id| id.parse::<ProductId>().ok()));
    ids.sort_unstable();
    ids.dedup();
    Product::lock_all(connection, &ids).await?;
    let mut known = load(connection, import, ready).await?;
    known.overlay(groups.clone());
    let grouped: Vec<ProductId> = known.groups.values().copied().collect();
    let missing: Vec<ProductId> =
        grouped.into_iter().filter(|id| !known.products.iter().any(|product| product.id == *id)).collect();
    known.products.extend(Product::load(connection, &missing).await?);
    Ok(known)
}

/// What the catalog holds of these offers.
pub(super) async fn load(
    connection: &mut AsyncPgConnection,
    import: &Import,
    ready: &[Ready],
) -> Result<Known> {
    let (variants, groups) = places(connection, import, ready).await?;
    let products = Product::load(connection, &product_ids(&variants, &groups)).await?;
    let keys = keys(ready);
    let of_kind = |wanted: Kind| keys.iter().filter(move |(kind, _)| *kind == wanted).map(|(_, key)| *key);
    let (skus, barcodes): (Vec<&str>, Vec<&str>) =
        (of_kind(Kind::Sku).collect(), of_kind(Kind::Barcode).collect());
    let owners = Owners::load(connection, &skus, &barcodes, Some(import.source)).await?;
    let vendors: Vec<&str> = ready.iter().filter_map(|(offer, _)| offer.vendor.as_deref()).collect();
    let brands = Brand::spelt(connection, &vendors).await?;
    let group_sizes = HashMap::new();
    Ok(Known { products, variants, groups, owners, group_sizes, definitions: Definitions::default(), brands })
}

/// Which variants the offer ids name, and which products the group ids.
async fn places(
    connection: &mut AsyncPgConnection,
    import: &Import,
    ready: &[Ready],
) -> Result<(HashMap<String, VariantPlace>, HashMap<String, ProductId>)> {
    let source = import.source;
    let offers: Vec<&str> = ready.iter().map(|(offer, _)| offer.id.as_str()).collect();
    let rows: Vec<(String, Uuid, Uuid)> = match import.identity {
        Identity::Own => {
            cached_sql("SELECT sku, product_id, variant_id FROM variants WHERE sku = ANY($1)")
                .bind::<Array<Text>, _>(offers)
                .returns::<(Text, SqlUuid, SqlUuid)>()
                .load(connection)
                .await?
        }
        Identity::Source => {
            cached_sql(
                "SELECT x.external_id, v.product_id, v.variant_id
                 FROM variant_external_ids x JOIN variants v USING (variant_id)
                 WHERE x.source_id = $1 AND x.external_id = ANY($2)",
            )
            .bind::<SqlUuid, _>(source.uuid())
            .bind::<Array<Text>, _>(offers)
            .returns::<(Text, SqlUuid, SqlUuid)>()
            .load(connection)
            .await?
        }
    };
    let place = |(id, product, variant)| {
        let product = ProductId::from_uuid(product);
        (id, VariantPlace { product, variant: VariantId::from_uuid(variant) })
    };
    let variants = rows.into_iter().map(place).collect();

    let mut groups: Vec<String> = ready
        .iter()
        .filter_map(|(offer, _)| Some(format!("{GROUP_PREFIX}{}", offer.group.as_ref()?)))
        .collect();
    groups.sort_unstable();
    groups.dedup();
    if groups.is_empty() || import.identity == Identity::Own {
        return Ok((variants, HashMap::new()));
    }
    let rows: Vec<(String, Uuid)> = cached_sql(
        "SELECT external_id, product_id FROM product_external_ids WHERE source_id = $1 AND external_id = ANY($2)",
    )
    .bind::<SqlUuid, _>(source.uuid())
    .bind::<Array<Text>, _>(groups)
    .returns::<(Text, SqlUuid)>()
    .load(connection)
    .await?;
    let group = |(id, product): (String, Uuid)| {
        (id.strip_prefix(GROUP_PREFIX).unwrap_or_default().to_owned(), ProductId::from_uuid(product))
    };
    Ok((variants, rows.into_iter().map(group).collect()))
}

fn product_ids(
    variants: &HashMap<String, VariantPlace>,
    groups: &HashMap<String, ProductId>,
) -> Vec<ProductId> {
    let mut ids: Vec<ProductId> =
        variants.values().map(|place| place.product).chain(groups.values().copied()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The SKUs and barcodes that the offers may want, and their groups.
pub(super) fn keys(ready: &[Ready]) -> Vec<(Kind, &str)> {
    let mut keys = Vec::with_capacity(ready.len() * 3);
    for (offer, _) in ready {
        keys.push((Kind::Sku, offer.id.as_str()));
        keys.extend(offer.vendor_code.iter().map(|code| (Kind::Sku, code.as_str())));
        keys.extend(offer.barcodes.iter().flatten().map(|barcode| (Kind::Barcode, barcode.as_str())));
        keys.extend(offer.group.iter().map(|group| (Kind::Group, group.as_str())));
        keys.extend(offer.group.iter().map(|group| (Kind::GroupProduct, group.as_str())));
    }
    keys.sort_unstable_by_key(|(kind, key)| (*kind as u8, *key));
    keys.dedup();
    keys
}

/// The groups of offers with the organisation's own ids.
pub(super) fn own_groups(ready: &[Ready]) -> Vec<(Kind, &str)> {
    let groups = ready.iter().filter_map(|(offer, _)| offer.group.as_deref());
    groups.map(|group| (Kind::GroupProduct, group)).collect()
}
