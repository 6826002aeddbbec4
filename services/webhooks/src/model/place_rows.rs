//! How far the events of each stream were queued for each endpoint.

use std::collections::BTreeSet;

use diesel::sql_types::{Array, BigInt, Bool, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use store::{Store, Tx, cached_sql};
use types::WebhookEndpointId;
use uuid::Uuid;

use crate::error::Result;
use crate::model::Audience;
use crate::streams::Place;

/// An endpoint that is told of a stream, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Follower {
    pub(crate) endpoint: WebhookEndpointId,
    pub(crate) version: i64,
    pub(crate) audience: Audience,
    pub(crate) event_types: Vec<String>,
    pub(crate) place: Place,
}

type Row = (Uuid, i64, bool, Vec<Uuid>, Vec<Uuid>, (Vec<String>, String, i64));
type Columns = (SqlUuid, BigInt, Bool, Array<SqlUuid>, Array<SqlUuid>, (Array<Text>, Text, BigInt));

/// The enabled endpoints that are told of `stream`, those that are furthest behind first.
pub(crate) async fn followers(store: &Store, stream: &str) -> Result<Vec<Follower>> {
    let mut connection = store.connection().await?;
    let rows: Vec<Row> = cached_sql(
        "SELECT e.endpoint_id, e.version, e.all_shops, e.shop_ids, e.except_key_ids, e.event_types, p.epoch, p.position
         FROM webhook_places AS p JOIN webhook_endpoints AS e USING (endpoint_id)
         WHERE p.stream = $1 AND e.state = 'enabled' ORDER BY p.position, e.endpoint_id",
    )
    .bind::<Text, _>(stream)
    .returns::<Columns>()
    .load(&mut *connection)
    .await?;
    Ok(rows.into_iter().map(follower).collect())
}

fn follower((id, version, all_shops, shops, keys, rest): Row) -> Follower {
    let (event_types, epoch, position) = rest;
    Follower {
        endpoint: WebhookEndpointId::from_uuid(id),
        version,
        audience: Audience::stored(all_shops, shops, keys),
        event_types,
        place: Place { epoch, position },
    }
}

/// Moves those of `followers` that stand where they were read and were not changed meanwhile; answers which.
pub(crate) async fn advance(
    tx: &mut Tx,
    stream: &str,
    followers: &[Follower],
    next: &Place,
) -> Result<BTreeSet<Uuid>> {
    let Some(first) = followers.first() else { return Ok(BTreeSet::new()) };
    let moved: Vec<(Uuid,)> = cached_sql(
        "UPDATE webhook_places AS p SET epoch = $4, position = $5
         FROM unnest($2, $3) AS f (endpoint_id, version) JOIN webhook_endpoints AS e USING (endpoint_id, version)
         WHERE p.endpoint_id = f.endpoint_id AND p.stream = $1 AND p.position = $6 AND p.epoch = $7
           AND e.state = 'enabled'
         RETURNING p.endpoint_id",
    )
    .bind::<Text, _>(stream)
    .bind::<Array<SqlUuid>, _>(followers.iter().map(|one| one.endpoint.uuid()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(followers.iter().map(|one| one.version).collect::<Vec<_>>())
    .bind::<Text, _>(&next.epoch)
    .bind::<BigInt, _>(next.position)
    .bind::<BigInt, _>(first.place.position)
    .bind::<Text, _>(&first.place.epoch)
    .returns::<(SqlUuid,)>()
    .load(tx.conn())
    .await?;
    Ok(moved.into_iter().map(|(id,)| id).collect())
}

/// The streams of which an endpoint is told.
pub(crate) async fn streams_of(tx: &mut Tx, endpoint: WebhookEndpointId) -> Result<BTreeSet<String>> {
    let rows: Vec<(String,)> = cached_sql("SELECT stream FROM webhook_places WHERE endpoint_id = $1")
        .bind::<SqlUuid, _>(endpoint.uuid())
        .returns::<(Text,)>()
        .load(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|(stream,)| stream).collect())
}

/// Puts an endpoint at these places, wherever it stood.
pub(crate) async fn put(
    tx: &mut Tx,
    endpoint: WebhookEndpointId,
    places: &[(&'static str, Place)],
) -> Result<()> {
    cached_sql(
        "INSERT INTO webhook_places (endpoint_id, stream, epoch, position)
         SELECT $1, p.stream, p.epoch, p.position FROM unnest($2, $3, $4) AS p (stream, epoch, position)
         ON CONFLICT (endpoint_id, stream) DO UPDATE SET epoch = excluded.epoch, position = excluded.position",
    )
    .bind::<SqlUuid, _>(endpoint.uuid())
    .bind::<Array<Text>, _>(places.iter().map(|(stream, _)| *stream).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(places.iter().map(|(_, place)| place.epoch.as_str()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(places.iter().map(|(_, place)| place.position).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes an endpoint out of all streams but these.
pub(crate) async fn keep_only(tx: &mut Tx, endpoint: WebhookEndpointId, streams: &[&str]) -> Result<()> {
    cached_sql("DELETE FROM webhook_places WHERE endpoint_id = $1 AND stream <> ALL($2)")
        .bind::<SqlUuid, _>(endpoint.uuid())
        .bind::<Array<Text>, _>(streams.to_vec())
        .execute(tx.conn())
        .await?;
    Ok(())
}
