//! Prices of SKUs in a list.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Tx, cached_sql};
use types::{Currency, Money, Sku};

use crate::error::Result;
use crate::model::{PriceList, Rounding};

/// A price as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Price {
    pub(crate) amount: Money,
    /// Before a reduction, for display.
    pub(crate) old_amount: Option<Money>,
    pub(crate) promo: Option<Promo>,
    pub(crate) version: i64,
}

/// A price for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Promo {
    pub(crate) amount: Money,
    /// Inclusive.
    pub(crate) from: DateTime<Utc>,
    /// Exclusive.
    pub(crate) until: DateTime<Utc>,
}

/// A price as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WantedPrice {
    pub(crate) sku: Sku,
    pub(crate) amount: Money,
    pub(crate) old_amount: Option<Money>,
    pub(crate) promo: WantedPromo,
}

/// What shall become of a promo price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WantedPromo {
    /// This one, or none.
    Set(Option<Promo>),
    /// Whatever there is: files do not know of promos. What they say of a price whose promo lasts may be an echo of it.
    Keep,
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
pub(crate) struct Prices {
    known: HashMap<String, Price>,
    rounding: Option<Rounding>,
}

/// Amount, old amount, promo amount, its time.
pub(super) type PriceRow = (i64, Option<i64>, Option<i64>, Option<DateTime<Utc>>, Option<DateTime<Utc>>);
pub(super) type PriceColumns =
    (BigInt, Nullable<BigInt>, Nullable<BigInt>, Nullable<Timestamptz>, Nullable<Timestamptz>);

impl Price {
    pub(super) fn of(
        (amount, old_amount, promo, from, until): PriceRow,
        currency: Currency,
        version: i64,
    ) -> Self {
        let money = |minor| Money::new(currency, minor);
        let promo = promo.zip(from).zip(until);
        Self {
            amount: money(amount),
            old_amount: old_amount.map(money),
            promo: promo.map(|((amount, from), until)| Promo { amount: money(amount), from, until }),
            version,
        }
    }

    /// What it shows at a time: the amount that counts and the one before the reduction.
    pub(crate) fn shown(&self, at: DateTime<Utc>) -> (Money, Option<Money>) {
        match self.promo.filter(|promo| promo.lasts(at)) {
            Some(promo) => (promo.amount, Some(self.amount)),
            None => (self.amount, self.old_amount),
        }
    }
}

impl Promo {
    /// Whether it counts at a time.
    pub(crate) fn lasts(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && at < self.until
    }
}

impl Prices {
    /// The prices that `skus` have in the list now. Whoever goes on to change them has locked the list.
    pub(crate) async fn load(
        connection: &mut AsyncPgConnection,
        list: &PriceList,
        skus: &[&str],
    ) -> Result<Self> {
        let rows: Vec<(String, i64, PriceRow)> = cached_sql(
            "SELECT sku, version, amount_minor, old_amount_minor, promo_amount_minor, promo_from_time, promo_until_time
             FROM prices WHERE sku = ANY($1) AND price_list_id = $2",
        )
        .bind::<Array<Text>, _>(skus)
        .bind::<SqlUuid, _>(list.id.uuid())
        .returns::<(Text, BigInt, PriceColumns)>()
        .load(connection)
        .await?;
        let price = |(sku, version, row): (String, i64, PriceRow)| {
            (sku, Price::of(row, list.details.currency, version))
        };
        Ok(Self { known: rows.into_iter().map(price).collect(), rounding: list.details.rounding })
    }

