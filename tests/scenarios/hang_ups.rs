//! Buyers who close the page at random moments.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;

use crate::load::{self, Until};
use crate::suite::{Mode, Suite};

const CLIENTS: usize = 32;
const PATIENT: u64 = 100;
const PLACEMENTS: u64 = 600;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reserved_is_what_live_orders_hold_in_one_process() {
    hang_up(Mode::OneProcess).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reserved_is_what_live_orders_hold_in_processes() {
    hang_up(Mode::Processes).await;
}

async fn hang_up(mode: Mode) {
    let suite = Arc::new(Suite::start(mode).await);
    suite.stock("GIFT", 100_000).await;
    let shared = suite.clone();
    let patient = load::run(CLIENTS, Until::Count(PATIENT), move |number| {
        let suite = shared.clone();
        async move {
            let order = suite.order("GIFT", number);
            suite.rest.post("/v1/orders", &format!("patient-{number}"), &order).await?.ok()?;
            Ok(())
        }
    })
    .await
    .unwrap();

    // What a machine takes for a placement is its own affair: the moments are spread over twice as much.
    let longest = patient.latency_us.value_at_quantile(0.5) * 2;
    let shared = suite.clone();
    load::run(CLIENTS, Until::Count(PLACEMENTS), move |number| {
        let suite = shared.clone();
        async move {
            let order = suite.order("GIFT", number);
            let key = format!("hang-{number}");
            // Some hang up before they have said anything, on a machine of any speed.
            let longest = if number % 10 == 0 { 1 } else { longest };
            let patience = Duration::from_micros(rand::rng().random_range(0..longest));
            // The connection is closed with the request on it.
            let client = suite.rest.reconnected();
            let _ = tokio::time::timeout(patience, client.post("/v1/orders", &key, &order)).await;
            Ok(())
        }
    })
    .await
    .unwrap();

    let live = testing::eventually("no order is undecided and nothing is held for nobody", async || {
        let undecided = suite.number("orders", "SELECT count(*) FROM orders WHERE state = 'placing'").await;
        let live = suite.number("orders", "SELECT count(*) FROM orders WHERE state = 'new'").await;
        let held =
            suite.number("inventory", "SELECT coalesce(sum(reserved), 0)::bigint FROM stock_levels").await;
        let stock = suite.rest.get("/v1/stock/GIFT/explain").await.unwrap().ok().unwrap();
        let posted = stock["ledgerReserved"].as_str().and_then(|units| units.parse::<i64>().ok());
        (undecided == 0 && live == held && posted == Some(live)).then_some(live)
    })
    .await;
    assert!(live > PATIENT as i64, "some got through: {live}");
    assert!(live < (PATIENT + PLACEMENTS) as i64, "some did not: {live}");
    Arc::into_inner(suite).unwrap().stop().await;
}
