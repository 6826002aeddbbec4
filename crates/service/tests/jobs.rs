//! A job that fails, however badly, runs again.

use std::sync::atomic::Ordering;

use crate::bench::{RUNS, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_panics_runs_again() {
    let started = start().await;
    testing::eventually("the job ran many times", async || {
        RUNS.get().filter(|runs| runs.load(Ordering::SeqCst) > 5).map(drop)
    })
    .await;
    started.running.drain().await;
}