    /// No price yet, in a list that is not made yet.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// Those of `wanted`, rounded as the list has it, that differ from what is.
    pub(crate) fn changed_by(
        &self,
        wanted: impl IntoIterator<Item = WantedPrice>,
        now: DateTime<Utc>,
    ) -> Vec<ChangedPrice> {
        let round = |money: Money| self.rounding.map_or(money, |rounding| rounding.apply(money));
        let changed = wanted.into_iter().filter_map(|wanted| {
            let old = self.known.get(wanted.sku.as_str()).copied();
            let is_echo = wanted.promo == WantedPromo::Keep
                && old.is_some_and(|old| told(old.shown(now)) == told((wanted.amount, wanted.old_amount)));
            let promo = match wanted.promo {
                WantedPromo::Set(promo) => promo.map(|promo| Promo { amount: round(promo.amount), ..promo }),
                WantedPromo::Keep => old.and_then(|old| old.promo),
            };
            let version = old.map_or(1, |old| old.version + 1);
            let new = Price { amount: round(wanted.amount), old_amount: wanted.old_amount, promo, version };
            let same = old.is_some_and(|old| Price { version, ..old } == new);
            (!same && !is_echo).then_some(ChangedPrice { sku: wanted.sku, new, old })
        });
        changed.collect()
    }
}

/// What a file tells of a price: an old price only when it is a reduction.
fn told((amount, old_amount): (Money, Option<Money>)) -> (Money, Option<Money>) {
    (amount, old_amount.filter(|old| old.minor() > amount.minor()))
}

impl ChangedPrice {
    /// Writes changed prices of a list, which is locked, and notes them in their history.
    pub(crate) async fn save(
        tx: &mut Tx,
        action: &'static str,
        list: &PriceList,
        changed: &[Self],
    ) -> Result<()> {
        let (now, actor) = (tx.now(), tx.call().caller.who());
        let amounts = |pick: fn(&Price) -> Option<Money>| {
            changed.iter().map(|one| pick(&one.new).map(Money::minor)).collect::<Vec<_>>()
        };
        let times = |pick: fn(Promo) -> DateTime<Utc>| {
            changed.iter().map(|one| one.new.promo.map(pick)).collect::<Vec<_>>()
        };
        cached_sql(
            "WITH changed AS (
                SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)
                     AS u (sku, amount, old_amount, promo_amount, promo_from, promo_until, version)),
             saved AS (
                INSERT INTO prices (sku, price_list_id, amount_minor, old_amount_minor, promo_amount_minor,
                                    promo_from_time, promo_until_time, version, update_time)
                SELECT sku, $8, amount, old_amount, promo_amount, promo_from, promo_until, version, $9
                FROM changed ORDER BY sku
                ON CONFLICT (sku, price_list_id) DO UPDATE SET amount_minor = excluded.amount_minor,
                    old_amount_minor = excluded.old_amount_minor, promo_amount_minor = excluded.promo_amount_minor,
                    promo_from_time = excluded.promo_from_time, promo_until_time = excluded.promo_until_time,
                    version = excluded.version, update_time = excluded.update_time)
             INSERT INTO price_changes (sku, price_list_id, version, amount_minor, old_amount_minor,
                                        promo_amount_minor, promo_from_time, promo_until_time, change_time, actor,
                                        action)
             SELECT sku, $8, version, amount, old_amount, promo_amount, promo_from, promo_until, $9, $10, $11
             FROM changed",
        )
        .bind::<Array<Text>, _>(changed.iter().map(|one| one.sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(changed.iter().map(|one| one.new.amount.minor()).collect::<Vec<_>>())
        .bind::<Array<Nullable<BigInt>>, _>(amounts(|price| price.old_amount))
        .bind::<Array<Nullable<BigInt>>, _>(amounts(|price| price.promo.map(|promo| promo.amount)))
        .bind::<Array<Nullable<Timestamptz>>, _>(times(|promo| promo.from))
        .bind::<Array<Nullable<Timestamptz>>, _>(times(|promo| promo.until))
        .bind::<Array<BigInt>, _>(changed.iter().map(|one| one.new.version).collect::<Vec<_>>())
        .bind::<SqlUuid, _>(list.id.uuid())
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(actor)
        .bind::<Text, _>(action)
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}
