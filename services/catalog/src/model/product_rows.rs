//! Loads products whole, as many as are wanted with two statements.

use chrono::{DateTime, Utc};
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Jsonb, Nullable, Record, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use store::{Error, cached_sql};
use types::{BrandId, CategoryId, ProductId, Quantity, Sku, VariantId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::{ExternalId, KitComponent, PackBarcode, Product, ProductDetails, ProductKind, Variant};

type ProductRow = (
    Uuid,
    String,
    String,
    String,
    String,
    (bool, bool, Option<Uuid>),
    i64,
    DateTime<Utc>,
    DateTime<Utc>,
    Vec<Uuid>,
    Vec<(Uuid, String)>,
);

type VariantRow = (
    Uuid,
    Uuid,
    String,
    String,
    String,
    i32,
    i32,
    Value,
    Value,
    String,
    String,
    bool,
    Vec<(Uuid, String)>,
    Vec<(String, i32)>,
    Option<Vec<(String, i32)>>,
);

impl Product {
    /// One product.
    pub(crate) async fn find(connection: &mut AsyncPgConnection, id: ProductId) -> Result<Option<Self>> {
        Ok(Self::load(connection, &[id]).await?.pop())
    }

    /// One product, locked until the transaction ends.
    pub(crate) async fn lock(connection: &mut AsyncPgConnection, id: ProductId) -> Result<Option<Self>> {
        Self::lock_all(connection, &[id]).await?;
        Self::find(connection, id).await
    }

    /// Locks products in the order of their ids, so that no two transactions wait for each other.
    pub(crate) async fn lock_all(connection: &mut AsyncPgConnection, ids: &[ProductId]) -> Result<()> {
        cached_sql("SELECT product_id FROM products WHERE product_id = ANY($1) ORDER BY product_id FOR NO KEY UPDATE")
            .bind::<Array<SqlUuid>, _>(uuids(ids))
            .execute(connection)
            .await?;
        Ok(())
    }

    /// The products with these ids, in any order.
    pub(crate) async fn load(connection: &mut AsyncPgConnection, ids: &[ProductId]) -> Result<Vec<Self>> {
        let rows: Vec<ProductRow> = cached_sql(
            "SELECT p.product_id, p.kind, p.name, p.description, p.vendor, p.archived, p.recommended, p.brand_id, p.version,
                    p.create_time, p.update_time,
                    ARRAY(SELECT c.category_id FROM product_categories c WHERE c.product_id = p.product_id ORDER BY 1),
                    ARRAY(SELECT ROW(x.source_id, x.external_id) FROM product_external_ids x
                          WHERE x.product_id = p.product_id ORDER BY x.source_id, x.external_id)
             FROM products p WHERE p.product_id = ANY($1)",
        )
        .bind::<Array<SqlUuid>, _>(uuids(ids))
        .returns::<(
            SqlUuid,
            Text,
            Text,
            Text,
            Text,
            (Bool, Bool, Nullable<SqlUuid>),
            BigInt,
            Timestamptz,
            Timestamptz,
            Array<SqlUuid>,
            Array<Record<(SqlUuid, Text)>>,
        )>()
        .load(connection)
        .await?;
        let mut products = rows.into_iter().map(product).collect::<Result<Vec<Self>, Error>>()?;
        products.sort_unstable_by_key(|product| product.id);
        let kits = products.iter().any(|product| product.details.kind == ProductKind::Kit);
        for (id, variant) in load_variants(connection, ids, kits).await? {
            // A product that was made between the two statements has variants here and no row above.
            if let Ok(at) = products.binary_search_by_key(&id, |product| product.id) {
                products[at].details.variants.push(variant);
            }
        }
        Ok(products)
    }
}

/// Components are looked for if there may be `kits`.
async fn load_variants(
    connection: &mut AsyncPgConnection,
    ids: &[ProductId],
    kits: bool,
) -> Result<Vec<(ProductId, Variant)>> {
    let rows: Vec<VariantRow> = cached_sql(
        "SELECT v.product_id, v.variant_id, v.sku, v.name, v.unit_code, v.price_quantity, v.weight_grams,
                v.picture_urls, v.characteristics, v.tax_category, v.page_url, v.archived,
                ARRAY(SELECT ROW(x.source_id, x.external_id) FROM variant_external_ids x
                      WHERE x.variant_id = v.variant_id ORDER BY x.source_id, x.external_id),
                ARRAY(SELECT ROW(b.barcode, b.pack_quantity) FROM variant_barcodes b
                      WHERE b.variant_id = v.variant_id ORDER BY b.position, b.barcode),
                CASE WHEN $2 THEN ARRAY(SELECT ROW(k.sku, k.quantity) FROM kit_components k
                                        WHERE k.kit_variant_id = v.variant_id ORDER BY k.position, k.sku) END
         FROM variants v WHERE v.product_id = ANY($1) ORDER BY v.product_id, v.position, v.sku",
    )
    .bind::<Array<SqlUuid>, _>(uuids(ids))
    .bind::<Bool, _>(kits)
    .returns::<(
        SqlUuid,
        SqlUuid,
        Text,
        Text,
        Text,
        Integer,
        Integer,
        Jsonb,
        Jsonb,
        Text,
        Text,
        Bool,
        Array<Record<(SqlUuid, Text)>>,
        Array<Record<(Text, Integer)>>,
        Nullable<Array<Record<(Text, Integer)>>>,
    )>()
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(variant).collect::<Result<_, Error>>()?)
}

