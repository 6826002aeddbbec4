//! Which price counts, at a time in a channel and a currency, and why.
//!
//! Of all lists in the currency that are valid at the time and count in the channel, the one with the highest priority
//! decides, then the one with the lower id; in a derived list its own price before the calculated one. Then the list's
//! promo price, while it lasts.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::cached_sql;
use types::{Currency, Money, PriceListId, Sku};
use uuid::Uuid;

use super::price::{PriceColumns, PriceRow};
use crate::error::Result;
use crate::model::{Derivation, Percent, Price, Rounding};

/// The price that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Effective {
    pub(crate) amount: Money,
    /// Before a reduction, for display.
    pub(crate) old_amount: Option<Money>,
    pub(crate) list: PriceListId,
    pub(crate) basis: Basis,
    /// How it was calculated from another list.
    pub(crate) derivation: Option<Derivation>,
}

/// Which of a list's prices it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Basis {
    Regular,
    Promo,
}

/// What prices are asked for.
#[derive(Debug, Clone)]
pub(crate) struct PriceQuestion {
    pub(crate) currency: Currency,
    /// Empty for prices of no channel in particular.
    pub(crate) channel: String,
    pub(crate) at: DateTime<Utc>,
    /// Prices of this list only, wherever it counts.
    pub(crate) list: Option<PriceListId>,
}

/// A list's price, and what the list says of when and where it counts.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) list: PriceListId,
    pub(crate) list_name: String,
    pub(crate) priority: i32,
    pub(crate) channels: Vec<String>,
    pub(crate) valid_from: Option<DateTime<Utc>>,
    pub(crate) valid_until: Option<DateTime<Utc>>,
    pub(crate) terms: Terms,
}

/// What a list says of the amount.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) price: Price,
    pub(crate) derivation: Option<Derivation>,
    pub(crate) rounding: Option<Rounding>,
}

/// What becomes of a list's price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Counts,
    Outranked,
    OtherChannel,
    TooEarly,
    TooLate,
}

/// Base list, percentage, step and ending of the rounding.
type TermsRow = (PriceRow, (Option<Uuid>, Option<i32>, Option<i64>, i64));
type TermsColumns = (PriceColumns, (Nullable<SqlUuid>, Nullable<Integer>, Nullable<BigInt>, BigInt));

impl Terms {
    fn of((price, (base, percent, step, ending)): TermsRow, currency: Currency) -> Self {
        let percent = percent.and_then(Percent::of_hundredths);
        let derivation = base.zip(percent);
        Self {
            price: Price::of(price, currency, 0),
            derivation: derivation
                .map(|(base, percent)| Derivation { base: PriceListId::from_uuid(base), percent }),
            rounding: step.map(|step| Rounding { step, ending }),
        }
    }

    /// An amount of the list the price stands in, as this list has it; nothing beyond all money.
    fn calculate(&self, amount: Money) -> Option<Money> {
        let Some(derivation) = self.derivation else { return Some(amount) };
        let amount = derivation.percent.of(amount).ok()?;
        Some(self.rounding.map_or(amount, |rounding| rounding.apply(amount)))
    }

    /// What the list shows at a time.
    pub(crate) fn effective(&self, list: PriceListId, at: DateTime<Utc>) -> Option<Effective> {
        let (amount, old_amount) = self.price.shown(at);
        let promo = self.price.promo.is_some_and(|promo| promo.lasts(at));
        Some(Effective {
            amount: self.calculate(amount)?,
            old_amount: old_amount.and_then(|old| self.calculate(old)),
            list,
            basis: if promo { Basis::Promo } else { Basis::Regular },
            derivation: self.derivation,
        })
    }
}

