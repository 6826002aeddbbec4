//! Which process of a service does what only one should do at a time.

use std::time::Duration;

use diesel::sql_types::{Double, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::cached_sql::cached_sql;
use crate::error::Result;
use crate::pool::Store;

impl Store {
    /// Takes the duty for `holder`, or keeps it, for `lease` from now by the database's clock; false while somebody else has it.
    ///
    /// A row and not a lock of the session: it needs no connection of its own, survives one that breaks, works behind a pooler, and
    /// a machine that vanishes loses it in time whatever becomes of its connections.
    pub async fn hold_duty(&self, holder: Uuid, lease: Duration) -> Result<bool> {
        let mut connection = self.connection().await?;
        let held = cached_sql(
            "UPDATE duty SET holder = $1, held_until = clock_timestamp() + make_interval(secs => $2)
             WHERE holder = $1 OR held_until < clock_timestamp()",
        )
        .bind::<SqlUuid, _>(holder)
        .bind::<Double, _>(lease.as_secs_f64())
        .execute(&mut *connection)
        .await?;
        Ok(held == 1)
    }

    /// Gives the duty back, if `holder` has it, so that nobody waits for the lease to end.
    pub async fn release_duty(&self, holder: Uuid) -> Result<()> {
        let mut connection = self.connection().await?;
        cached_sql("UPDATE duty SET held_until = '-infinity' WHERE holder = $1")
            .bind::<SqlUuid, _>(holder)
            .execute(&mut *connection)
            .await?;
        Ok(())
    }
}
