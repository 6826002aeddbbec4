//! How far a log was published: a row in the log's own database.

use std::time::Duration;

use diesel::OptionalExtension;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use store::{Result, Store, cached_sql};

/// Up to where the log was published to `stream`; 0 when it never was.
pub(crate) async fn remembered(store: &Store, stream: &str) -> Result<i64> {
    let mut connection = store.connection().await?;
    let found: Option<(i64,)> = cached_sql("SELECT position FROM event_publications WHERE stream = $1")
        .bind::<Text, _>(stream)
        .returns::<(BigInt,)>()
        .get_result(&mut *connection)
        .await
        .optional()?;
    Ok(found.map(|(position,)| position).unwrap_or_default())
}

/// Remembers it.
pub(crate) async fn remember(store: &Store, stream: &str, position: i64) -> Result<()> {
    let now = store.clock().now();
    let mut connection = store.connection().await?;
    cached_sql(
        "INSERT INTO event_publications (stream, position, update_time) VALUES ($1, $2, $3)
         ON CONFLICT (stream) DO UPDATE SET position = $2, update_time = $3",
    )
    .bind::<Text, _>(stream)
    .bind::<BigInt, _>(position)
    .bind::<Timestamptz, _>(now)
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// The last event that is older than `age`, or whatever is no longer kept: what comes after it is younger.
pub(crate) async fn last_older_than(store: &Store, age: Duration) -> Result<i64> {
    let oldest = store.clock().now() - age;
    let mut connection = store.connection().await?;
    // Backwards over what is to be published anyway.
    let (older, trimmed): (Option<i64>, i64) = cached_sql(
        "SELECT (SELECT position FROM event_log WHERE create_time < $1 ORDER BY position DESC LIMIT 1), trimmed
         FROM event_stream",
    )
    .bind::<Timestamptz, _>(oldest)
    .returns::<(Nullable<BigInt>, BigInt)>()
    .get_result(&mut *connection)
    .await?;
    Ok(older.unwrap_or_default().max(trimmed))
}
