//! Takes the offers of one lot in: products, variants and prices in one transaction, with as many statements as for one.

use std::collections::BTreeMap;

use store::Tx;
use types::{CategoryId, Currency, Sku};

use super::categories::CategoryMap;
use super::draft::{Draft, Known, Outcome};
use super::ledger::{Entries, Kind};
use super::lookup::{keys, load, load_locked, own_groups};
use super::{Identity, Ledger, METHOD, NewBrands, Progress, Rehearsed, run::Import};
use crate::error::{Error, Result};
use crate::feed::{Offer, Refusal};
use crate::model::{
    Brand, BrandDetails, ChangedPrice, Changes, Definitions, Edit, NumberedCategory, PriceList, Prices,
    WantedPrice, WantedPromo, folded,
};
use crate::{retry, tell};

/// An offer whose row is in order, with its categories.
pub(super) type Ready = (Offer, Vec<CategoryId>);

/// What a lot comes to.
#[derive(Default)]
struct Decision {
    edits: Vec<Edit>,
    entries: Entries,
    prices: BTreeMap<&'static str, (Currency, Vec<WantedPrice>)>,
    refused: Vec<Refusal>,
    created: u64,
    updated: u64,
    unchanged: u64,
    /// What each row comes to, but those that change nothing.
    outcomes: Vec<Rehearsed>,
}

/// Takes offers in and counts them; answers those that were refused.
pub(super) async fn take(
    import: &Import,
    ledger: &mut Ledger,
    categories: &CategoryMap,
    offers: Vec<Offer>,
    progress: &mut Progress,
) -> Result<(Vec<Refusal>, Vec<Rehearsed>)> {
    let ids: Vec<&str> = offers.iter().map(|offer| offer.id.as_str()).collect();
    let mut unseen = ledger.note_offers(&ids).await?;
    let own = match import.identity {
        Identity::Source => None,
        Identity::Own => Some(own_categories(ledger, &offers).await?),
    };
    let categories = own.as_ref().unwrap_or(categories);
    let (mut ready, mut refused) = (Vec::with_capacity(offers.len()), Vec::new());
    for offer in offers {
        let first = unseen.remove(&offer.id);
        match prepare(import, categories, &offer, first) {
            Ok(categories) => ready.push((offer, categories)),
            Err(refusal) => refused.push(refusal.of_offer(&offer.id)),
        }
    }
    let (decision, prices_changed) = match import.dry_run {
        true => rehearse(import, ledger, &ready).await?,
        false => perform(import, ledger, &ready).await?,
    };
    progress.created += decision.created;
    progress.updated += decision.updated;
    progress.unchanged += decision.unchanged;
    progress.prices_changed += prices_changed;
    refused.extend(decision.refused);
    refused.sort_by_key(|refusal| refusal.line);
    let outcomes = if import.dry_run { decision.outcomes } else { Vec::new() };
    Ok((refused, outcomes))
}

/// What the categories of offers name in the organisation's own tree.
async fn own_categories(ledger: &mut Ledger, offers: &[Offer]) -> Result<CategoryMap> {
    let mut texts: Vec<&str> =
        offers.iter().flat_map(|offer| &offer.categories).map(String::as_str).collect();
    texts.sort_unstable();
    texts.dedup();
    NumberedCategory::resolve(ledger.connection()?, &texts).await
}

