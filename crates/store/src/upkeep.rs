//! Forgets what has been kept long enough: answers of keyed calls and old events.

use chrono::TimeDelta;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::cached_sql::cached_sql;
use crate::error::Result;
use crate::pool::Store;

/// How long the answer of a keyed call is replayed.
pub const KEY_LIFE: TimeDelta = TimeDelta::hours(48);
/// How long a consumer may be away without missing an event.
pub const EVENT_LIFE: TimeDelta = TimeDelta::days(90);
/// Rows of one statement, so that none holds its locks for long.
const ROWS_MAX: i64 = 5_000;

impl Store {
    /// Deletes what is past its life, a few rows at a time. Answers how many rows that were.
    pub async fn forget_old(&self) -> Result<u64> {
        Ok(self.forget_keys().await? + self.forget_events().await?)
    }

    async fn forget_keys(&self) -> Result<u64> {
        let before = self.clock().now() - KEY_LIFE;
        let mut connection = self.connection().await?;
        let mut forgotten = 0;
        loop {
            let keys = cached_sql(
                "DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY(
                     SELECT ctid FROM idempotency_keys WHERE create_time < $1 LIMIT $2))",
            )
            .bind::<Timestamptz, _>(before)
            .bind::<BigInt, _>(ROWS_MAX)
            .execute(&mut *connection)
            .await?;
            forgotten += keys as u64;
            if (keys as i64) < ROWS_MAX {
                return Ok(forgotten);
            }
        }
    }

    async fn forget_events(&self) -> Result<u64> {
        let before = self.clock().now() - EVENT_LIFE;
        let mut connection = self.connection().await?;
        let mut forgotten = 0;
        loop {
            // The oldest stretch; the newest event stays, so that the log never starts again from 1.
            let (count,): (i64,) = cached_sql(
                "WITH oldest AS (
                     SELECT position, create_time FROM event_log
                     WHERE position < (SELECT max(position) FROM event_log) ORDER BY position LIMIT $2
                 ), old AS (
                     SELECT max(position) AS position FROM oldest WHERE create_time < $1
                 ), noted AS (
                     UPDATE event_stream SET trimmed = old.position FROM old WHERE old.position > trimmed
                 ), trimmed AS (
                     DELETE FROM event_log USING old WHERE event_log.position <= old.position RETURNING 1
                 )
                 SELECT count(*) FROM trimmed",
            )
            .bind::<Timestamptz, _>(before)
            .bind::<BigInt, _>(ROWS_MAX)
            .returns::<(BigInt,)>()
            .get_result(&mut *connection)
            .await?;
            forgotten += count.unsigned_abs();
            if count < ROWS_MAX {
                return Ok(forgotten);
            }
        }
    }
}
