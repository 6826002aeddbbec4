//! Takes the offers of one lot in: products, variants and prices in one transaction, with as many statements as for one.

use std::collections::{BTreeMap, HashMap};

use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Tx, cached_sql};
use types::{CategoryId, Currency, ProductId, Sku, SourceId, VariantId};
use uuid::Uuid;

use super::categories::CategoryMap;
use super::draft::{Draft, Known, Outcome};
use super::ledger::{Entries, Kind};
use super::{Ledger, METHOD, Progress, run::Import};
use crate::error::{Error, Result};
use crate::feed::{GROUP_PREFIX, Offer, Refusal};
use crate::model::{
    ChangedPrice, Changes, Edit, Owners, PriceList, Prices, Product, VariantPlace, WantedPrice,
    WantedPromo,
};
use crate::{retry, tell};

/// An offer whose row is in order, with its categories.
type Ready = (Offer, Vec<CategoryId>);

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
}

/// Takes offers in and counts them; answers those that were refused.
pub(super) async fn take(
    import: &Import,
    ledger: &mut Ledger,
    categories: &CategoryMap,
    offers: Vec<Offer>,
    progress: &mut Progress,
) -> Result<Vec<Refusal>> {
    let ids: Vec<&str> = offers.iter().map(|offer| offer.id.as_str()).collect();
    let mut unseen = ledger.note_offers(&ids).await?;
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
        false => perform(import, &ready).await?,
    };
    progress.created += decision.created;
    progress.updated += decision.updated;
    progress.unchanged += decision.unchanged;
    progress.prices_changed += prices_changed;
    refused.extend(decision.refused);
    refused.sort_by_key(|refusal| refusal.line);
    Ok(refused)
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
    let currency = offer.amount.currency();
    if let Some(list) = import.list.as_ref().filter(|list| list.details.currency != currency) {
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
                return refuse("categoryId", "CATEGORY_UNKNOWN", format!("category {id} is not in the file"));
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
    let mut known = load(ledger.connection()?, import.source, ready).await?;
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
async fn perform(import: &Import, ready: &[Ready]) -> Result<(Decision, u64)> {
    retry::patiently(|| {
        import.store.transaction(&import.call, async |tx: &mut Tx| {
            let known = load_locked(tx.conn(), import.source, ready).await?;
            let decision = decide(import, tx.now(), known, ready);

            if !decision.edits.is_empty() {
                Edit::save(tx.conn(), &decision.edits).await?;
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
    .await
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
    let mut draft = Draft::new(import.source, now, known);
    let mut decision = Decision::default();
    for (offer, categories) in ready {
        match draft.take(offer, categories) {
            Ok((outcome, sku)) => decision.count(outcome, offer, sku),
            Err(refusal) => decision.refused.push(refusal),
        }
    }
    (decision.edits, decision.entries) = draft.finish();
    decision
}

impl Decision {
    fn count(&mut self, outcome: Outcome, offer: &Offer, sku: Sku) {
        match outcome {
            Outcome::Created => self.created += 1,
            Outcome::Updated => self.updated += 1,
            Outcome::Unchanged => self.unchanged += 1,
        }
        let currency = offer.amount.currency();
        let (_, wanted) = self.prices.entry(currency.code()).or_insert_with(|| (currency, Vec::new()));
        let (amount, old_amount) = (offer.amount, offer.old_amount);
        wanted.push(WantedPrice { sku, amount, old_amount, promo: WantedPromo::Keep });
    }
}

/// What the catalog holds of these offers, locked. What they belong to was looked up before the locks: it never changes.
async fn load_locked(connection: &mut AsyncPgConnection, source: SourceId, ready: &[Ready]) -> Result<Known> {
    let (variants, groups) = places(connection, source, ready).await?;
    Product::lock_all(connection, &product_ids(&variants, &groups)).await?;
    load(connection, source, ready).await
}

async fn load(connection: &mut AsyncPgConnection, source: SourceId, ready: &[Ready]) -> Result<Known> {
    let (variants, groups) = places(connection, source, ready).await?;
    let products = Product::load(connection, &product_ids(&variants, &groups)).await?;
    let keys = keys(ready);
    let of_kind = |wanted: Kind| keys.iter().filter(move |(kind, _)| *kind == wanted).map(|(_, key)| *key);
    let (skus, barcodes): (Vec<&str>, Vec<&str>) =
        (of_kind(Kind::Sku).collect(), of_kind(Kind::Barcode).collect());
    let owners = Owners::load(connection, &skus, &barcodes, Some(source)).await?;
    Ok(Known { products, variants, groups, owners, group_sizes: HashMap::new() })
}

/// Which variants the offer ids name, and which products the group ids.
async fn places(
    connection: &mut AsyncPgConnection,
    source: SourceId,
    ready: &[Ready],
) -> Result<(HashMap<String, VariantPlace>, HashMap<String, ProductId>)> {
    let offers: Vec<&str> = ready.iter().map(|(offer, _)| offer.id.as_str()).collect();
    let rows: Vec<(String, Uuid, Uuid)> = cached_sql(
        "SELECT x.external_id, v.product_id, v.variant_id
         FROM variant_external_ids x JOIN variants v USING (variant_id)
         WHERE x.source_id = $1 AND x.external_id = ANY($2)",
    )
    .bind::<SqlUuid, _>(source.uuid())
    .bind::<Array<Text>, _>(offers)
    .returns::<(Text, SqlUuid, SqlUuid)>()
    .load(connection)
    .await?;
    let place = |(id, product, variant)| {
        let product = ProductId::from_uuid(product);
        (id, VariantPlace { product, variant: VariantId::from_uuid(variant) })
    };
    let variants = rows.into_iter().map(place).collect();

    let mut groups: Vec<String> = ready
        .iter()
        .filter_map(|(offer, _)| Some(format!("{GROUP_PREFIX}{}", offer.group.as_ref()?)))
        .collect();
    groups.sort_unstable();
    groups.dedup();
    if groups.is_empty() {
        return Ok((variants, HashMap::new()));
    }
    let rows: Vec<(String, Uuid)> = cached_sql(
        "SELECT external_id, product_id FROM product_external_ids WHERE source_id = $1 AND external_id = ANY($2)",
    )
    .bind::<SqlUuid, _>(source.uuid())
    .bind::<Array<Text>, _>(groups)
    .returns::<(Text, SqlUuid)>()
    .load(connection)
    .await?;
    let group = |(id, product): (String, Uuid)| {
        (id.strip_prefix(GROUP_PREFIX).unwrap_or_default().to_owned(), ProductId::from_uuid(product))
    };
    Ok((variants, rows.into_iter().map(group).collect()))
}

fn product_ids(
    variants: &HashMap<String, VariantPlace>,
    groups: &HashMap<String, ProductId>,
) -> Vec<ProductId> {
    let mut ids: Vec<ProductId> =
        variants.values().map(|place| place.product).chain(groups.values().copied()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The SKUs and barcodes that the offers may want, and their groups.
fn keys(ready: &[Ready]) -> Vec<(Kind, &str)> {
    let mut keys = Vec::with_capacity(ready.len() * 3);
    for (offer, _) in ready {
        keys.push((Kind::Sku, offer.id.as_str()));
        keys.extend(offer.vendor_code.iter().map(|code| (Kind::Sku, code.as_str())));
        keys.extend(offer.barcodes.iter().flatten().map(|barcode| (Kind::Barcode, barcode.as_str())));
        keys.extend(offer.group.iter().map(|group| (Kind::Group, group.as_str())));
    }
    keys.sort_unstable_by_key(|(kind, key)| (*kind as u8, *key));
    keys.dedup();
    keys
}

fn skus(wanted: &[WantedPrice]) -> Vec<&str> {
    wanted.iter().map(|price| price.sku.as_str()).collect()
}
