//! Who has a SKU, a barcode or an external id.

use std::collections::HashMap;

use diesel::sql_types::{Array, Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rpc::Fault;
use store::cached_sql;
use types::{ProductId, SourceId, VariantId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{ExternalId, ProductDetails};

/// The variant that has a SKU or a barcode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) product: ProductId,
    pub(crate) variant: VariantId,
    pub(crate) sku: String,
    /// Whether it came from the source that asks.
    pub(crate) of_source: bool,
}

/// The owners of the SKUs and barcodes that were asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owners {
    pub(crate) skus: HashMap<String, Owner>,
    pub(crate) barcodes: HashMap<String, Owner>,
}

type Row = (bool, String, Uuid, Uuid, String, bool);

impl Owner {
    /// Names the owner in a refusal.
    pub(crate) fn name_in(&self, fault: Fault) -> Fault {
        fault.with("owner", self.product).with("owner_sku", &self.sku).with("owner_variant_id", self.variant)
    }
}

impl Owners {
    /// Looks the owners up; `source` is the one that asks.
    pub(crate) async fn load(
        connection: &mut AsyncPgConnection,
        skus: &[&str],
        barcodes: &[&str],
        source: Option<SourceId>,
    ) -> Result<Self> {
        let rows: Vec<Row> = cached_sql(
            "SELECT owned.is_sku, owned.key, v.product_id, v.variant_id, v.sku,
                    EXISTS (SELECT FROM variant_external_ids x WHERE x.variant_id = v.variant_id AND x.source_id = $3)
             FROM (SELECT true AS is_sku, sku AS key, variant_id FROM variants WHERE sku = ANY($1)
                   UNION ALL
                   SELECT false, barcode, variant_id FROM variant_barcodes WHERE barcode = ANY($2)) owned
             JOIN variants v USING (variant_id)",
        )
        .bind::<Array<Text>, _>(skus)
        .bind::<Array<Text>, _>(barcodes)
        .bind::<Nullable<SqlUuid>, _>(source.map(|source| source.uuid()))
        .returns::<(Bool, Text, SqlUuid, SqlUuid, Text, Bool)>()
        .load(connection)
        .await?;
        let mut owners = Self::default();
        for (is_sku, key, product, variant, sku, of_source) in rows {
            let (product, variant) = (ProductId::from_uuid(product), VariantId::from_uuid(variant));
            let owner = Owner { product, variant, sku, of_source };
            if is_sku {
                owners.skus.insert(key, owner)
            } else {
                owners.barcodes.insert(key, owner)
            };
        }
        Ok(owners)
    }

    /// Refuses a product whose SKUs, barcodes or external ids belong to another one.
    pub(crate) async fn refuse_taken(
        connection: &mut AsyncPgConnection,
        id: ProductId,
        details: &ProductDetails,
    ) -> Result<()> {
        let skus: Vec<&str> = details.variants.iter().map(|variant| variant.sku.as_str()).collect();
        let barcodes: Vec<&str> = details.variants.iter().flat_map(|variant| variant.codes()).collect();
        Self::load(connection, &skus, &barcodes, None).await?.check(id, details)?;

        let own = details.external_ids.iter().cloned().map(|id| (false, id));
        let of_variants = details.variants.iter().flat_map(|variant| variant.external_ids.iter().cloned());
        let ids: Vec<(bool, ExternalId)> = own.chain(of_variants.map(|id| (true, id))).collect();
        match external_owner(connection, id, &ids).await? {
            Some((id, owner)) => Err(Error::ExternalIdTaken { id, owner: owner.to_string() }),
            None => Ok(()),
        }
    }

    /// Refuses what belongs to another product than `id`.
    fn check(&self, id: ProductId, details: &ProductDetails) -> Result<()> {
        for variant in &details.variants {
            if let Some(owner) = self.skus.get(variant.sku.as_str()).filter(|owner| owner.product != id) {
                return Err(Error::SkuTaken { sku: variant.sku.clone(), owner: owner.clone() });
            }
            for barcode in variant.codes() {
                if let Some(owner) = self.barcodes.get(barcode).filter(|owner| owner.product != id) {
                    return Err(Error::BarcodeTaken { barcode: barcode.to_owned(), owner: owner.clone() });
                }
            }
        }
        Ok(())
    }
}

/// The first of `ids` (of variants where the flag says so) that another product has, and that product.
async fn external_owner(
    connection: &mut AsyncPgConnection,
    product: ProductId,
    ids: &[(bool, ExternalId)],
) -> Result<Option<(ExternalId, ProductId)>> {
    if ids.is_empty() {
        return Ok(None);
    }
    let rows: Vec<(Uuid, String, Uuid)> = cached_sql(
        "SELECT w.source_id, w.external_id, owner.product_id
         FROM unnest($1, $2, $3) AS w (of_variant, source_id, external_id)
         CROSS JOIN LATERAL (
            SELECT p.product_id FROM product_external_ids p
            WHERE NOT w.of_variant AND p.source_id = w.source_id AND p.external_id = w.external_id
            UNION ALL
            SELECT v.product_id FROM variant_external_ids x JOIN variants v USING (variant_id)
            WHERE w.of_variant AND x.source_id = w.source_id AND x.external_id = w.external_id) owner
         WHERE owner.product_id <> $4 LIMIT 1",
    )
    .bind::<Array<Bool>, _>(ids.iter().map(|(of_variant, _)| *of_variant).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(ids.iter().map(|(_, id)| id.source.uuid()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(ids.iter().map(|(_, id)| id.id.as_str()).collect::<Vec<_>>())
    .bind::<SqlUuid, _>(product.uuid())
    .returns::<(SqlUuid, Text, SqlUuid)>()
    .load(connection)
    .await?;
    let taken = rows.into_iter().next().map(|(source, id, owner)| {
        (ExternalId { source: SourceId::from_uuid(source), id }, ProductId::from_uuid(owner))
    });
    Ok(taken)
}
