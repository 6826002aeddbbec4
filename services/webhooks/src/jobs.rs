//! What webhooks does by the clock and by the news of the logs.

mod busy;
pub(crate) mod forget_deliveries;
pub(crate) mod queue_events;
pub(crate) mod queue_replays;
pub(crate) mod send_webhooks;

use std::time::Duration;

use ::rpc::{Call, Caller};

/// How long a job's transaction may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A call of the service on its own initiative.
pub(crate) fn call() -> Call {
    Call::begin(Caller::service("webhooks"), PATIENCE)
}
