//! Prices of SKUs in a list.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::cached_sql;
use types::{Currency, Money, PriceListId, Sku};

use crate::error::Result;

/// A price as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Price {
    pub(crate) amount: Money,
    pub(crate) old_amount: Option<Money>,
    pub(crate) version: i64,
}

/// A price as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WantedPrice {
    pub(crate) sku: Sku,
    pub(crate) amount: Money,
    /// Before a reduction, for display.
    pub(crate) old_amount: Option<Money>,
}

/// A price that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangedPrice {
    pub(crate) sku: Sku,
    pub(crate) new: Price,
    pub(crate) old: Option<Price>,
}

/// Prices of one list by SKU.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prices(HashMap<String, Price>);

type Row = (String, i64, Option<i64>, i64);

impl Prices {
    /// The prices that `skus` have in the list now. Whoever goes on to change them has locked the list.
    pub(crate) async fn load(
        connection: &mut AsyncPgConnection,
        list: PriceListId,
        currency: Currency,
        skus: &[&str],
    ) -> Result<Self> {
        let rows: Vec<Row> = cached_sql(
            "SELECT sku, amount_minor, old_amount_minor, version FROM prices
             WHERE sku = ANY($1) AND price_list_id = $2",
        )
        .bind::<Array<Text>, _>(skus)
        .bind::<SqlUuid, _>(list.uuid())
        .returns::<(Text, BigInt, Nullable<BigInt>, BigInt)>()
        .load(connection)
        .await?;
        let price = |(sku, amount, old_amount, version): Row| {
            let old_amount = old_amount.map(|minor| Money::new(currency, minor));
            (sku, Price { amount: Money::new(currency, amount), old_amount, version })
        };
        Ok(Self(rows.into_iter().map(price).collect()))
    }

    /// Those of `wanted` that differ from what is.
    pub(crate) fn changed_by(&self, wanted: impl IntoIterator<Item = WantedPrice>) -> Vec<ChangedPrice> {
        let changed = wanted.into_iter().filter_map(|wanted| {
            let old = self.0.get(wanted.sku.as_str()).copied();
            let same =
                old.is_some_and(|old| old.amount == wanted.amount && old.old_amount == wanted.old_amount);
            let version = old.map_or(1, |old| old.version + 1);
            let new = Price { amount: wanted.amount, old_amount: wanted.old_amount, version };
            (!same).then_some(ChangedPrice { sku: wanted.sku, new, old })
        });
        changed.collect()
    }
}

impl ChangedPrice {
    /// Writes changed prices of a list, which is locked.
    pub(crate) async fn save(
        connection: &mut AsyncPgConnection,
        list: PriceListId,
        changed: &[Self],
        now: DateTime<Utc>,
    ) -> Result<()> {
        cached_sql(
            "INSERT INTO prices (sku, price_list_id, amount_minor, old_amount_minor, version, update_time)
             SELECT sku, $5, amount, old_amount, version, $6
             FROM unnest($1, $2, $3, $4) AS u (sku, amount, old_amount, version) ORDER BY sku
             ON CONFLICT (sku, price_list_id) DO UPDATE SET amount_minor = excluded.amount_minor,
                old_amount_minor = excluded.old_amount_minor, version = excluded.version,
                update_time = excluded.update_time",
        )
        .bind::<Array<Text>, _>(changed.iter().map(|price| price.sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(changed.iter().map(|price| price.new.amount.minor()).collect::<Vec<_>>())
        .bind::<Array<Nullable<BigInt>>, _>(
            changed.iter().map(|price| price.new.old_amount.map(Money::minor)).collect::<Vec<_>>(),
        )
        .bind::<Array<BigInt>, _>(changed.iter().map(|price| price.new.version).collect::<Vec<_>>())
        .bind::<SqlUuid, _>(list.uuid())
        .bind::<Timestamptz, _>(now)
        .execute(connection)
        .await?;
        Ok(())
    }
}
