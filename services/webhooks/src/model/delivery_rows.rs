//! The rows of deliveries and their attempts.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Error as StoreError, Tx, cached_sql};
use types::{EventId, ShopId, WebhookDeliveryId, WebhookEndpointId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::delivery::{Delivery, Outcome, State};
use crate::model::schedule::Next;
use crate::schema::{webhook_attempts, webhook_deliveries as rows};

#[derive(Queryable, Selectable)]
#[diesel(table_name = rows, check_for_backend(diesel::pg::Pg))]
struct Row {
    delivery_id: Uuid,
    sequence: i64,
    endpoint_id: Uuid,
    event_id: Uuid,
    #[diesel(column_name = type_)]
    kind: String,
    shop_id: Option<Uuid>,
    resource_id: String,
    replayed: bool,
    state: String,
    attempts: i32,
    next_attempt_time: Option<DateTime<Utc>>,
    last_status_code: i32,
    last_failure: String,
    create_time: DateTime<Utc>,
    finish_time: Option<DateTime<Utc>>,
}

/// A delivery that is to be sent now.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) id: Uuid,
    pub(crate) event: EventId,
    /// The number of this attempt.
    pub(crate) attempt: i32,
    pub(crate) first_attempt_time: DateTime<Utc>,
    /// The stored event.
    pub(crate) body: Vec<u8>,
}

/// What became of an attempt.
pub(crate) struct Tried {
    pub(crate) due: Due,
    pub(crate) start_time: DateTime<Utc>,
    pub(crate) outcome: Outcome,
    /// None when it was taken.
    pub(crate) next: Option<Next>,
}

/// An attempt of the past.
#[derive(Queryable, Selectable)]
#[diesel(table_name = webhook_attempts, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Attempt {
    pub(crate) attempt: i32,
    pub(crate) start_time: DateTime<Utc>,
    pub(crate) duration_ms: i32,
    pub(crate) status_code: i32,
    pub(crate) failure: String,
}

pub(crate) async fn find(
    connection: &mut AsyncPgConnection,
    id: WebhookDeliveryId,
) -> Result<Option<Delivery>> {
    let row = rows::table.filter(rows::delivery_id.eq(id.uuid())).select(Row::as_select());
    let row: Option<Row> = row.first(connection).await.optional()?;
    row.map(Delivery::try_from).transpose()
}