fn uuids(ids: &[ProductId]) -> Vec<Uuid> {
    ids.iter().map(ProductId::uuid).collect()
}

fn product(row: ProductRow) -> Result<Product, Error> {
    let (
        id,
        kind,
        name,
        description,
        vendor,
        (archived, recommended, brand),
        version,
        create_time,
        update_time,
        categories,
        external,
    ) = row;
    let corrupt = || Error::Corrupt(format!("the kind of product {id}"));
    let details = ProductDetails {
        kind: ProductKind::of_code(&kind).ok_or_else(corrupt)?,
        name,
        description,
        vendor,
        brand: brand.map(BrandId::from_uuid),
        categories: categories.into_iter().map(CategoryId::from_uuid).collect(),
        variants: Vec::new(),
        archived,
        external_ids: ExternalId::of_rows(external),
        recommended,
    };
    Ok(Product { id: ProductId::from_uuid(id), details, version, create_time, update_time })
}

fn variant(row: VariantRow) -> Result<(ProductId, Variant), Error> {
    let (
        product_id,
        variant_id,
        sku,
        name,
        unit_code,
        price_quantity,
        weight_grams,
        pictures,
        characteristics,
        ..,
    ) = row;
    let (.., tax_category, page_url, archived, external, codes, components) = row;
    let corrupt = |what: &str| Error::Corrupt(format!("the {what} of variant {variant_id}"));
    let quantity = |number: i32| Quantity::try_from(number).map_err(|_| corrupt("quantities"));
    let (mut barcodes, mut pack_barcodes) = (Vec::new(), Vec::new());
    for (code, units) in codes {
        match units {
            1 => barcodes.push(code),
            _ => pack_barcodes.push(PackBarcode { code, quantity: quantity(units)? }),
        }
    }
    let component = |(sku, number): (String, i32)| {
        let sku = sku.parse().map_err(|_| corrupt("components"))?;
        Ok::<_, Error>(KitComponent { sku, quantity: quantity(number)? })
    };
    let variant = Variant {
        id: VariantId::from_uuid(variant_id),
        sku: sku.parse::<Sku>().map_err(|_| corrupt("SKU"))?,
        name,
        barcodes,
        pack_barcodes,
        unit_code,
        price_quantity,
        weight_grams,
        picture_urls: serde_json::from_value(pictures).map_err(|_| corrupt("pictures"))?,
        characteristics: serde_json::from_value(characteristics).map_err(|_| corrupt("characteristics"))?,
        tax_category,
        external_ids: ExternalId::of_rows(external),
        page_url,
        archived,
        components: components.into_iter().flatten().map(component).collect::<Result<_, Error>>()?,
    };
    Ok((ProductId::from_uuid(product_id), variant))
}
