//! An open loop: requests are sent when they are due, not when there is time for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;

use super::{Client, Request, Schedule, Tally, Target, Window, total};

/// Sends `request(n)` when it is due, from `clients` clients at most; what was due within the window counts, from the
/// moment it was due. Every free client waits for one arrival of its own, so nobody hands requests around. What found no
/// free client is still sent for `late` after the end.
pub async fn open<F>(
    target: &Arc<Target>,
    clients: usize,
    kinds: usize,
    per_second: f64,
    window: Window,
    late: Duration,
    request: F,
) -> anyhow::Result<Vec<Tally>>
where
    F: Fn(u64) -> Request + Send + Sync + 'static,
{
    let schedule = Schedule::new(window.start, per_second);
    let count = schedule.count(window.discard + window.measure);
    let (request, next) = (Arc::new(request), Arc::new(AtomicU64::new(0)));
    let tasks: Vec<_> = (0..clients)
        .map(|number| {
            let (request, next, mut client) = (request.clone(), next.clone(), Client::new(target, number));
            tokio::spawn(async move {
                let mut tallies = Tally::of_kinds(kinds)?;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return anyhow::Ok(tallies);
                    }
                    let (request, due) = (request(number), schedule.due(number));
                    tokio::time::sleep_until(due).await;
                    let sent = Instant::now();
                    if sent > window.end() + late {
                        tallies[request.kind].unsent += u64::from(window.holds(due));
                        continue;
                    }
                    let reply = client.send(&request).await;
                    if window.holds(due) {
                        let (tally, answered) = (&mut tallies[request.kind], Instant::now());
                        let before = tally.answered();
                        tally.record(&request, &reply, answered - due, answered - sent);
                        if answered >= window.end() {
                            tally.late += tally.answered() - before;
                        }
                    }
                }
            })
        })
        .collect();
    let mut all = Tally::of_kinds(kinds)?;
    for task in tasks {
        all = total(all, task.await.context("a client panicked")??);
    }
    Ok(all)
}
