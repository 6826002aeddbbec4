//! How many events a service has told, by type: read from its log, so that telling one costs nothing more.

use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use store::{Result, Store, cached_sql};

/// Positions of one look; what is more is looked at next time.
const LOOK_LENGTH: i64 = 50_000;

/// What a service has told since it was looked last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// How far was looked.
    pub position: i64,
    /// Events by their full type.
    pub types: Vec<(String, u64)>,
}

/// The position of the newest event.
pub async fn last_position(store: &Store) -> Result<i64> {
    let mut connection = store.connection().await?;
    let (last,): (i64,) = cached_sql("SELECT coalesce(max(position), 0) FROM event_log")
        .returns::<(BigInt,)>()
        .get_result(&mut *connection)
        .await?;
    Ok(last)
}

/// What was told after `position`.
pub async fn told_since(store: &Store, position: i64) -> Result<Told> {
    let last = last_position(store).await?.min(position + LOOK_LENGTH);
    if last <= position {
        // A log that was restored is counted from its end.
        return Ok(Told { position: last, types: Vec::new() });
    }
    let mut connection = store.connection().await?;
    let rows: Vec<(String, i64)> = cached_sql(
        "SELECT type, count(*) FROM event_log WHERE position > $1 AND position <= $2 GROUP BY type",
    )
    .bind::<BigInt, _>(position)
    .bind::<BigInt, _>(last)
    .returns::<(Text, BigInt)>()
    .load(&mut *connection)
    .await?;
    let types = rows.into_iter().map(|(name, count)| (name, count.unsigned_abs())).collect();
    Ok(Told { position: last, types })
}
