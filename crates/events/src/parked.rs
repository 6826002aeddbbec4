//! Events that could not be applied: kept, tried again, visible, replayable.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::OptionalExtension;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::events::v1::{Event, ParkedEvent};
use store::{Error, Page, Result, Store, Tx, cached_sql};
use uuid::Uuid;

use crate::subscription::Subscription;

/// After this many tries an event waits for an operator.
pub const TRIES_MAX: i32 = 5;

/// Parks an event. An empty `error` means that it only waits behind another one.
pub(crate) async fn park(tx: &mut Tx, subscription: &Subscription, event: &Event, error: &str) -> Result<()> {
    let (now, tries) = (tx.now(), i32::from(!error.is_empty()));
    let event_id: Uuid = event.event_id.parse().map_err(|_| Error::Corrupt("an event id".to_owned()))?;
    cached_sql(
        "INSERT INTO parked_events (consumer, position, event_id, aggregate_id, event, tries, error, park_time, next_try_time)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
    )
    .bind::<Text, _>(subscription.consumer)
    .bind::<BigInt, _>(event.position)
    .bind::<SqlUuid, _>(event_id)
    .bind::<Text, _>(&event.aggregate_id)
    .bind::<Binary, _>(event.encode_to_vec())
    .bind::<Integer, _>(tries)
    .bind::<Text, _>(error)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now + backoff(tries))
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The first event of each parked aggregate that is due for another try.
pub(crate) async fn due(store: &Store, subscription: &Subscription) -> Result<Vec<(Event, i32)>> {
    let now = store.clock().now();
    let mut connection = store.connection().await?;
    let rows: Vec<(Vec<u8>, i32)> = cached_sql(
        "SELECT event, tries FROM (
             SELECT DISTINCT ON (aggregate_id) event, tries, next_try_time, position FROM parked_events
             WHERE consumer = $1 ORDER BY aggregate_id, position
         ) first WHERE next_try_time <= $2 ORDER BY position LIMIT 100",
    )
    .bind::<Text, _>(subscription.consumer)
    .bind::<Timestamptz, _>(now)
    .returns::<(Binary, Integer)>()
    .load(&mut *connection)
    .await?;
    rows.into_iter().map(|(event, tries)| Ok((decode(&event)?, tries))).collect()
}

/// Takes an event out of the lot; false when another process has done so.
pub(crate) async fn take(tx: &mut Tx, subscription: &Subscription, event: &Event) -> Result<bool> {
    let taken = cached_sql("DELETE FROM parked_events WHERE consumer = $1 AND position = $2")
        .bind::<Text, _>(subscription.consumer)
        .bind::<BigInt, _>(event.position)
        .execute(tx.conn())
        .await?;
    Ok(taken == 1)
}

/// Notes another failed try; after [`TRIES_MAX`] the event waits for an operator.
pub(crate) async fn note_failure(
    tx: &mut Tx,
    subscription: &Subscription,
    event: &Event,
    tries: i32,
    error: &str,
) -> Result<()> {
    let next: Option<DateTime<Utc>> = (tries < TRIES_MAX).then(|| tx.now() + backoff(tries));
    cached_sql("UPDATE parked_events SET tries = $3, error = $4, next_try_time = $5 WHERE consumer = $1 AND position = $2")
        .bind::<Text, _>(subscription.consumer)
        .bind::<BigInt, _>(event.position)
        .bind::<Integer, _>(tries)
        .bind::<Text, _>(error)
        .bind::<Nullable<Timestamptz>, _>(next)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// How many events of a consumer are parked.
pub(crate) struct ParkedCount {
    pub(crate) parked: u64,
    /// Those whose tries are used up.
    pub(crate) given_up: u64,
}

pub(crate) async fn count(store: &Store, subscription: &Subscription) -> Result<ParkedCount> {
    let mut connection = store.connection().await?;
    let (parked, given_up): (i64, i64) = cached_sql(
        "SELECT count(*), count(*) FILTER (WHERE next_try_time IS NULL) FROM parked_events WHERE consumer = $1",
    )
    .bind::<Text, _>(subscription.consumer)
    .returns::<(BigInt, BigInt)>()
    .get_result(&mut *connection)
    .await?;
    Ok(ParkedCount { parked: parked.unsigned_abs(), given_up: given_up.unsigned_abs() })
}

/// Makes a parked event due at once, with all its tries. False when there is none.
pub(crate) async fn release(store: &Store, consumer: &str, event_id: Uuid) -> Result<Option<String>> {
    let now = store.clock().now();
    let mut connection = store.connection().await?;
    let released: Option<(String,)> = cached_sql(
        "UPDATE parked_events SET tries = 0, next_try_time = $3 WHERE consumer = $1 AND event_id = $2 RETURNING aggregate_id",
    )
    .bind::<Text, _>(consumer)
    .bind::<SqlUuid, _>(event_id)
    .bind::<Timestamptz, _>(now)
    .returns::<(Text,)>()
    .get_result(&mut *connection)
    .await
    .optional()?;
    Ok(released.map(|row| row.0))
}

type Row = (String, i64, Vec<u8>, i32, String, DateTime<Utc>);

/// Parked events by consumer and position.
pub(crate) async fn list(store: &Store, page: &Page<(String, i64)>) -> Result<(Vec<ParkedEvent>, String)> {
    let mut connection = store.connection().await?;
    let (consumer, position) = page.after.clone().unwrap_or_default();
    let rows: Vec<Row> = cached_sql(
        "SELECT consumer, position, event, tries, error, park_time FROM parked_events
         WHERE (consumer, position) > ($1, $2) ORDER BY consumer, position LIMIT $3",
    )
    .bind::<Text, _>(consumer)
    .bind::<BigInt, _>(position)
    .bind::<BigInt, _>(page.limit())
    .returns::<(Text, BigInt, Binary, Integer, Text, Timestamptz)>()
    .load(&mut *connection)
    .await?;
    let (rows, token) = page.cut(store, rows, |row| (row.0.clone(), row.1));
    let parked = rows.into_iter().map(|(consumer, _, event, tries, error, park_time)| {
        let event = Some(decode(&event)?);
        Ok(ParkedEvent { consumer, event, tries, error, park_time: Some(rpc::wire::time(park_time)) })
    });
    Ok((parked.collect::<Result<_>>()?, token))
}

fn decode(bytes: &[u8]) -> Result<Event> {
    Event::decode(bytes).map_err(|error| Error::Corrupt(error.to_string()))
}

/// 0, then 1, 4, 9, 16 seconds.
fn backoff(tries: i32) -> TimeDelta {
    TimeDelta::seconds(i64::from(tries) * i64::from(tries))
}
