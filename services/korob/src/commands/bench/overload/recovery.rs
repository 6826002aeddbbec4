//! A visitor who comes when the crowd has gone: from when on is everything as it was before?

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::read;
use crate::commands::bench::bed::Bed;
use crate::commands::bench::generator::{Client, Request};
use crate::commands::bench::order_writer::OrderWriter;

/// Visits in a row that must be as they were.
const VISITS: u64 = 10;
const PAUSE: Duration = Duration::from_millis(25);
/// How much slower than the slowest before still is as it was, and what always is.
const SLOWER: u32 = 3;
const FAST: Duration = Duration::from_millis(50);
/// Who has waited so long gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// The visitor.
pub struct Probe {
    client: Client,
    writer: Arc<OrderWriter>,
    pages: Arc<Vec<String>>,
    normal: Duration,
}

impl Probe {
    /// Learns what is normal; nothing else happens meanwhile.
    pub async fn calm(
        bed: &Bed,
        writer: &Arc<OrderWriter>,
        pages: &Arc<Vec<String>>,
    ) -> anyhow::Result<Self> {
        let client = Client::new(&bed.suite.target, 0);
        let mut probe = Self { client, writer: writer.clone(), pages: pages.clone(), normal: Duration::MAX };
        let mut slowest = FAST / SLOWER;
        for visit in 0..VISITS {
            let took = probe.visit(visit).await;
            let took = took.ok_or_else(|| anyhow::anyhow!("a visitor of an idle suite was turned away"))?;
            slowest = slowest.max(took);
            tokio::time::sleep(PAUSE).await;
        }
        probe.normal = slowest * SLOWER;
        Ok(probe)
    }

    /// How long after now everything is normal again; none when that takes too long.
    pub async fn recovered(&mut self) -> anyhow::Result<Option<Duration>> {
        let (start, mut normal_since, mut visits) = (Instant::now(), None, 0);
        while start.elapsed() < PATIENCE {
            let begun = Instant::now();
            let normal = self.visit(visits).await.is_some_and(|took| took <= self.normal);
            if !normal {
                (normal_since, visits) = (None, 0);
            } else {
                let since = *normal_since.get_or_insert(begun);
                visits += 1;
                if visits == VISITS {
                    return Ok(Some(since - start));
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(None)
    }

    /// Orders and looks around in turn; none when it was not answered as it should have been.
    async fn visit(&mut self, visit: u64) -> Option<Duration> {
        let request: Request =
            if visit.is_multiple_of(2) { self.writer.order() } else { read(&self.pages, visit) };
        let sent = Instant::now();
        let reply = self.client.send(&request).await.ok()?;
        (reply.status == request.expected).then(|| sent.elapsed())
    }
}
