//! What must be known of variants to tell how many can be sold: their kind, and what kits consist of.

use diesel::sql_types::{Array, Bool, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Error, cached_sql};
use types::{Sku, VariantId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::{KitComponent, ProductKind};

/// A variant that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offered {
    pub(crate) variant: VariantId,
    pub(crate) sku: Sku,
    pub(crate) kind: ProductKind,
    /// Of a kit.
    pub(crate) components: Vec<KitComponent>,
    /// For want of which a kit cannot be sold.
    pub(crate) archived_component: Option<String>,
}

type Row = (Uuid, String, String, Option<Vec<String>>, Option<Vec<i32>>, Option<Vec<bool>>);

impl Offered {
    /// The variants with these ids, in any order. One statement.
    pub(crate) async fn load(connection: &mut AsyncPgConnection, ids: &[VariantId]) -> Result<Vec<Self>> {
        let rows: Vec<Row> = cached_sql(
            "SELECT v.variant_id, v.sku, p.kind, kit.skus, kit.quantities, kit.archived
             FROM unnest($1) AS wanted (id) JOIN variants v ON v.variant_id = wanted.id
             JOIN products p ON p.product_id = v.product_id
             LEFT JOIN LATERAL (
                SELECT array_agg(k.sku ORDER BY k.position) AS skus,
                       array_agg(k.quantity ORDER BY k.position) AS quantities,
                       array_agg(NOT part.listed ORDER BY k.position) AS archived
                FROM kit_components k JOIN variants part ON part.sku = k.sku
                WHERE p.kind = 'kit' AND k.kit_variant_id = v.variant_id) kit ON true",
        )
        .bind::<Array<SqlUuid>, _>(ids.iter().map(VariantId::uuid).collect::<Vec<_>>())
        .returns::<(
            SqlUuid,
            Text,
            Text,
            Nullable<Array<Text>>,
            Nullable<Array<Integer>>,
            Nullable<Array<Bool>>,
        )>()
        .load(connection)
        .await?;
        rows.into_iter().map(Self::of).collect()
    }

    /// The SKUs whose stock decides: its own, or those of its components.
    pub(crate) fn stocked_skus(&self) -> Vec<&str> {
        match self.kind {
            ProductKind::Goods => vec![self.sku.as_str()],
            ProductKind::Kit => self.components.iter().map(|component| component.sku.as_str()).collect(),
            ProductKind::Service => Vec::new(),
        }
    }

    fn of((id, sku, kind, skus, quantities, archived): Row) -> Result<Self> {
        let corrupt = || Error::Corrupt(format!("variant {id}"));
        let skus = skus.unwrap_or_default();
        let archived = skus.iter().zip(archived.unwrap_or_default());
        let archived_component =
            archived.into_iter().find(|(_, archived)| *archived).map(|(sku, _)| sku.clone());
        let component = |(sku, quantity): (&String, i32)| {
            let sku = sku.parse().map_err(|_| corrupt())?;
            Ok::<_, Error>(KitComponent { sku, quantity: quantity.try_into().map_err(|_| corrupt())? })
        };
        let components = skus.iter().zip(quantities.unwrap_or_default()).map(component);
        Ok(Self {
            variant: VariantId::from_uuid(id),
            sku: sku.parse().map_err(|_| corrupt())?,
            kind: ProductKind::of_code(&kind).ok_or_else(corrupt)?,
            components: components.collect::<Result<_, Error>>()?,
            archived_component,
        })
    }
}
