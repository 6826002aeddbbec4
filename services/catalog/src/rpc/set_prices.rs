//! Sets prices in a list; unchanged prices are not written.

use std::collections::HashSet;

use ::rpc::{Call, Fields, Invalid};
use chrono::SubsecRound;
use proto::catalog::v1 as pb;
use store::Tx;
use types::{Currency, PriceListId, Sku};

use crate::error::{Error, Result};
use crate::model::{ChangedPrice, Owners, PriceList, Prices, Promo, WantedPrice, WantedPromo};
use crate::{Catalog, tell};

const METHOD: &str = "catalog.set_prices";
/// Prices of one call.
const PRICES_MAX: usize = 1000;

struct Wanted {
    list: PriceListId,
    prices: Vec<WantedPrice>,
}

pub(crate) async fn handle(
    catalog: &Catalog,
    call: &Call,
    request: pb::SetPricesRequest,
) -> Result<pb::SetPricesResponse> {
    let wanted = Wanted::parse(&request)?;
    let skus: Vec<&str> = wanted.prices.iter().map(|price| price.sku.as_str()).collect();

    let changed_count = catalog.store.transaction(call, async |tx: &mut Tx| {
        let list =
            PriceList::lock(tx.conn(), wanted.list).await?.ok_or(Error::PriceListNotFound(wanted.list))?;
        wanted.refuse_other_currencies(list.details.currency)?;
        let known = Owners::load(tx.conn(), &skus, &[], None).await?.skus;
        if let Some(unknown) = skus.iter().find(|sku| !known.contains_key(**sku)) {
            return Err(Error::VariantNotFound { by: "sku", value: (*unknown).to_owned() });
        }
        let prices = Prices::load(tx.conn(), &list, &skus).await?;

        let changed = prices.changed_by(wanted.prices.iter().cloned(), tx.now());
        if changed.is_empty() {
            return Ok(0);
        }

        ChangedPrice::save(tx, METHOD, &list, &changed).await?;

        tell::prices(tx, METHOD, &list, &changed);
        Ok::<_, Error>(changed.len())
    });
    let changed_count = changed_count.await?;
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let unchanged_count = count(skus.len() - changed_count);
    Ok(pb::SetPricesResponse { changed_count: count(changed_count), unchanged_count })
}

impl Wanted {
    fn parse(request: &pb::SetPricesRequest) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let list: Option<PriceListId> = fields.parse("price_list_id", &request.price_list_id);
        fields.list_length("prices", request.prices.len(), PRICES_MAX);
        let mut skus = HashSet::new();
        let mut prices = Vec::with_capacity(request.prices.len().min(PRICES_MAX));
        for (at, price) in request.prices.iter().take(PRICES_MAX).enumerate() {
            let field = |name: &str| format!("prices[{at}].{name}");
            let other = !price.price_list_id.is_empty() && price.price_list_id != request.price_list_id;
            fields.check(
                !other,
                &field("price_list_id"),
                "MISMATCH",
                "the prices of one call are in one list",
            );
            let sku: Option<Sku> = fields.parse(&field("sku"), &price.sku);
            fields.check(skus.insert(&price.sku), &field("sku"), "DUPLICATE", "the SKU is listed twice");
            let amount = fields.money(&field("amount"), price.amount.as_ref());
            let old_amount = fields.money_optional(&field("old_amount"), price.old_amount.as_ref());
            let promo = price.promo.as_ref().and_then(|one| promo(&mut fields, &field("promo"), one));
            let promo_amount = promo.map(|promo| promo.amount);
            for (name, money) in [
                ("amount.amount", amount),
                ("old_amount.amount", old_amount),
                ("promo.amount.amount", promo_amount),
            ] {
                let negative = money.is_some_and(types::Money::is_negative);
                fields.check(!negative, &field(name), "OUT_OF_RANGE", "must not be negative");
            }
            if let (Some(sku), Some(amount)) = (sku, amount) {
                prices.push(WantedPrice { sku, amount, old_amount, promo: WantedPromo::Set(promo) });
            }
        }
        fields.finish_with(list.map(|list| Self { list, prices }))
    }

    fn refuse_other_currencies(&self, currency: Currency) -> Result<(), Invalid> {
        let mut fields = Fields::new();
        for (at, price) in self.prices.iter().enumerate() {
            let promo = match price.promo {
                WantedPromo::Set(promo) => promo.map(|promo| promo.amount),
                WantedPromo::Keep => None,
            };
            for (name, money) in
                [("amount", Some(price.amount)), ("old_amount", price.old_amount), ("promo.amount", promo)]
            {
                let other = money.is_some_and(|money| money.currency() != currency);
                let problem = format!("the list is in {currency}");
                fields.check(
                    !other,
                    &format!("prices[{at}].{name}.currency_code"),
                    "CURRENCY_MISMATCH",
                    &problem,
                );
            }
        }
        fields.finish()
    }
}

fn promo(fields: &mut Fields, field: &str, promo: &pb::PromoPrice) -> Option<Promo> {
    let amount = fields.money(&format!("{field}.amount"), promo.amount.as_ref());
    let mut time = |name: &str, time| {
        let field = format!("{field}.{name}");
        let given = fields.present(&field, time)?;
        Some(fields.time_optional(&field, Some(given))?.trunc_subsecs(6))
    };
    let (from, until) = (time("from_time", promo.from_time), time("until_time", promo.until_time));
    if let (Some(from), Some(until)) = (from, until) {
        fields.check(from < until, &format!("{field}.until_time"), "OUT_OF_RANGE", "must be after from_time");
    }
    Some(Promo { amount: amount?, from: from?, until: until? })
}
