//! Writes what sightings change, many in one transaction.
//!
//! A contact is a unique row, so two processes cannot both make a card of it. Who comes second notices, rolls back and
//! looks again: request by request, so that nobody waits for another's conflict.

use std::collections::BTreeMap;
use std::slice;

use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use proto::customers::v1::{CustomerChanged, CustomerCreated};
use store::{Audit, Batcher, Store, Tx, cached_sql};
use types::CustomerId;
use uuid::Uuid;

use super::Identified;
use crate::error::{Error, Result};
use crate::model::{Change, Identity, Known, Plan, Sighting, name_words};

const METHOD: &str = "customers.identify_customer";
/// How often a request looks again after another process was faster.
const TRIES_MAX: usize = 5;

/// Commits concurrent identifications together.
pub(crate) type Identifier = Batcher<Sighting, Identified, Error>;

/// Starts the worker.
pub(crate) fn identifier(store: Store) -> Identifier {
    Batcher::start(METHOD, move |sightings| run(store.clone(), sightings))
}

async fn run(store: Store, sightings: Vec<Sighting>) -> Vec<Result<Identified>> {
    match identify(&store, &sightings).await {
        Ok(identified) => identified.into_iter().map(Ok).collect(),
        Err(error) if error.is_outage() => sightings.iter().map(|_| Err(outage(&error))).collect(),
        Err(_) => {
            let mut identified = Vec::with_capacity(sightings.len());
            for sighting in &sightings {
                identified.push(identify_alone(&store, sighting).await);
            }
            identified
        }
    }
}

