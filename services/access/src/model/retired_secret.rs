//! A secret that was replaced and works for a while longer.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use types::KeyId;
use uuid::Uuid;

use crate::schema::{api_keys, retired_secrets};

/// Secrets of one key that may work beside its own at the same time.
pub(crate) const RETIRED_SECRETS_MAX: i64 = 5;

/// Lets the present secret of a key work until `expire_time`.
pub(crate) async fn retire(
    connection: &mut AsyncPgConnection,
    key: KeyId,
    expire_time: DateTime<Utc>,
) -> QueryResult<()> {
    let present: Vec<u8> =
        api_keys::table.find(key.uuid()).select(api_keys::secret_sha256).first(connection).await?;
    let row = (
        retired_secrets::secret_sha256.eq(present),
        retired_secrets::key_id.eq(key.uuid()),
        retired_secrets::expire_time.eq(expire_time),
    );
    diesel::insert_into(retired_secrets::table).values(row).execute(connection).await?;
    Ok(())
}

/// Forgets those of a key that do not work any more, and counts the others.
pub(crate) async fn count_working(
    connection: &mut AsyncPgConnection,
    key: KeyId,
    now: DateTime<Utc>,
) -> QueryResult<i64> {
    let of_key = retired_secrets::table.filter(retired_secrets::key_id.eq(key.uuid()));
    diesel::delete(of_key.filter(retired_secrets::expire_time.le(now))).execute(connection).await?;
    of_key.count().get_result(connection).await
}

/// Ends all of a key.
pub(crate) async fn end_all(connection: &mut AsyncPgConnection, key: KeyId) -> QueryResult<()> {
    let of_key = retired_secrets::table.filter(retired_secrets::key_id.eq(key.uuid()));
    diesel::delete(of_key).execute(connection).await?;
    Ok(())
}

/// The key that a retired secret still opens.
pub(crate) async fn key_of(
    connection: &mut AsyncPgConnection,
    digest: &[u8],
    now: DateTime<Utc>,
) -> QueryResult<Option<Uuid>> {
    let working = retired_secrets::table
        .filter(retired_secrets::secret_sha256.eq(digest))
        .filter(retired_secrets::expire_time.gt(now));
    working.select(retired_secrets::key_id).first(connection).await.optional()
}
