//! How far a subscription is behind its producer's log.

use std::time::Duration;

use proto::events::v1::ReadEventsRequest;
use rpc::{Call, Caller, Channel};
use store::Store;

use crate::cursor::Cursor;
use crate::page;
use crate::parked::{self, ParkedCount};
use crate::subscription::Subscription;

/// So many waiting events are counted; as many stand for that or more.
pub const BACKLOG_MAX: i32 = 500;
const PATIENCE: Duration = Duration::from_secs(5);

/// What waits for a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Events of its types that it has not seen, up to [`BACKLOG_MAX`].
    pub waiting: usize,
    /// How long ago the first of them was told; zero when there is none.
    pub oldest_age: Duration,
    /// Events that could not be applied, and those that wait behind them.
    pub parked: u64,
    /// Of those, how many wait for an operator.
    pub given_up: u64,
}

/// Looks at the stored cursor, at the producer's log by way of `channel`, and at what is parked. Nothing is applied: a
/// subscription whose loop hangs is seen as well.
pub async fn backlog(
    store: &Store,
    channel: &Channel,
    subscription: &Subscription,
) -> anyhow::Result<Backlog> {
    let cursor = Cursor::load(store, subscription).await?;
    let ParkedCount { parked, given_up } = parked::count(store, subscription).await?;
    let call = Call::begin(Caller::service(store.service()), PATIENCE);
    let request = ReadEventsRequest {
        after_position: cursor.position,
        types: subscription.types.clone(),
        limit: BACKLOG_MAX,
        wait_ms: 0,
    };
    let page = page::log_client(channel, &call).read_events(request).await?.into_inner();
    let oldest_age = page.events.first().map_or(Duration::ZERO, |event| page::age(store, event));
    Ok(Backlog { waiting: page.events.len(), oldest_age, parked, given_up })
}
