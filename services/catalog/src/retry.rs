//! Tries a transaction again when another one was faster.

use std::time::Duration;

use crate::error::Result;

/// How often a transaction is tried.
const TRIES_MAX: usize = 3;

/// Runs `attempt`; when it lost a race for a SKU, a barcode or an id, runs it again: then it sees who has it.
pub(crate) async fn after_lost_race<T, F, Fut>(mut attempt: F) -> Result<T>
where
    F: FnMut() -> Fut + Send,
    Fut: Future<Output = Result<T>> + Send,
{
    for _ in 1..TRIES_MAX {
        match attempt().await {
            Err(error) if error.is_lost_race() => tracing::debug!(%error, "lost a race, trying again"),
            settled => return settled,
        }
    }
    attempt().await
}

/// How often a part of an import is tried.
const PATIENT_TRIES_MAX: u32 = 6;
/// The pause after the first try; it doubles.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs `attempt` as [`after_lost_race`] does, and waits while others hold the same rows: an hour's import does not end
/// because somebody else was busy for a moment.
pub(crate) async fn patiently<T, F, Fut>(mut attempt: F) -> Result<T>
where
    F: FnMut() -> Fut + Send,
    Fut: Future<Output = Result<T>> + Send,
{
    for tried in 0..PATIENT_TRIES_MAX {
        match attempt().await {
            Err(error) if error.is_lost_race() || error.is_contention() => {
                tracing::debug!(%error, tried, "trying again");
                tokio::time::sleep(PAUSE * 2_u32.pow(tried)).await;
            }
            settled => return settled,
        }
    }
    attempt().await
}