async fn identify_alone(store: &Store, sighting: &Sighting) -> Result<Identified> {
    for _ in 0..TRIES_MAX {
        match identify(store, slice::from_ref(sighting)).await {
            Ok(mut identified) => return identified.pop().ok_or(Error::Raced),
            Err(Error::Raced) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::Raced)
}

/// Looks before the transaction: mostly nothing has to be written. What has changed since then, the writing notices.
async fn identify(store: &Store, sightings: &[Sighting]) -> Result<Vec<Identified>> {
    let Some(first) = sightings.first() else { return Ok(Vec::new()) };
    let known = Known::load(&mut *store.connection().await?, sightings).await?;
    let plan = Plan::of(known, sightings, CustomerId::new);
    if !plan.is_empty() {
        store.transaction(&first.call, async |tx: &mut Tx| write(tx, sightings, &plan).await).await?;
    }
    Ok(plan.identified())
}

async fn write(tx: &mut Tx, sightings: &[Sighting], plan: &Plan) -> Result<()> {
    insert(tx, sightings, plan).await?;
    let versions = touch(tx, plan).await?;
    tell(tx, sightings, plan, &versions);
    Ok(())
}

/// New cards, contacts and shops in one statement; fewer rows than planned mean that another process was faster.
async fn insert(tx: &mut Tx, sightings: &[Sighting], plan: &Plan) -> Result<()> {
    let now = tx.now();
    let created: Vec<&Change> = plan.0.iter().filter(|change| change.created).collect();
    let name = |change: &&Change| change.name.clone().unwrap_or_default();
    let words = |change: &&Change| name_words(change.name.as_deref().unwrap_or_default()).join(" ");
    let contacts =
        plan.0.iter().flat_map(|change| change.identities.iter().map(|identity| (identity, change.card)));
    let mut contacts: Vec<(i64, &Identity, CustomerId)> =
        contacts.zip(0..).map(|((identity, card), ordinal)| (ordinal, identity, card)).collect();
    // In one order everywhere, so that two processes wait for each other in turn and not both at once.
    contacts.sort_by_key(|(_, identity, _)| *identity);
    let mut links: Vec<(Uuid, Uuid)> = (plan.0.iter().zip(sightings))
        .filter(|(change, _)| change.linked)
        .map(|(change, sighting)| (change.card.uuid(), sighting.shop.uuid()))
        .collect();
    links.sort();

    let (identified, linked): (i64, i64) = cached_sql(
        "WITH created AS (
             INSERT INTO customers (customer_id, name, name_words, note, version, create_time)
             SELECT id, name, string_to_array(words, ' '), '', 1, $10 FROM unnest($1, $2, $3) AS new (id, name, words)
         ), identified AS (
             INSERT INTO customer_identities (kind, value, customer_id, ordinal, added_time)
             SELECT kind, value, id, ordinal, $10 FROM unnest($4, $5, $6, $7) AS new (kind, value, id, ordinal)
             ON CONFLICT DO NOTHING RETURNING 1
         ), linked AS (
             INSERT INTO customer_shops (customer_id, shop_id) SELECT * FROM unnest($8, $9)
             ON CONFLICT DO NOTHING RETURNING 1
         )
         SELECT (SELECT count(*) FROM identified), (SELECT count(*) FROM linked)",
    )
    .bind::<Array<SqlUuid>, _>(created.iter().map(|change| change.card.uuid()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(created.iter().map(name).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(created.iter().map(words).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(contacts.iter().map(|(_, identity, _)| identity.kind()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(contacts.iter().map(|(_, identity, _)| identity.value()).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(contacts.iter().map(|(.., card)| card.uuid()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(contacts.iter().map(|(ordinal, ..)| *ordinal).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(links.iter().map(|(card, _)| *card).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(links.iter().map(|(_, shop)| *shop).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(now)
    .returns::<(BigInt, BigInt)>()
    .get_result(tx.conn())
    .await?;
    let as_planned = identified as usize == contacts.len() && linked as usize == links.len();
    if as_planned { Ok(()) } else { Err(Error::Raced) }
}

/// Cards that were there before and look different now get their next version and, when they had none, a name.
async fn touch(tx: &mut Tx, plan: &Plan) -> Result<BTreeMap<CustomerId, i64>> {
    let mut names: BTreeMap<CustomerId, String> = BTreeMap::new();
    for change in plan.0.iter().filter(|change| change.touches()) {
        names.entry(change.card).or_default().push_str(change.name.as_deref().unwrap_or_default());
    }
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let touched: Vec<(Uuid, i64)> = cached_sql(
        "UPDATE customers SET version = version + 1,
             name = CASE WHEN seen.name = '' THEN customers.name ELSE seen.name END,
             name_words = CASE WHEN seen.name = '' THEN customers.name_words ELSE string_to_array(seen.words, ' ') END
         FROM unnest($1, $2, $3) AS seen (id, name, words)
         WHERE customer_id = seen.id AND (seen.name = '' OR customers.name = '')
         RETURNING customer_id, version",
    )
    .bind::<Array<SqlUuid>, _>(names.keys().map(CustomerId::uuid).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(names.values().cloned().collect::<Vec<_>>())
    .bind::<Array<Text>, _>(names.values().map(|name| name_words(name).join(" ")).collect::<Vec<_>>())
    .returns::<(SqlUuid, BigInt)>()
    .load(tx.conn())
    .await?;
    if touched.len() != names.len() {
        return Err(Error::Raced);
    }
    Ok(touched.into_iter().map(|(card, version)| (CustomerId::from_uuid(card), version)).collect())
}

/// A row of history for each sighting that changed something, an event for each card that is new or looks different.
fn tell(tx: &mut Tx, sightings: &[Sighting], plan: &Plan, versions: &BTreeMap<CustomerId, i64>) {
    let mut changed: BTreeMap<CustomerId, (&Sighting, Vec<String>)> = BTreeMap::new();
    for (change, sighting) in plan.0.iter().zip(sightings) {
        if change.created || change.linked || change.touches() {
            tx.audit_for(&sighting.call, audit(change, sighting));
        }
        if change.created {
            let event = CustomerCreated { customer_id: change.card.to_string() };
            events::append_for(tx, &sighting.call, change.card, 1, Some(sighting.shop), &event);
        }
        if change.touches() {
            let name = change.name.is_some().then_some("name");
            let fields = change.identities.iter().map(Identity::field).chain(name);
            let (_, changed) = changed.entry(change.card).or_insert((sighting, Vec::new()));
            changed.extend(fields.map(str::to_owned));
        }
    }
    for (card, (sighting, mut changed_fields)) in changed {
        changed_fields.sort();
        changed_fields.dedup();
        let version = versions.get(&card).copied().unwrap_or_default();
        let event = CustomerChanged { customer_id: card.to_string(), changed_fields };
        events::append_for(tx, &sighting.call, card, version, Some(sighting.shop), &event);
    }
}

fn audit(change: &Change, sighting: &Sighting) -> Audit {
    let person = change.card.to_string();
    let mut audit = Audit::new(METHOD, change.card).shop(sighting.shop.uuid());
    if let Some(name) = &change.name {
        audit = audit.personal(&person, "name", "", name);
    }
    for identity in &change.identities {
        audit = audit.personal(&person, identity.field(), "", identity.value());
    }
    audit.change("seen_by_shop", !change.linked, true)
}

/// The same failure for another request of the batch.
fn outage(error: &Error) -> Error {
    Error::Store(match error {
        Error::Store(store::Error::PoolExhausted) => store::Error::PoolExhausted,
        other => store::Error::Unreachable(other.to_string().into()),
    })
}

impl Plan {
    fn identified(&self) -> Vec<Identified> {
        self.0.iter().map(|change| Identified { card: change.card, created: change.created }).collect()
    }
}
