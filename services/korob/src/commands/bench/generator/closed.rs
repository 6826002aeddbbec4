//! A closed loop: each client sends its next request when the previous one is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;

use super::{Client, Request, Tally, Target, Window, total};

/// Whoever is turned away without an answer does not come back at once, or a broken server would be all there is to see.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(20);

/// Sends `request(n)` for n = 0, 1, 2 … from `clients` clients; what is answered within the window counts.
pub async fn closed<F>(
    target: &Arc<Target>,
    clients: usize,
    kinds: usize,
    window: Window,
    request: F,
) -> anyhow::Result<Vec<Tally>>
where
    F: Fn(u64) -> Request + Send + Sync + 'static,
{
    let (request, next) = (Arc::new(request), Arc::new(AtomicU64::new(0)));
    let tasks: Vec<_> = (0..clients)
        .map(|number| {
            let (request, next, mut client) = (request.clone(), next.clone(), Client::new(target, number));
            tokio::spawn(async move {
                let mut tallies = Tally::of_kinds(kinds)?;
                while Instant::now() < window.end() {
                    let request = request(next.fetch_add(1, Ordering::Relaxed));
                    let sent = Instant::now();
                    let reply = client.send(&request).await;
                    let answered = Instant::now();
                    if window.holds(answered) {
                        tallies[request.kind].record(&request, &reply, answered - sent, answered - sent);
                    }
                    if reply.is_err() {
                        tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                    }
                }
                anyhow::Ok(tallies)
            })
        })
        .collect();
    let mut all = Tally::of_kinds(kinds)?;
    for task in tasks {
        all = total(all, task.await.context("a client panicked")??);
    }
    Ok(all)
}
