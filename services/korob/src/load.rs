//! Clients in a closed loop: each sends its next request when the previous one is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use hdrhistogram::Histogram;

/// Latencies up to a minute, to three digits.
const LATENCY_US_MAX: u64 = 60_000_000;

/// What the clients saw.
pub struct Figures {
    /// Microseconds from request to answer.
    pub latency_us: Histogram<u64>,
    /// From the first request to the last answer.
    pub elapsed: Duration,
}

impl Figures {
    /// Answers per second.
    pub fn per_second(&self) -> f64 {
        self.latency_us.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// Milliseconds that `percent` of the answers took at most.
    pub fn percentile_ms(&self, percent: f64) -> f64 {
        self.latency_us.value_at_percentile(percent) as f64 / 1000.0
    }
}

/// When the clients stop.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// After this many requests in all.
    Count(u64),
}

/// Runs `request(n)` for n = 0, 1, 2 … from `clients` clients.
pub async fn run<F, Fut>(clients: usize, until: Until, request: F) -> anyhow::Result<Figures>
where
    F: Fn(u64) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send,
{
    let (request, next, started) = (Arc::new(request), Arc::new(AtomicU64::new(0)), Instant::now());
    let tasks: Vec<_> = (0..clients)
        .map(|_| {
            let (request, next) = (request.clone(), next.clone());
            tokio::spawn(async move {
                let mut latency_us = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)?;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Until::Count(count) = until;
                    if number >= count {
                        return anyhow::Ok(latency_us);
                    }
                    let sent = Instant::now();
                    request(number).await?;
                    latency_us.saturating_record(sent.elapsed().as_micros() as u64);
                }
            })
        })
        .collect();
    let mut all = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)?;
    for task in tasks {
        all.add(task.await.context("a client panicked")??)?;
    }
    Ok(Figures { latency_us: all, elapsed: started.elapsed() })
}
