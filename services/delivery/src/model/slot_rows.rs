//! How much of each slot is taken. Whoever changes that holds the slot's row until his transaction ends; rows are always taken in
//! one order, so that nobody waits for somebody who waits for him.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Tx, cached_sql};
use types::DeliveryMethodId;
use uuid::Uuid;

use crate::error::Result;
use crate::schema::delivery_slots as rows;

/// A slot by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub method_id: DeliveryMethodId,
    pub start: DateTime<Utc>,
}

/// Takes up to `wanted` of the rooms of each place, never more than its capacity. Answers how many of each were free.
pub async fn take(tx: &mut Tx, wanted: &BTreeMap<Place, Wanted>) -> Result<BTreeMap<Place, i32>> {
    let taken = lock(tx, wanted.keys().copied().collect()).await?;
    let free = |place: &Place, wanted: &Wanted| {
        let room = wanted.capacity - taken.get(place).copied().unwrap_or(0);
        room.clamp(0, wanted.rooms)
    };
    let granted: BTreeMap<Place, i32> =
        wanted.iter().map(|(place, wanted)| (*place, free(place, wanted))).collect();
    add(tx, granted.clone()).await?;
    Ok(granted)
}

/// What is wanted of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    pub rooms: i32,
    /// Of the slot as a whole.
    pub capacity: i32,
}

/// Takes one room and gives another one back, or neither: false when there was no room.
pub async fn exchange(tx: &mut Tx, taken: Option<(Place, i32)>, given_back: Option<Place>) -> Result<bool> {
    let mut places: Vec<Place> = taken.map(|(place, _)| place).into_iter().chain(given_back).collect();
    places.sort_unstable();
    places.dedup();
    let known = lock(tx, places).await?;
    if taken.is_some_and(|(place, capacity)| known.get(&place).copied().unwrap_or(0) >= capacity) {
        return Ok(false);
    }
    let mut changes = BTreeMap::new();
    if let Some((place, _)) = taken {
        *changes.entry(place).or_default() += 1;
    }
    if let Some(place) = given_back {
        *changes.entry(place).or_default() -= 1;
    }
    add(tx, changes).await?;
    Ok(true)
}

/// How much is taken of the slots of methods from `since` on; those that nobody took are left out.
pub async fn taken(
    conn: &mut AsyncPgConnection,
    methods: &[DeliveryMethodId],
    since: DateTime<Utc>,
) -> Result<HashMap<Place, i32>> {
    if methods.is_empty() {
        return Ok(HashMap::new());
    }
    let methods: Vec<Uuid> = methods.iter().map(DeliveryMethodId::uuid).collect();
    let found: Vec<(Uuid, DateTime<Utc>, i32)> = rows::table
        .filter(rows::delivery_method_id.eq_any(methods))
        .filter(rows::start_time.ge(since))
        .select((rows::delivery_method_id, rows::start_time, rows::taken))
        .load(conn)
        .await?;
    Ok(found.into_iter().map(read).collect())
}

/// The rows of `places`, which are in order, made where there were none.
async fn lock(tx: &mut Tx, places: Vec<Place>) -> Result<HashMap<Place, i32>> {
    let methods: Vec<Uuid> = places.iter().map(|place| place.method_id.uuid()).collect();
    let starts: Vec<DateTime<Utc>> = places.iter().map(|place| place.start).collect();
    cached_sql(
        "INSERT INTO delivery_slots (delivery_method_id, start_time)
         SELECT m, t FROM unnest($1, $2) AS place (m, t) ORDER BY m, t
         ON CONFLICT (delivery_method_id, start_time) DO NOTHING",
    )
    .bind::<Array<SqlUuid>, _>(methods.clone())
    .bind::<Array<Timestamptz>, _>(starts.clone())
    .execute(tx.conn())
    .await?;
    let found: Vec<(Uuid, DateTime<Utc>, i32)> = cached_sql(
        "SELECT s.delivery_method_id, s.start_time, s.taken FROM delivery_slots AS s
         JOIN unnest($1, $2) AS place (m, t) ON s.delivery_method_id = m AND s.start_time = t
         ORDER BY s.delivery_method_id, s.start_time FOR UPDATE OF s",
    )
    .bind::<Array<SqlUuid>, _>(methods)
    .bind::<Array<Timestamptz>, _>(starts)
    .returns::<(SqlUuid, Timestamptz, Integer)>()
    .load(tx.conn())
    .await?;
    Ok(found.into_iter().map(read).collect())
}

async fn add(tx: &mut Tx, mut changes: BTreeMap<Place, i32>) -> Result<()> {
    changes.retain(|_, rooms| *rooms != 0);
    if changes.is_empty() {
        return Ok(());
    }
    cached_sql(
        "UPDATE delivery_slots AS s SET taken = s.taken + n
         FROM unnest($1, $2, $3) AS change (m, t, n) WHERE s.delivery_method_id = m AND s.start_time = t",
    )
    .bind::<Array<SqlUuid>, _>(changes.keys().map(|place| place.method_id.uuid()).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(changes.keys().map(|place| place.start).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(changes.values().copied().collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn read((method, start, taken): (Uuid, DateTime<Utc>, i32)) -> (Place, i32) {
    (Place { method_id: DeliveryMethodId::from_uuid(method), start }, taken)
}
