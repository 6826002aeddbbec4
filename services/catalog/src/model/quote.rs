//! What SKUs cost at a time in a channel and a currency, by the rules of `effective_price`, for orders: in one statement.
//!
//! Nothing is cached: a price that was committed counts at once, whichever replica is asked.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Deserialize;
use serde_json::Value;
use store::cached_sql;
use types::{Currency, Money, ProductId, Sku, VariantId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::{Percent, ProductKind, Rounding};

/// A SKU whose price somebody asks for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) sku: Sku,
    pub(crate) currency: Currency,
    /// Empty for prices of no channel in particular.
    pub(crate) channel: Arc<str>,
    pub(crate) at: DateTime<Utc>,
}

/// A variant that is sold, with its price.
#[derive(Debug, Clone)]
pub(crate) struct Quoted {
    pub(crate) variant: VariantId,
    pub(crate) product: ProductId,
    pub(crate) name: String,
    pub(crate) kind: ProductKind,
    pub(crate) weight_grams: i32,
    pub(crate) unit_code: String,
    pub(crate) price_quantity: i32,
    pub(crate) tax_category: String,
    pub(crate) unit_price: Option<Money>,
    /// Of a kit.
    pub(crate) components: Vec<QuotedComponent>,
}

/// Goods in a kit that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct QuotedComponent {
    pub(crate) sku: String,
    /// In one kit.
    pub(crate) quantity: i32,
    pub(crate) name: String,
    pub(crate) weight_grams: i32,
    pub(crate) archived: bool,
}

type Row = (i32, Uuid, Uuid, String, String, i32, String, i32, String, Amount, Option<Value>);
type Columns =
    (Integer, SqlUuid, SqlUuid, Text, Text, Integer, Text, Integer, Text, AmountColumns, Nullable<Jsonb>);
/// The amount that counts, and how a derived list calculates its own of it; nothing where there is no price.
type Amount = (Option<i64>, Option<i32>, Option<i64>, Option<i64>);
type AmountColumns = (Nullable<BigInt>, Nullable<Integer>, Nullable<BigInt>, Nullable<BigInt>);

