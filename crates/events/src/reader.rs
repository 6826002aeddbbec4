//! Reads the producer's log for a subscription, and notices when it is not the log that was read before.

use std::time::Duration;

use proto::events::v1::{ReadEventsRequest, ReadEventsResponse};
use rpc::{Call, Caller, Channel};
use store::Store;

use crate::cursor::Cursor;
use crate::page;
use crate::subscription::Subscription;

/// Events of one page, applied in one transaction.
pub(crate) const PAGE_LENGTH: i32 = 100;

/// Asks the producer.
pub(crate) struct Reader {
    pub(crate) store: Store,
    /// Leads to the producer.
    pub(crate) channel: Channel,
    pub(crate) subscription: Subscription,
}

/// How far a subscription is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// What is stored.
    pub(crate) cursor: Cursor,
    /// Up to here nothing else of its types was found, which is not stored: after a restart it is looked at again.
    pub(crate) looked_at: i64,
    /// The log that was looked at; empty as long as none was.
    pub(crate) epoch: String,
}

impl Place {
    pub(crate) fn at(cursor: Cursor) -> Self {
        let (looked_at, epoch) = (cursor.position, cursor.epoch.clone());
        Self { cursor, looked_at, epoch }
    }

    /// The same after a page that had nothing.
    pub(crate) fn past(self, page: &ReadEventsResponse) -> Self {
        Self { looked_at: page.read_position, epoch: page.epoch.clone(), ..self }
    }
}

impl Reader {
    /// What follows `place`, after waiting for it for `wait` at most.
    pub(crate) async fn read(&self, place: &Place, wait: Duration) -> anyhow::Result<ReadEventsResponse> {
        let call = Call::begin(Caller::service(self.store.service()), wait + Duration::from_secs(5));
        let cursor = &place.cursor;
        let request = ReadEventsRequest {
            after_position: place.looked_at,
            types: self.subscription.types.clone(),
            limit: PAGE_LENGTH,
            wait_ms: wait.as_millis() as i32,
        };
        let page = page::log_client(&self.channel, &call).read_events(request).await?.into_inner();
        let same_log = place.epoch.is_empty() || place.epoch == page.epoch;
        anyhow::ensure!(
            same_log,
            "the log of {} was recreated or restored; reset the cursor",
            self.subscription.producer
        );
        if page.read_position < place.looked_at {
            // Remembered: once the log has grown again, nothing would tell that other events have these positions now.
            cursor.mistrust(&self.store, &self.subscription).await?;
            anyhow::bail!(
                "the log of {} ends at {} and was read up to {} before: it was restored to an earlier moment; reset the cursor",
                self.subscription.producer,
                page.read_position,
                place.looked_at
            );
        }
        let kept = cursor.position >= page.trimmed_position || cursor.epoch.is_empty();
        anyhow::ensure!(
            kept,
            "{} no longer keeps the events after {}",
            self.subscription.producer,
            cursor.position
        );
        Ok(page)
    }
}
