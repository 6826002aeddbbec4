//! What delivery does by the clock.

pub mod apply_webhooks;
pub mod forget_prices;
pub mod forget_proofs;
pub mod forget_webhooks;
pub mod poll_tracking;
pub mod tell_webhooks;
pub mod watch_parcels;
pub mod work_shipments;

use std::time::Duration;

use rpc::{Call, Caller};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How long a job's transaction may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A call of the service on its own initiative.
pub fn call() -> Call {
    Call::begin(Caller::service("delivery"), PATIENCE)
}

/// Runs `job` whenever `wake` says so and at least every `period`, until `stop`; an error is logged and the next run comes all
/// the same.
pub async fn repeat<F, Fut>(
    stop: CancellationToken,
    wake: &Notify,
    period: Duration,
    name: &'static str,
    job: F,
) where
    F: Fn() -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    while !stop.is_cancelled() {
        if let Err(error) = job().await {
            tracing::warn!(error = format!("{error:#}"), job = name, "a job failed; it runs again");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = wake.notified() => {}
            () = tokio::time::sleep(period) => {}
        }
    }
}
