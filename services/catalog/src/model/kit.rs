//! What a kit consists of: goods that are kept in stock, reserved and shipped in its place.

use std::collections::HashMap;

use diesel::sql_types::{Array, Bool, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rpc::Fields;
use serde_json::{Value, json};
use store::cached_sql;
use types::{ProductId, Quantity, Sku};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{Edit, ProductDetails, ProductKind};

/// Goods in a kit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KitComponent {
    pub(crate) sku: Sku,
    /// In one kit.
    pub(crate) quantity: Quantity,
}

/// What is known of a SKU that shall be a component.
struct Fact {
    kind: String,
    archived: bool,
}

impl KitComponent {
    /// Components of one kit.
    pub(crate) const COUNT_MAX: usize = 50;

    /// The text for history.
    pub(crate) fn text(components: &[Self]) -> Value {
        components.iter().map(|one| json!(format!("{} × {}", one.quantity, one.sku))).collect()
    }

    /// Refuses a change that would leave a kit without goods to take: components that are unknown, archived or no goods,
    /// and goods in a kit that would be goods no longer.
    ///
    /// The components' products are locked against such a change until the transaction ends.
    pub(crate) async fn refuse_unfit(connection: &mut AsyncPgConnection, edit: &Edit) -> Result<()> {
        let (old, new) = (edit.old.as_ref().map(|old| &old.details), &edit.new.details);
        let was_goods = old.is_some_and(|old| old.kind == ProductKind::Goods);
        if was_goods && new.kind != ProductKind::Goods {
            refuse_in_use(connection, edit.new.id).await?;
        }
        let all = new.variants.iter().flat_map(|variant| &variant.components);
        let skus: Vec<&str> = all.map(|component| component.sku.as_str()).collect();
        if skus.is_empty() {
            return Ok(());
        }
        let facts = lock(connection, &skus).await?;
        check(new, old, &facts)
    }
}

fn check(new: &ProductDetails, old: Option<&ProductDetails>, facts: &HashMap<String, Fact>) -> Result<()> {
    let mut fields = Fields::new();
    for (at, variant) in new.variants.iter().enumerate() {
        let before = old.and_then(|old| old.variants.iter().find(|known| known.id == variant.id));
        for (n, component) in variant.components.iter().enumerate() {
            let field = format!("product.variants[{at}].components[{n}].sku");
            let known = before.is_some_and(|old| old.components.iter().any(|one| one.sku == component.sku));
            match facts.get(component.sku.as_str()) {
                None => fields.refuse(field, "NOT_FOUND", format!("there is no variant {}", component.sku)),
                Some(fact) if fact.kind != ProductKind::Goods.code() => {
                    fields.refuse(field, "NOT_GOODS", format!("{} is no goods", component.sku));
                }
                // A kit whose component was archived later is not sold; it may still be changed.
                Some(fact) if fact.archived && !known => {
                    fields.refuse(field, "ARCHIVED", format!("{} is archived", component.sku));
                }
                Some(_) => {}
            }
        }
    }
    Ok(fields.finish()?)
}

async fn lock(connection: &mut AsyncPgConnection, skus: &[&str]) -> Result<HashMap<String, Fact>> {
    let rows: Vec<(String, String, bool)> = cached_sql(
        "SELECT v.sku, p.kind, v.archived OR p.archived FROM variants v JOIN products p USING (product_id)
         WHERE v.sku = ANY($1) ORDER BY p.product_id FOR SHARE OF p",
    )
    .bind::<Array<Text>, _>(skus)
    .returns::<(Text, Text, Bool)>()
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|(sku, kind, archived)| (sku, Fact { kind, archived })).collect())
}

/// Refuses when variants of the product, which is locked, are in a kit.
async fn refuse_in_use(connection: &mut AsyncPgConnection, product: ProductId) -> Result<()> {
    let rows: Vec<(String, String, Uuid)> = cached_sql(
        "SELECT part.sku, kit.sku, kit.product_id FROM variants part
         JOIN kit_components k ON k.sku = part.sku JOIN variants kit ON kit.variant_id = k.kit_variant_id
         WHERE part.product_id = $1 ORDER BY part.sku, kit.sku LIMIT 1",
    )
    .bind::<SqlUuid, _>(product.uuid())
    .returns::<(Text, Text, SqlUuid)>()
    .load(connection)
    .await?;
    match rows.into_iter().next() {
        Some((sku, kit_sku, kit)) => {
            Err(Error::KitComponentInUse { sku, kit_sku, kit: ProductId::from_uuid(kit) })
        }
        None => Ok(()),
    }
}
