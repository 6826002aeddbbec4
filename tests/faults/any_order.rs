//! Services that start before what they need: they live, say that they are not ready, wait, and go on when it is there.

use std::time::{Duration, Instant};

use rand::seq::SliceRandom;
use testing::Line;

use crate::figure;
use crate::suite::{Mode, SERVICES, Suite};

const WITHOUT_DATABASE: Duration = Duration::from_secs(3);
/// A process of a debug build on a busy machine needs a moment to open its ports.
const LIVE_MAX: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn services_start_in_any_order_and_wait_for_their_databases() {
    let mut suite = Suite::start(Mode::Apart).await;
    suite.stock("MUG", 5).await;
    for service in SERVICES {
        suite.kill_role(service).await;
        suite.edge(service, "postgres").set(Line::Reset);
    }
    let mut order = SERVICES;
    order.shuffle(&mut rand::rng());
    for service in order {
        suite.start_role(service);
    }
    let probe = crate::rest::Client::new();
    for service in SERVICES {
        let live = format!("http://{}/livez", suite.ops_of(service));
        let started = Instant::now();
        while !probe.is_ok(&live).await {
            assert!(started.elapsed() < LIVE_MAX, "{service} is not live without its database");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let until = Instant::now() + WITHOUT_DATABASE;
    while Instant::now() < until {
        for service in SERVICES {
            let ops = suite.ops_of(service);
            assert!(suite.role_runs(service), "{service} has ended");
            assert!(
                probe.is_ok(&format!("http://{ops}/livez")).await,
                "{service} is live without its database"
            );
            assert!(
                !probe.is_ok(&format!("http://{ops}/readyz")).await,
                "{service} is not ready without its database"
            );
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for service in SERVICES {
        suite.edge(service, "postgres").set(Line::Good);
    }
    let healed = Instant::now();
    // Seven processes of a debug build, on two cores that others use.
    let ready_max = figure(Duration::from_secs(20), Duration::from_secs(5));
    for service in SERVICES {
        let ready = format!("http://{}/readyz", suite.ops_of(service));
        while !probe.is_ok(&ready).await {
            assert!(
                healed.elapsed() < ready_max,
                "{service} is not ready {ready_max:?} after its database is there"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    println!("{order:?}: ready after {:.1?}", healed.elapsed());
    let placed = testing::eventually("an order is placed", async || {
        suite.rest.post("/v1/orders", "first", &suite.order("MUG", 1)).await.ok()?.ok().ok()
    });
    assert_eq!(placed.await["total"]["amount"], "150.00");
    suite.stop().await;
}