/// Deliveries to an endpoint before `before`, newest first.
pub(crate) async fn list(
    connection: &mut AsyncPgConnection,
    endpoint: WebhookEndpointId,
    state: Option<State>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Delivery>> {
    let all = rows::table.filter(rows::endpoint_id.eq(endpoint.uuid())).select(Row::as_select());
    let mut query = all.order(rows::sequence.desc()).limit(limit).into_boxed();
    if let Some(state) = state {
        query = query.filter(rows::state.eq(state.code()));
    }
    if let Some(before) = before {
        query = query.filter(rows::sequence.lt(before));
    }
    let found: Vec<Row> = query.load(connection).await?;
    found.into_iter().map(Delivery::try_from).collect()
}

/// Attempts of a delivery before number `before`, newest first.
pub(crate) async fn attempts(
    connection: &mut AsyncPgConnection,
    id: WebhookDeliveryId,
    before: Option<i32>,
    limit: i64,
) -> Result<Vec<Attempt>> {
    let found = webhook_attempts::table
        .filter(webhook_attempts::delivery_id.eq(id.uuid()))
        .filter(webhook_attempts::attempt.lt(before.unwrap_or(i32::MAX)))
        .order(webhook_attempts::attempt.desc())
        .limit(limit)
        .select(Attempt::as_select());
    Ok(found.load(connection).await?)
}

/// The endpoints that have something to be sent now and may be sent to.
pub(crate) async fn endpoints_due(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
) -> Result<Vec<WebhookEndpointId>> {
    let found: Vec<(Uuid,)> = cached_sql(
        "SELECT e.endpoint_id FROM webhook_endpoints AS e
         WHERE e.state = 'enabled' AND coalesce(e.retry_time, '-infinity') <= $1
           AND EXISTS (SELECT 1 FROM webhook_deliveries AS d
                       WHERE d.endpoint_id = e.endpoint_id AND d.state = 'pending' AND d.next_attempt_time <= $1)
         ORDER BY e.endpoint_id",
    )
    .bind::<Timestamptz, _>(now)
    .returns::<(SqlUuid,)>()
    .load(connection)
    .await?;
    Ok(found.into_iter().map(|(id,)| WebhookEndpointId::from_uuid(id)).collect())
}

type DueRow = (Uuid, Uuid, i32, DateTime<Utc>, Vec<u8>);

/// Takes what is due, the oldest of each resource; nobody else takes it until `lease`.
pub(crate) async fn claim(
    tx: &mut Tx,
    endpoint: WebhookEndpointId,
    lease: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Due>> {
    let now = tx.now();
    let rows: Vec<DueRow> = cached_sql(
        "WITH due AS (
            SELECT d.delivery_id FROM webhook_deliveries AS d
            WHERE d.endpoint_id = $1 AND d.state = 'pending' AND d.next_attempt_time <= $2
              AND NOT EXISTS (SELECT 1 FROM webhook_deliveries AS o
                              WHERE o.endpoint_id = $1 AND o.resource_id = d.resource_id AND o.state = 'pending'
                                AND o.sequence < d.sequence)
            ORDER BY d.next_attempt_time, d.sequence LIMIT $4 FOR UPDATE SKIP LOCKED
         )
         UPDATE webhook_deliveries AS d
         SET attempts = d.attempts + 1, first_attempt_time = coalesce(d.first_attempt_time, $2), next_attempt_time = $3
         FROM due, webhook_messages AS m WHERE d.delivery_id = due.delivery_id AND m.event_id = d.event_id
         RETURNING d.delivery_id, d.event_id, d.attempts, d.first_attempt_time, m.body",
    )
    .bind::<SqlUuid, _>(endpoint.uuid())
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(lease)
    .bind::<BigInt, _>(limit)
    .returns::<(SqlUuid, SqlUuid, Integer, Timestamptz, Binary)>()
    .load(tx.conn())
    .await?;
    let due = rows.into_iter().map(|(id, event, attempt, first_attempt_time, body)| Due {
        id,
        event: EventId::from_uuid(event),
        attempt,
        first_attempt_time,
        body,
    });
    Ok(due.collect())
}

/// Notes what became of attempts: two statements however many.
pub(crate) async fn settle(tx: &mut Tx, tried: &[Tried]) -> Result<()> {
    let now = tx.now();
    let states = tried.iter().map(|one| match one.next {
        None => State::Delivered.code(),
        Some(Next::GiveUp) => State::Dead.code(),
        Some(Next::TryAt(_)) => State::Pending.code(),
    });
    let next_times = tried.iter().map(|one| match one.next {
        Some(Next::TryAt(time)) => Some(time),
        None | Some(Next::GiveUp) => None,
    });
    let ids: Vec<Uuid> = tried.iter().map(|one| one.due.id).collect();
    let status_codes: Vec<i32> = tried.iter().map(|one| one.outcome.status_code).collect();
    let failures: Vec<&str> = tried.iter().map(|one| one.outcome.failure.as_str()).collect();
    cached_sql(
        "UPDATE webhook_deliveries AS d
         SET state = t.state, next_attempt_time = t.next_time, last_status_code = t.status_code, last_failure = t.failure,
             finish_time = CASE WHEN t.state = 'pending' THEN NULL ELSE $6::timestamptz END
         FROM unnest($1, $2, $3, $4, $5) AS t (delivery_id, state, next_time, status_code, failure)
         WHERE d.delivery_id = t.delivery_id AND d.state = 'pending'",
    )
    .bind::<Array<SqlUuid>, _>(&ids)
    .bind::<Array<Text>, _>(states.collect::<Vec<_>>())
    .bind::<Array<Nullable<Timestamptz>>, _>(next_times.collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(&status_codes)
    .bind::<Array<Text>, _>(&failures)
    .bind::<Timestamptz, _>(now)
    .execute(tx.conn())
    .await?;
    // Joined, so that an attempt at what was deleted meanwhile leaves no trace.
    cached_sql(
        "INSERT INTO webhook_attempts (delivery_id, attempt, start_time, duration_ms, status_code, failure)
         SELECT t.delivery_id, t.attempt, t.start_time, t.duration_ms, t.status_code, t.failure
         FROM unnest($1, $2, $3, $4, $5, $6)
              AS t (delivery_id, attempt, start_time, duration_ms, status_code, failure)
         JOIN webhook_deliveries AS d USING (delivery_id)
         ON CONFLICT DO NOTHING",
    )
    .bind::<Array<SqlUuid>, _>(&ids)
    .bind::<Array<Integer>, _>(tried.iter().map(|one| one.due.attempt).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(tried.iter().map(|one| one.start_time).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(tried.iter().map(|one| one.outcome.duration_ms).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(&status_codes)
    .bind::<Array<Text>, _>(&failures)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Makes all that waits for an endpoint due now: it is back.
pub(crate) async fn release(tx: &mut Tx, endpoint: WebhookEndpointId) -> Result<usize> {
    let now = tx.now();
    let released = cached_sql(
        "UPDATE webhook_deliveries SET next_attempt_time = $2
         WHERE endpoint_id = $1 AND state = 'pending' AND next_attempt_time > $2",
    )
    .bind::<SqlUuid, _>(endpoint.uuid())
    .bind::<Timestamptz, _>(now)
    .execute(tx.conn())
    .await?;
    Ok(released)
}

/// Makes one delivery due now, with all its tries.
pub(crate) async fn renew(tx: &mut Tx, id: WebhookDeliveryId) -> Result<()> {
    let now = tx.now();
    diesel::update(rows::table.filter(rows::delivery_id.eq(id.uuid())))
        .set((
            rows::state.eq(State::Pending.code()),
            rows::first_attempt_time.eq(None::<DateTime<Utc>>),
            rows::next_attempt_time.eq(now),
            rows::finish_time.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The same for what was given up and made between two times, the oldest first; answers how many.
pub(crate) async fn renew_dead(
    tx: &mut Tx,
    endpoint: WebhookEndpointId,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    limit: i64,
) -> Result<usize> {
    let now = tx.now();
    let renewed = cached_sql(
        "UPDATE webhook_deliveries SET state = 'pending', first_attempt_time = NULL, next_attempt_time = $5, finish_time = NULL
         WHERE delivery_id IN (
            SELECT delivery_id FROM webhook_deliveries
            WHERE endpoint_id = $1 AND state = 'dead' AND create_time >= $2 AND create_time < $3
            ORDER BY sequence LIMIT $4 FOR UPDATE)",
    )
    .bind::<SqlUuid, _>(endpoint.uuid())
    .bind::<Timestamptz, _>(from)
    .bind::<Timestamptz, _>(to)
    .bind::<BigInt, _>(limit)
    .bind::<Timestamptz, _>(now)
    .execute(tx.conn())
    .await?;
    Ok(renewed)
}

/// Takes away what waits for an endpoint.
pub(crate) async fn drop_pending(tx: &mut Tx, endpoint: WebhookEndpointId) -> Result<()> {
    let waiting = rows::table.filter(rows::endpoint_id.eq(endpoint.uuid())).filter(rows::state.eq("pending"));
    diesel::delete(waiting).execute(tx.conn()).await?;
    Ok(())
}

/// Forgets what was finished before `time`; answers how many.
pub(crate) async fn forget_before(tx: &mut Tx, time: DateTime<Utc>, limit: i64) -> Result<usize> {
    let forgotten = cached_sql(
        "DELETE FROM webhook_deliveries WHERE delivery_id IN (
            SELECT delivery_id FROM webhook_deliveries
            WHERE state <> 'pending' AND finish_time < $1 ORDER BY finish_time LIMIT $2)",
    )
    .bind::<Timestamptz, _>(time)
    .bind::<BigInt, _>(limit)
    .execute(tx.conn())
    .await?;
    Ok(forgotten)
}

/// Forgets messages of before `time` that no delivery needs any more; answers how many.
pub(crate) async fn forget_messages(tx: &mut Tx, time: DateTime<Utc>, limit: i64) -> Result<usize> {
    let forgotten = cached_sql(
        "DELETE FROM webhook_messages WHERE event_id IN (
            SELECT m.event_id FROM webhook_messages AS m
            WHERE m.create_time < $1
              AND NOT EXISTS (SELECT 1 FROM webhook_deliveries AS d WHERE d.event_id = m.event_id)
            LIMIT $2)",
    )
    .bind::<Timestamptz, _>(time)
    .bind::<BigInt, _>(limit)
    .execute(tx.conn())
    .await?;
    Ok(forgotten)
}

impl TryFrom<Row> for Delivery {
    type Error = crate::error::Error;

    fn try_from(row: Row) -> Result<Self> {
        let state = State::read(&row.state);
        Ok(Self {
            id: WebhookDeliveryId::from_uuid(row.delivery_id),
            sequence: row.sequence,
            endpoint: WebhookEndpointId::from_uuid(row.endpoint_id),
            event: EventId::from_uuid(row.event_id),
            kind: row.kind,
            shop: row.shop_id.map(ShopId::from_uuid),
            resource: row.resource_id,
            replayed: row.replayed,
            state: state.ok_or_else(|| StoreError::Corrupt(format!("the state of {}", row.delivery_id)))?,
            attempts: row.attempts,
            next_attempt_time: row.next_attempt_time,
            last_status_code: row.last_status_code,
            last_failure: row.last_failure,
            create_time: row.create_time,
            finish_time: row.finish_time,
        })
    }
}
