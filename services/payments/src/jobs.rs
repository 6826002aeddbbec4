//! Work by the clock: each takes what is due, lets others take the rest, and comes again sooner when it is nudged.

mod apply_notifications;
mod due;
mod forget_notifications;
mod send_receipts;
mod settle_attempts;
mod settle_refunds;

use std::time::Duration;

use service::{Parts, Platform};
use tokio_util::sync::CancellationToken;

use crate::Payments;

/// How long a job rests when nothing was due.
const REST: Duration = Duration::from_secs(1);
/// How often old notifications are looked for.
const FORGET_PERIOD: Duration = Duration::from_secs(3600);

/// Adds the jobs of payments.
pub fn add(parts: Parts, payments: &Payments, platform: &Platform) -> Parts {
    let forgetful = payments.clone();
    parts
        .always("settle_attempts", keep_going(payments.clone(), platform.stop.clone(), settle_attempts::run))
        .always("settle_refunds", keep_going(payments.clone(), platform.stop.clone(), settle_refunds::run))
        .always(
            "apply_notifications",
            keep_going(payments.clone(), platform.stop.clone(), apply_notifications::run),
        )
        .always("send_receipts", keep_going(payments.clone(), platform.stop.clone(), send_receipts::run))
        .every(FORGET_PERIOD, "forget_notifications", move || forget_notifications::run(forgetful.clone()))
}

/// Runs `job` until the service drains; it answers how much it took.
async fn keep_going<F, Fut>(payments: Payments, stop: CancellationToken, job: F)
where
    F: Fn(Payments) -> Fut,
    Fut: Future<Output = anyhow::Result<usize>>,
{
    while !stop.is_cancelled() {
        let nudged = payments.nudge.notified();
        match job(payments.clone()).await {
            Ok(taken) if taken > 0 => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(error = format!("{error:#}"), "a job failed and will run again"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = nudged => {}
            () = tokio::time::sleep(REST) => {}
        }
    }
}