impl Effective {
    /// The prices that count, by SKU. One statement.
    pub(crate) async fn load(
        connection: &mut AsyncPgConnection,
        skus: &[&str],
        question: &PriceQuestion,
    ) -> Result<HashMap<String, Self>> {
        let rows: Vec<(String, Uuid, TermsRow)> = cached_sql(
            "SELECT wanted.sku, price.price_list_id, price.amount_minor, price.old_amount_minor,
                    price.promo_amount_minor, price.promo_from_time, price.promo_until_time,
                    price.base_price_list_id, price.percent_hundredths, price.rounding_step_minor,
                    price.rounding_ending_minor
             FROM unnest($1) AS wanted (sku)
             CROSS JOIN LATERAL (
                SELECT * FROM price_terms t
                WHERE t.sku = wanted.sku AND t.currency = $2
                  AND ($5 IS NULL OR t.price_list_id = $5)
                  AND (t.channels = '{}' OR $3 = ANY(t.channels))
                  AND (t.valid_from_time IS NULL OR t.valid_from_time <= $4)
                  AND (t.valid_until_time IS NULL OR $4 < t.valid_until_time)
                ORDER BY t.priority DESC, t.price_list_id, t.base_price_list_id NULLS FIRST LIMIT 1) price",
        )
        .bind::<Array<Text>, _>(skus)
        .bind::<Text, _>(question.currency.code())
        .bind::<Text, _>(&question.channel)
        .bind::<Timestamptz, _>(question.at)
        .bind::<Nullable<SqlUuid>, _>(question.list.map(|list| list.uuid()))
        .returns::<(Text, SqlUuid, TermsColumns)>()
        .load(connection)
        .await?;
        let price = |(sku, list, row): (String, Uuid, TermsRow)| {
            let terms = Terms::of(row, question.currency);
            Some((sku, terms.effective(PriceListId::from_uuid(list), question.at)?))
        };
        Ok(rows.into_iter().filter_map(price).collect())
    }
}

type CandidateRow = (Uuid, String, i32, Vec<String>, Option<DateTime<Utc>>, Option<DateTime<Utc>>, TermsRow);

impl Candidate {
    /// Every price that a SKU has in a currency, best first.
    pub(crate) async fn load(
        connection: &mut AsyncPgConnection,
        sku: &Sku,
        currency: Currency,
    ) -> Result<Vec<Self>> {
        let rows: Vec<CandidateRow> = cached_sql(
            "SELECT price_list_id, name, priority, channels, valid_from_time, valid_until_time, amount_minor,
                    old_amount_minor, promo_amount_minor, promo_from_time, promo_until_time, base_price_list_id,
                    percent_hundredths, rounding_step_minor, rounding_ending_minor
             FROM price_terms WHERE sku = $1 AND currency = $2
             ORDER BY priority DESC, price_list_id, base_price_list_id NULLS FIRST",
        )
        .bind::<Text, _>(sku.as_str())
        .bind::<Text, _>(currency.code())
        .returns::<(
            SqlUuid,
            Text,
            Integer,
            Array<Text>,
            Nullable<Timestamptz>,
            Nullable<Timestamptz>,
            TermsColumns,
        )>()
        .load(connection)
        .await?;
        let candidate =
            |(list, list_name, priority, channels, valid_from, valid_until, terms): CandidateRow| Self {
                list: PriceListId::from_uuid(list),
                list_name,
                priority,
                channels,
                valid_from,
                valid_until,
                terms: Terms::of(terms, currency),
            };
        Ok(rows.into_iter().map(candidate).collect())
    }

    /// What becomes of each candidate; they are best first.
    pub(crate) fn judge(candidates: &[Self], channel: &str, at: DateTime<Utc>) -> Vec<Verdict> {
        let mut decided = false;
        let judged = candidates.iter().map(|one| {
            let elsewhere = !one.channels.is_empty() && !one.channels.iter().any(|own| own == channel);
            match (one.valid_from, one.valid_until) {
                _ if elsewhere => Verdict::OtherChannel,
                (Some(from), _) if at < from => Verdict::TooEarly,
                (_, Some(until)) if until <= at => Verdict::TooLate,
                _ if decided => Verdict::Outranked,
                _ => {
                    decided = true;
                    Verdict::Counts
                }
            }
        });
        judged.collect()
    }
}