impl Quoted {
    /// What is `asked` for and what it costs, in the same order; nothing for a SKU that is unknown or archived. One
    /// statement.
    pub(crate) async fn load(
        connection: &mut AsyncPgConnection,
        asked: &[&Asked],
    ) -> Result<Vec<Option<Self>>> {
        // The limits make each look-up a walk through an index, whatever the planner believes about the tables. The price
        // is that of the view `price_terms`, which would look into `prices` twice; a sub-select is run for kits only.
        let rows: Vec<Row> = cached_sql(
            "SELECT wanted.place::integer, found.variant_id, found.product_id, found.name, found.kind,
                    found.weight_grams, found.unit_code, found.price_quantity, found.tax_category, price.amount,
                    price.percent_hundredths, price.rounding_step_minor, price.rounding_ending_minor,
                    CASE WHEN found.kind = 'kit' THEN (
                        SELECT jsonb_agg(jsonb_build_object(
                                'sku', k.sku, 'quantity', k.quantity, 'name', coalesce(nullif(v.name, ''), p.name),
                                'weight_grams', v.weight_grams, 'archived', v.archived OR p.archived) ORDER BY k.position)
                        FROM kit_components k JOIN variants v ON v.sku = k.sku
                             JOIN products p ON p.product_id = v.product_id
                        WHERE k.kit_variant_id = found.variant_id) END
             FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS wanted (sku, currency, channel, at, place)
             CROSS JOIN LATERAL (
                SELECT v.variant_id, v.product_id, coalesce(nullif(v.name, ''), p.name) AS name, p.kind,
                       v.weight_grams, v.unit_code, v.price_quantity, v.tax_category
                FROM variants v JOIN products p ON p.product_id = v.product_id
                WHERE v.sku = wanted.sku AND NOT v.archived AND NOT p.archived LIMIT 1) found
             LEFT JOIN LATERAL (
                SELECT CASE WHEN p.promo_from_time <= wanted.at AND wanted.at < p.promo_until_time
                            THEN p.promo_amount_minor ELSE p.amount_minor END AS amount,
                       CASE WHEN l.price_list_id <> p.price_list_id THEN l.percent_hundredths END
                            AS percent_hundredths,
                       l.rounding_step_minor, l.rounding_ending_minor
                FROM prices p
                     JOIN price_lists l ON l.price_list_id = p.price_list_id OR l.base_price_list_id = p.price_list_id
                WHERE p.sku = wanted.sku AND l.currency = wanted.currency
                  AND (l.channels = '{}' OR wanted.channel = ANY(l.channels))
                  AND (l.valid_from_time IS NULL OR l.valid_from_time <= wanted.at)
                  AND (l.valid_until_time IS NULL OR wanted.at < l.valid_until_time)
                ORDER BY l.priority DESC, l.price_list_id, l.price_list_id <> p.price_list_id LIMIT 1) price ON true",
        )
        .bind::<Array<Text>, _>(asked.iter().map(|one| one.sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(asked.iter().map(|one| one.currency.code()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(asked.iter().map(|one| &*one.channel).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(asked.iter().map(|one| one.at).collect::<Vec<_>>())
        .returns::<Columns>()
        .load(connection)
        .await?;
        let mut quoted = vec![None; asked.len()];
        for row in rows {
            let at = usize::try_from(row.0).unwrap_or_default().saturating_sub(1);
            if let Some((place, one)) = quoted.get_mut(at).zip(asked.get(at)) {
                *place = Some(Self::of(row, one.currency)?);
            }
        }
        Ok(quoted)
    }

    fn of(row: Row, currency: Currency) -> Result<Self> {
        let (_, variant, product, name, kind, weight_grams, ..) = row;
        let (.., unit_code, price_quantity, tax_category, amount, components) = row;
        let components = QuotedComponent::of(components)?;
        let corrupt = || store::Error::Corrupt(format!("the kind of product {product}"));
        Ok(Self {
            variant: VariantId::from_uuid(variant),
            product: ProductId::from_uuid(product),
            name,
            kind: ProductKind::of_code(&kind).ok_or_else(corrupt)?,
            weight_grams: QuotedComponent::weight_of_kit(weight_grams, &components),
            unit_code,
            price_quantity,
            tax_category,
            unit_price: unit_price(amount, currency),
            components,
        })
    }

    /// The component for want of which a kit cannot be sold.
    pub(crate) fn unsellable_for(&self) -> Option<&str> {
        self.components.iter().find(|one| one.archived).map(|one| one.sku.as_str())
    }
}

fn unit_price((amount, percent, step, ending): Amount, currency: Currency) -> Option<Money> {
    let amount = Money::new(currency, amount?);
    let Some(percent) = percent.and_then(Percent::of_hundredths) else { return Some(amount) };
    let amount = percent.of(amount).ok()?;
    let rounding = step.map(|step| Rounding { step, ending: ending.unwrap_or_default() });
    Some(rounding.map_or(amount, |rounding| rounding.apply(amount)))
}

impl QuotedComponent {
    fn of(components: Option<Value>) -> Result<Vec<Self>> {
        let Some(components) = components else { return Ok(Vec::new()) };
        let corrupt =
            |error: serde_json::Error| store::Error::Corrupt(format!("a kit's components: {error}"));
        Ok(serde_json::from_value(components).map_err(corrupt)?)
    }

    /// What a kit weighs: what is said of it, else the sum of its parts.
    fn weight_of_kit(said: i32, components: &[Self]) -> i32 {
        if said > 0 || components.is_empty() {
            return said;
        }
        let parts = components.iter().map(|one| i64::from(one.quantity) * i64::from(one.weight_grams));
        i32::try_from(parts.sum::<i64>()).unwrap_or(i32::MAX)
    }
}
