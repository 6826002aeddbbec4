//! Lines between processes, and to their databases, that go deaf, break or crawl: no caller waits longer than its deadline,
//! nothing is lost or done twice, and all goes on as soon as the line is good again.

use std::time::{Duration, Instant};

use http::StatusCode;
use testing::Line;

use crate::buyers::Buyers;
use crate::market::Market;
use crate::suite::{Mode, SERVICES};
use crate::{figure, verdict};

/// From whom to whom.
type Edge = (&'static str, &'static str);

const CLIENTS: usize = 6;
const BAD_FOR: Duration = Duration::from_secs(3);
const HEALTHY_MAX: Duration = Duration::from_secs(10);
/// The policies of placing an order and of what else the buyers do.
const DEADLINES: [(&str, Duration); 4] = [
    ("place", Duration::from_secs(10)),
    ("move", Duration::from_secs(10)),
    ("refund", Duration::from_secs(5)),
    ("pay", Duration::from_secs(20)),
];
const LINES: [Line; 7] = [
    Line::Blackhole,
    Line::DeafTowardsServer,
    Line::DeafTowardsClient,
    Line::Reset,
    Line::HalfOpen,
    Line::Slow { bytes_per_second: 1 },
    Line::Delay(Duration::from_millis(500)),
];
/// The edges that an order travels.
const EDGES: [Edge; 7] = [
    ("orders", "inventory"),
    ("gateway", "orders"),
    ("orders", "postgres"),
    ("inventory", "postgres"),
    ("orders", "payments"),
    ("customers", "orders"),
    ("orders", "delivery"),
];

#[tokio::test(flavor = "multi_thread")]
async fn however_a_line_goes_bad_callers_are_told_in_time_and_nothing_is_lost() {
    let market = Market::open(Mode::Apart).await;
    let buyers = market.buyers(CLIENTS);
    buyers.more(4).await;
    // Every kind of line on every edge in the long run, each once in the short one.
    let of_every_change: Vec<_> = EDGES.into_iter().zip(LINES).collect();
    let full = || all_edges().into_iter().flat_map(|edge| LINES.map(|line| (edge, line)));
    let bad = if figure(false, true) { full().collect() } else { of_every_change };
    withstand(market, buyers, bad).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_vanishes_without_a_word_is_missed() {
    let market = Market::open(Mode::Apart).await;
    let buyers = market.buyers(CLIENTS);
    buyers.more(4).await;
    withstand(
        market,
        buyers,
        vec![
            (("inventory", "postgres"), Line::HalfOpen),
            (("orders", "postgres"), Line::HalfOpen),
            (("orders", "postgres"), Line::Forgotten),
        ],
    )
    .await;
}

/// One bad line after the other, while the buyers go on.
async fn withstand(market: Market, buyers: Buyers, bad: Vec<(Edge, Line)>) {
    let mut healthy = Vec::new();
    for ((from, to), line) in bad {
        market.suite.edge(from, to).set(line);
        tokio::time::sleep(BAD_FOR).await;
        market.suite.edge(from, to).set(Line::Good);
        let healed = Instant::now();
        let mut tries = 0;
        loop {
            tries += 1;
            let key = format!("{from}-{to}-{line:?}-{tries}").replace(' ', "");
            let order = market.suite.order("TEA", 7);
            let placed = market.suite.rest.post("/v1/orders", &key, &order).await;
            if placed.is_ok_and(|placed| placed.status == StatusCode::CREATED) {
                break;
            }
            assert!(
                healed.elapsed() < HEALTHY_MAX,
                "{from} → {to} was {line:?} and is not healthy {HEALTHY_MAX:?} later"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        healthy.push(format!("{from}→{to} {line:?} {:.1?}", healed.elapsed()));
    }
    let seen = buyers.finish().await;
    let took = verdict::clean(&market).await;
    println!(
        "healthy again: {healthy:#?}\nall well after {took:.1?}; {:?}; slowest {:.2?}",
        seen.answers, seen.slowest
    );
    // A busy machine is late itself; the long run is for a quiet one.
    let late = figure(Duration::from_secs(2), Duration::from_millis(250));
    for (kind, deadline) in DEADLINES {
        let slowest = seen.slowest.get(kind).copied().unwrap_or_default();
        assert!(slowest <= deadline + late, "{kind} took {slowest:?}; its deadline is {deadline:?}");
    }
    market.close().await;
}

fn all_edges() -> Vec<Edge> {
    let to_services = SERVICES.iter().map(|service| ("gateway", *service));
    let of_orders =
        SERVICES.iter().filter(|service| **service != "orders").map(|service| ("orders", *service));
    let of_events = ["customers", "payments"].map(|service| (service, "orders"));
    let to_databases = SERVICES.iter().map(|service| (*service, "postgres"));
    to_services.chain(of_orders).chain(of_events).chain(to_databases).collect()
}
