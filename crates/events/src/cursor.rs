//! How far a consumer has applied a producer's log.

use std::collections::HashSet;

use diesel::OptionalExtension;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use proto::events::v1::Event;
use store::{Result, Store, Tx, cached_sql};

use crate::subscription::Subscription;

/// A place in a producer's log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cursor {
    /// Empty until the first event.
    pub(crate) epoch: String,
    pub(crate) position: i64,
}

impl Cursor {
    pub(crate) async fn load(store: &Store, subscription: &Subscription) -> Result<Self> {
        let mut connection = store.connection().await?;
        let found: Option<(String, i64)> =
            cached_sql("SELECT epoch, position FROM event_cursors WHERE consumer = $1")
                .bind::<Text, _>(subscription.consumer)
                .returns::<(Text, BigInt)>()
                .get_result(&mut *connection)
                .await
                .optional()?;
        Ok(found.map(|(epoch, position)| Self { epoch, position }).unwrap_or_default())
    }

    /// Makes the cursor one of no log, so that nothing is read from here until an operator has reset it.
    pub(crate) async fn mistrust(&self, store: &Store, subscription: &Subscription) -> Result<()> {
        let mut connection = store.connection().await?;
        cached_sql("UPDATE event_cursors SET epoch = 'restored' WHERE consumer = $1 AND position = $2")
            .bind::<Text, _>(subscription.consumer)
            .bind::<BigInt, _>(self.position)
            .execute(&mut *connection)
            .await?;
        Ok(())
    }

    /// Moves the stored cursor from here to `next`; `None` when another process has moved it meanwhile. Answers which of
    /// the aggregates of `events` have parked events, so that later ones must wait behind them: they were parked by whoever
    /// had moved the cursor before, so that one look at both is enough.
    pub(crate) async fn advance(
        &self,
        tx: &mut Tx,
        subscription: &Subscription,
        next: &Self,
        events: &[Event],
    ) -> Result<Option<HashSet<String>>> {
        let now = tx.now();
        let moved: Option<(Vec<String>,)> = cached_sql(
            "INSERT INTO event_cursors AS c (consumer, producer, epoch, position, update_time) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (consumer) DO UPDATE SET epoch = $3, position = $4, update_time = $5
             WHERE c.position = $6 AND c.epoch = $7
             RETURNING ARRAY(SELECT aggregate_id FROM parked_events WHERE consumer = $1 AND aggregate_id = ANY($8))",
        )
        .bind::<Text, _>(subscription.consumer)
        .bind::<Text, _>(subscription.producer)
        .bind::<Text, _>(&next.epoch)
        .bind::<BigInt, _>(next.position)
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(self.position)
        .bind::<Text, _>(&self.epoch)
        .bind::<Array<Text>, _>(events.iter().map(|event| event.aggregate_id.as_str()).collect::<Vec<_>>())
        .returns::<(Array<Text>,)>()
        .get_result(tx.conn())
        .await
        .optional()?;
        Ok(moved.map(|(blocked,)| blocked.into_iter().collect()))
    }
}
