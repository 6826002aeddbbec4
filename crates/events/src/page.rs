//! What every reader of a log needs: a client that takes the largest page, and the age of an event.

use std::time::Duration;

use proto::events::v1::Event;
use proto::events::v1::event_log_service_client::EventLogServiceClient;
use rpc::{BoundChannel, Call, Channel};
use store::Store;

/// More than the producer sends: one large event must not stop the subscription.
const PAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A client of the log behind `channel`, for one `call`.
pub fn log_client(channel: &Channel, call: &Call) -> EventLogServiceClient<BoundChannel> {
    EventLogServiceClient::new(channel.bind(call)).max_decoding_message_size(PAGE_BYTES_MAX)
}

/// How long ago an event was told; zero if it says nothing, or a moment that is yet to come.
pub(crate) fn age(store: &Store, event: &Event) -> Duration {
    let Some(told) = event.create_time else { return Duration::ZERO };
    let now = rpc::wire::time(store.clock().now());
    let seconds = (now.seconds - told.seconds) as f64 + f64::from(now.nanos - told.nanos) / 1e9;
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