/// What can be said of an offer without the catalog: its categories.
fn prepare(
    import: &Import,
    categories: &CategoryMap,
    offer: &Offer,
    first: bool,
) -> Result<Vec<CategoryId>, Refusal> {
    let refuse = |field, reason, message: String| Err(Refusal::new(offer.line, field, reason, message));
    if !first {
        return refuse(
            "id",
            "DUPLICATE",
            format!("offer {} is in the file twice; the first one counts", offer.id),
        );
    }
    let other =
        |list: &&PriceList| offer.amount.is_some_and(|amount| amount.currency() != list.details.currency);
    if let Some(list) = import.list.as_ref().filter(other) {
        return refuse(
            "currencyId",
            "CURRENCY_MISMATCH",
            format!("the price list is in {}", list.details.currency),
        );
    }
    let mut found = Vec::with_capacity(offer.categories.len());
    for id in &offer.categories {
        match categories.get(id) {
            Some(category) => found.push(*category),
            None => {
                let message = match import.identity {
                    Identity::Source => format!("category {id} is not in the file"),
                    Identity::Own => format!("there is no category {id}"),
                };
                return refuse("categoryId", "CATEGORY_UNKNOWN", message);
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Decides and counts, writing nothing but the run's own memory.
async fn rehearse(import: &Import, ledger: &mut Ledger, ready: &[Ready]) -> Result<(Decision, u64)> {
    let now = import.store.clock().now();
    let mut known = load(ledger.connection()?, import, ready).await?;
    known.definitions = Definitions::load(ledger.connection()?).await?;
    known.overlay(ledger.recall(&keys(ready)).await?);
    let decision = decide(import, now, known, ready);
    ledger.remember(&decision.entries).await?;

    let mut prices_changed = 0;
    for (currency, wanted) in decision.prices.values() {
        let list = match &import.list {
            Some(list) => Some(list.clone()),
            None => PriceList::find_default(ledger.connection()?, *currency).await?,
        };
        let prices = match list {
            Some(list) => Prices::load(ledger.connection()?, &list, &skus(wanted)).await?,
            None => Prices::none(),
        };
        prices_changed += prices.changed_by(wanted.iter().cloned(), now).len() as u64;
    }
    Ok((decision, prices_changed))
}

/// Decides, writes and tells, in one transaction.
async fn perform(import: &Import, ledger: &mut Ledger, ready: &[Ready]) -> Result<(Decision, u64)> {
    let groups = match import.identity {
        Identity::Source => Entries::new(),
        Identity::Own => ledger.recall(&own_groups(ready)).await?,
    };
    let performed = retry::patiently(|| {
        import.store.transaction(&import.call, async |tx: &mut Tx| {
            let definitions = Definitions::hold(tx.conn()).await?;
            let mut known = load_locked(tx.conn(), import, &groups, ready).await?;
            known.definitions = definitions.clone();
            create_brands(import, tx, &mut known, ready).await?;
            let decision = decide(import, tx.now(), known, ready);

            if !decision.edits.is_empty() {
                Edit::save(tx.conn(), &definitions, &decision.edits).await?;
            }
            for edit in &decision.edits {
                tell::product(tx, METHOD, edit);
            }
            let mut prices_changed = 0;
            for (currency, wanted) in decision.prices.values() {
                prices_changed += set_prices(import, tx, *currency, wanted).await?;
            }
            Ok::<_, Error>((decision, prices_changed))
        })
    })
    .await?;
    if import.identity == Identity::Own {
        let grouped = performed.0.entries.iter().filter(|((kind, _), _)| *kind == Kind::GroupProduct);
        ledger.remember(&grouped.map(|(key, value)| (key.clone(), value.clone())).collect()).await?;
    }
    Ok(performed)
}

/// Makes brands of vendors that are none yet, where that is wanted.
async fn create_brands(import: &Import, tx: &mut Tx, known: &mut Known, ready: &[Ready]) -> Result<()> {
    if import.new_brands == NewBrands::Leave {
        return Ok(());
    }
    let mut created = Vec::new();
    for vendor in ready.iter().filter_map(|(offer, _)| offer.vendor.as_ref()) {
        let spelling = folded(vendor);
        if spelling.is_empty() || known.brands.contains_key(&spelling) {
            continue;
        }
        let details = BrandDetails { name: vendor.clone(), aliases: Vec::new(), archived: false };
        let brand = Brand::new(details, tx.now());
        // An archived brand keeps its name.
        if brand.refuse_taken(tx.conn()).await.is_ok() {
            known.brands.insert(spelling, brand.id);
            created.push(brand);
        }
    }
    if !created.is_empty() {
        Brand::insert_all(tx.conn(), &created.iter().collect::<Vec<_>>()).await?;
    }
    for brand in &created {
        tell::brand(tx, METHOD, brand, Changes::of_new(brand.details.facts()));
    }
    Ok(())
}

async fn set_prices(import: &Import, tx: &mut Tx, currency: Currency, wanted: &[WantedPrice]) -> Result<u64> {
    let now = tx.now();
    let list = match &import.list {
        Some(list) => list.clone(),
        None => default_list(tx, currency).await?,
    };
    let before = Prices::load(tx.conn(), &list, &skus(wanted)).await?;
    if before.changed_by(wanted.iter().cloned(), now).is_empty() {
        return Ok(0);
    }
    // Locked only when there is something to write; what changed meanwhile is seen now.
    let list = PriceList::lock(tx.conn(), list.id).await?.ok_or(Error::PriceListNotFound(list.id))?;
    let before = Prices::load(tx.conn(), &list, &skus(wanted)).await?;
    let changed = before.changed_by(wanted.iter().cloned(), now);

    ChangedPrice::save(tx, METHOD, &list, &changed).await?;

    tell::prices(tx, METHOD, &list, &changed);
    Ok(changed.len() as u64)
}

/// The list that takes prices in `currency` when no other is named; made when it is absent.
async fn default_list(tx: &mut Tx, currency: Currency) -> Result<PriceList> {
    if let Some(list) = PriceList::find_default(tx.conn(), currency).await? {
        return Ok(list);
    }
    let list = PriceList::new_default(currency, tx.now());
    list.insert(tx.conn()).await?;
    tell::price_list(tx, METHOD, &list, Changes::of_new(list.details.facts()));
    Ok(list)
}

fn decide(import: &Import, now: chrono::DateTime<chrono::Utc>, known: Known, ready: &[Ready]) -> Decision {
    let mut draft = Draft::new(import.source, import.identity, now, known);
    let mut decision = Decision::default();
    for (offer, categories) in ready {
        match draft.take(offer, categories) {
            Ok((outcome, sku)) => decision.count(import, outcome, offer, sku),
            Err(refusal) => decision.refused.push(refusal),
        }
    }
    (decision.edits, decision.entries) = draft.finish();
    decision
}

impl Decision {
    fn count(&mut self, import: &Import, outcome: Outcome, offer: &Offer, sku: Sku) {
        match outcome {
            Outcome::Created => self.created += 1,
            Outcome::Updated => self.updated += 1,
            Outcome::Unchanged => self.unchanged += 1,
        }
        if import.dry_run && outcome != Outcome::Unchanged {
            let (line, offer_id) = (offer.line, offer.id.clone());
            self.outcomes.push(Rehearsed {
                line,
                offer_id,
                sku: sku.clone(),
                created: outcome == Outcome::Created,
            });
        }
        // The organisation's own prices go where they are sent, and nowhere by default.
        let homeless = import.identity == Identity::Own && import.list.is_none();
        let Some(amount) = offer.amount.filter(|_| !homeless) else { return };
        let currency = amount.currency();
        let (_, wanted) = self.prices.entry(currency.code()).or_insert_with(|| (currency, Vec::new()));
        wanted.push(WantedPrice { sku, amount, old_amount: offer.old_amount, promo: WantedPromo::Keep });
    }
}

fn skus(wanted: &[WantedPrice]) -> Vec<&str> {
    wanted.iter().map(|price| price.sku.as_str()).collect()
}
