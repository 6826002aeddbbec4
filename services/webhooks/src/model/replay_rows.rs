//! Spans of the past that are queued anew.

use chrono::{DateTime, Utc};
use diesel::OptionalExtension;
use diesel::sql_types::{Array, BigInt, Bool, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use store::{Store, Tx, cached_sql};
use types::{WebhookEndpointId, WebhookReplayId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::Audience;
use crate::streams::Place;

/// What is left of a replay in one stream.
#[derive(Debug, Clone)]
pub(crate) struct Replay {
    pub(crate) id: WebhookReplayId,
    pub(crate) endpoint: WebhookEndpointId,
    pub(crate) audience: Audience,
    pub(crate) event_types: Vec<String>,
    pub(crate) place: Place,
    pub(crate) end_position: i64,
    pub(crate) start_time: DateTime<Utc>,
    pub(crate) end_time: DateTime<Utc>,
}

/// Notes a replay: from these places to these positions.
pub(crate) async fn insert(
    tx: &mut Tx,
    id: WebhookReplayId,
    endpoint: WebhookEndpointId,
    spans: &[(&'static str, Place, i64)],
    (start_time, end_time): (DateTime<Utc>, DateTime<Utc>),
) -> Result<()> {
    cached_sql(
        "INSERT INTO webhook_replays (replay_id, endpoint_id, stream, epoch, position, end_position, start_time, end_time)
         SELECT $1, $2, s.stream, s.epoch, s.position, s.end_position, $7, $8
         FROM unnest($3, $4, $5, $6) AS s (stream, epoch, position, end_position)",
    )
    .bind::<SqlUuid, _>(id.uuid())
    .bind::<SqlUuid, _>(endpoint.uuid())
    .bind::<Array<Text>, _>(spans.iter().map(|(stream, ..)| *stream).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(spans.iter().map(|(_, place, _)| place.epoch.as_str()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(spans.iter().map(|(_, place, _)| place.position).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(spans.iter().map(|(.., end)| *end).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(start_time)
    .bind::<Timestamptz, _>(end_time)
    .execute(tx.conn())
    .await?;
    Ok(())
}

type Row =
    (Uuid, Uuid, bool, Vec<Uuid>, Vec<Uuid>, (Vec<String>, String, i64, i64, DateTime<Utc>, DateTime<Utc>));
type Columns = (
    SqlUuid,
    SqlUuid,
    Bool,
    Array<SqlUuid>,
    Array<SqlUuid>,
    (Array<Text>, Text, BigInt, BigInt, Timestamptz, Timestamptz),
);

/// The first replay in `stream` of an endpoint that is enabled.
pub(crate) async fn first(store: &Store, stream: &str) -> Result<Option<Replay>> {
    let mut connection = store.connection().await?;
    let row: Option<Row> = cached_sql(
        "SELECT r.replay_id, r.endpoint_id, e.all_shops, e.shop_ids, e.except_key_ids, e.event_types, r.epoch, r.position,
                r.end_position, r.start_time, r.end_time
         FROM webhook_replays AS r JOIN webhook_endpoints AS e USING (endpoint_id)
         WHERE r.stream = $1 AND e.state = 'enabled' ORDER BY r.replay_id LIMIT 1",
    )
    .bind::<Text, _>(stream)
    .returns::<Columns>()
    .get_result(&mut *connection)
    .await
    .optional()?;
    Ok(row.map(replay))
}

fn replay((id, endpoint, all_shops, shops, keys, rest): Row) -> Replay {
    let (event_types, epoch, position, end_position, start_time, end_time) = rest;
    Replay {
        id: WebhookReplayId::from_uuid(id),
        endpoint: WebhookEndpointId::from_uuid(endpoint),
        audience: Audience::stored(all_shops, shops, keys),
        event_types,
        place: Place { epoch, position },
        end_position,
        start_time,
        end_time,
    }
}

/// Moves a replay on from where it was read; false when another process has.
pub(crate) async fn advance(tx: &mut Tx, stream: &str, replay: &Replay, position: i64) -> Result<bool> {
    let moved = cached_sql(
        "UPDATE webhook_replays SET position = $4 WHERE replay_id = $1 AND stream = $2 AND position = $3",
    )
    .bind::<SqlUuid, _>(replay.id.uuid())
    .bind::<Text, _>(stream)
    .bind::<BigInt, _>(replay.place.position)
    .bind::<BigInt, _>(position)
    .execute(tx.conn())
    .await?;
    Ok(moved == 1)
}

/// Ends a replay in one stream.
pub(crate) async fn end(tx: &mut Tx, stream: &str, id: WebhookReplayId) -> Result<()> {
    cached_sql("DELETE FROM webhook_replays WHERE replay_id = $1 AND stream = $2")
        .bind::<SqlUuid, _>(id.uuid())
        .bind::<Text, _>(stream)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Ends all of an endpoint.
pub(crate) async fn end_all(tx: &mut Tx, endpoint: WebhookEndpointId) -> Result<()> {
    cached_sql("DELETE FROM webhook_replays WHERE endpoint_id = $1")
        .bind::<SqlUuid, _>(endpoint.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}
