//! Forgets what providers told long ago: bodies hold personal data and are of no use once they were applied.

use chrono::TimeDelta;
use diesel::sql_types::Timestamptz;
use diesel_async::RunQueryDsl;
use store::{Tx, cached_sql};

use super::due;
use crate::Payments;

/// For how long notifications are kept.
const KEPT_DAYS: i64 = 90;

pub async fn run(payments: Payments) -> anyhow::Result<()> {
    let call = due::call();
    let forgotten = payments.store.transaction(&call, async |tx: &mut Tx| {
        let until = tx.now() - TimeDelta::days(KEPT_DAYS);
        let deleted = cached_sql(
            "DELETE FROM provider_notifications WHERE notification_id IN (
                SELECT notification_id FROM provider_notifications WHERE receive_time < $1
                ORDER BY receive_time DESC, notification_id DESC LIMIT 10000)",
        );
        let deleted = deleted.bind::<Timestamptz, _>(until).execute(tx.conn()).await?;
        Ok::<_, crate::Error>(deleted)
    });
    let forgotten = forgotten.await?;
    tracing::debug!(forgotten, "old notifications");
    Ok(())
}
