//! Reads the numbered log of this service.

use std::time::Duration;

use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use proto::events::v1::{Event, ReadEventsResponse};
use store::{AppendedEvent, NewEvent, Result, Store, cached_sql};
use uuid::Uuid;

type Row = (
    i64,
    Uuid,
    String,
    i64,
    String,
    Vec<u8>,
    Option<Uuid>,
    String,
    String,
    (Option<String>, Option<String>, chrono::DateTime<chrono::Utc>),
);
type Columns = (
    BigInt,
    SqlUuid,
    Text,
    BigInt,
    Text,
    Binary,
    Nullable<SqlUuid>,
    Text,
    Text,
    (Nullable<Text>, Nullable<Text>, Timestamptz),
);

/// Bytes of the bodies of one page, so that a page of large events stays below what a message may hold. The first event
/// of a page is sent whatever its size.
pub(crate) const PAGE_BYTES_MAX: usize = 1024 * 1024;
/// Events committed by another process of the same service are seen after this at the latest.
pub(crate) const POLL_PERIOD: Duration = Duration::from_millis(250);

/// Events after `after`, at most `limit`, of `types` (empty for all): of what this process has just committed if that is
/// next, else from the database.
pub(crate) async fn read(
    store: &Store,
    after: i64,
    types: &[String],
    limit: usize,
) -> Result<ReadEventsResponse> {
    match read_tail(store, after, types, limit) {
        Some(page) => Ok(page),
        None => read_stored(store, after, types, limit).await,
    }
}

fn read_tail(store: &Store, after: i64, types: &[String], limit: usize) -> Option<ReadEventsResponse> {
    let (log, run) = store.tail().after(after)?;
    let looked_at = run.last()?.position;
    let wanted = run.iter().filter(|one| types.is_empty() || types.contains(&one.event.type_name));
    let events = wanted.take(limit).map(|one| told(AppendedEvent::clone(one))).collect();
    let (events, read_position) = cut(events, limit, looked_at);
    let (epoch, trimmed_position) = (log.epoch.to_string(), log.trimmed);
    Some(ReadEventsResponse { events, read_position, epoch, trimmed_position })
}

async fn read_stored(
    store: &Store,
    after: i64,
    types: &[String],
    limit: usize,
) -> Result<ReadEventsResponse> {
    let mut connection = store.connection().await?;
    // Positions become visible in order: whatever is at or below `last` is visible to the second statement.
    let (last, epoch, trimmed): (i64, Uuid, i64) = cached_sql(
        "SELECT coalesce((SELECT max(position) FROM event_log), trimmed), epoch, trimmed FROM event_stream",
    )
    .returns::<(BigInt, SqlUuid, BigInt)>()
    .get_result(&mut *connection)
    .await?;
    let mut response = ReadEventsResponse {
        events: Vec::new(),
        // Below `after` when the log was restored to an earlier moment: whoever reads must not think it is all there is.
        read_position: last,
        epoch: epoch.to_string(),
        trimmed_position: trimmed,
    };
    if last <= after {
        return Ok(response);
    }
    let rows: Vec<Row> = cached_sql(
        "SELECT position, event_id, aggregate_id, version, type, body, shop_id, actor, traceparent,
                causation_id, origin, create_time
         FROM event_log
         WHERE position > $1 AND position <= $2 AND (cardinality($3) = 0 OR type = ANY($3))
         ORDER BY position LIMIT $4",
    )
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(last)
    .bind::<Array<Text>, _>(types.to_vec())
    .bind::<BigInt, _>(limit as i64)
    .returns::<Columns>()
    .load(&mut *connection)
    .await?;
    // Asked again: what was forgotten while the rows were read may be missing among them.
    response.trimmed_position = cached_sql("SELECT trimmed FROM event_stream")
        .returns::<(BigInt,)>()
        .get_result::<(i64,)>(&mut *connection)
        .await?
        .0;
    let events = rows.into_iter().map(|row| told(stored(row))).collect();
    (response.events, response.read_position) = cut(events, limit, last);
    Ok(response)
}

/// What is sent of the events that were found, and up to where that is all there is: `looked_at`, unless there may be more.
fn cut(mut events: Vec<Event>, limit: usize, looked_at: i64) -> (Vec<Event>, i64) {
    let sent = count_within(&events, PAGE_BYTES_MAX);
    if events.len() < limit && sent >= events.len() {
        return (events, looked_at);
    }
    events.truncate(sent);
    let read_position = events.last().map_or(looked_at, |event| event.position);
    (events, read_position)
}

/// How many events from the first on fit into `bytes_max`; at least one.
fn count_within(events: &[Event], bytes_max: usize) -> usize {
    let sizes = events.iter().scan(0, |sum, event| {
        *sum += event.body.len();
        Some(*sum)
    });
    sizes.take_while(|sum| *sum <= bytes_max).count().max(1)
}

fn stored(row: Row) -> AppendedEvent {
    let (position, event_id, aggregate_id, version, type_name, body, shop_id, actor, traceparent, rest) = row;
    let (causation_id, origin, create_time) = rest;
    let event = NewEvent { aggregate_id, version, type_name, body, shop_id, origin };
    AppendedEvent { position, event_id, event, actor, traceparent, causation_id, create_time }
}

fn told(appended: AppendedEvent) -> Event {
    let AppendedEvent { position, event_id, event, actor, traceparent, causation_id, create_time } = appended;
    let NewEvent { aggregate_id, version, type_name, body, shop_id, origin } = event;
    Event {
        position,
        event_id: event_id.to_string(),
        aggregate_id,
        aggregate_version: version,
        r#type: type_name,
        body: body.into(),
        shop_id: shop_id.map(|shop| types::ShopId::from_uuid(shop).to_string()).unwrap_or_default(),
        actor,
        traceparent,
        causation_id: causation_id.unwrap_or_default(),
        origin: origin.unwrap_or_default(),
        create_time: Some(rpc::wire::time(create_time)),
    }
}
