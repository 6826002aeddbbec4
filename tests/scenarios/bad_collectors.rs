//! Whatever becomes of the spans, orders are placed.

use testing::{Line, Proxy};

use crate::collector::{Collector, Mood};
use crate::suite::{Mode, Suite};

/// Buyers at once, so that every part of the suite tells of itself. Their spans are more than an exporter keeps.
const BUYERS: u64 = 40;

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_refuses_stalls_or_is_gone_costs_no_order() {
    let (collector, address) = Collector::start().await;
    let line = Proxy::to(address).await;
    let telemetry = format!("[telemetry]\notlp_endpoint = \"http://{}\"", line.address());
    let suite = Suite::start_with(Mode::OneProcess, &telemetry).await;
    suite.stock("MUG", 1_000).await;

    place(&suite, "well").await;
    testing::eventually("spans arrive", async || has_placements(&collector)).await;

    collector.set(Mood::Refuses);
    place(&suite, "refused").await;
    testing::eventually("it has refused", async || collector.has_met(Mood::Refuses).then_some(())).await;
    place(&suite, "refused-again").await;

    collector.set(Mood::Stalls);
    place(&suite, "stalled").await;
    testing::eventually("it has stalled", async || collector.has_met(Mood::Stalls).then_some(())).await;
    place(&suite, "stalled-again").await;

    line.set(Line::Blackhole);
    place(&suite, "deaf").await;
    line.set(Line::Reset);
    place(&suite, "reset").await;

    collector.set(Mood::Takes);
    collector.forget();
    line.set(Line::Good);
    testing::eventually("spans arrive again", async || {
        place(&suite, &uuid::Uuid::new_v4().to_string()).await;
        has_placements(&collector)
    })
    .await;

    // Nor does it hold up the end.
    collector.set(Mood::Stalls);
    place(&suite, "last").await;
    suite.stop().await;
}

/// All at once; each is placed by the first request that asks for it.
async fn place(suite: &Suite, round: &str) {
    let placed = (0..BUYERS).map(|buyer| {
        let order = suite.order("MUG", buyer);
        async move { suite.rest.post("/v1/orders", &format!("{round}-{buyer}"), &order).await }
    });
    for answer in futures_util::future::join_all(placed).await {
        let answer = answer.unwrap();
        assert_eq!(answer.status, 201, "{round}: {}", answer.body);
    }
}

fn has_placements(collector: &Collector) -> Option<()> {
    let traces = collector.traces();
    let mut spans = traces.values().flat_map(|spans| spans.values());
    spans.any(|span| span.name == "orders.place_order").then_some(())
}
