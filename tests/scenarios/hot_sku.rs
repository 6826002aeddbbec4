//! One SKU, a hundred units, ten thousand who want it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;

use crate::load::{self, Until};
use crate::suite::{Mode, Suite};

const UNITS: i64 = 100;
const ATTEMPTS: u64 = 10_000;
const CLIENTS: usize = 64;

#[tokio::test(flavor = "multi_thread")]
async fn exactly_what_there_is_gets_sold_in_one_process() {
    sell_out(Mode::OneProcess).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_what_there_is_gets_sold_in_processes() {
    sell_out(Mode::Processes).await;
}

async fn sell_out(mode: Mode) {
    let suite = Arc::new(Suite::start(mode).await);
    suite.stock("HOT", UNITS).await;
    let (sold, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let attempts = {
        let (suite, sold, refused) = (suite.clone(), sold.clone(), refused.clone());
        load::run(CLIENTS, Until::Count(ATTEMPTS), move |number| {
            let (suite, sold, refused) = (suite.clone(), sold.clone(), refused.clone());
            async move {
                let order = suite.order("HOT", number % 500);
                let answer = suite.rest.post("/v1/orders", &format!("hot-{number}"), &order).await?;
                match answer.status {
                    StatusCode::CREATED => sold.fetch_add(1, Ordering::Relaxed),
                    StatusCode::CONFLICT => {
                        anyhow::ensure!(answer.reason() == "OUT_OF_STOCK", "{}", answer.body);
                        refused.fetch_add(1, Ordering::Relaxed)
                    }
                    // Undecided after five seconds; counted by its end below.
                    StatusCode::ACCEPTED => 0,
                    _ => anyhow::bail!("answered {}: {}", answer.status, answer.body),
                };
                Ok(())
            }
        })
        .await
        .unwrap()
    };
    assert_eq!(attempts.latency_us.len(), ATTEMPTS);
    testing::eventually("every order is decided", async || {
        (suite.number("orders", "SELECT count(*) FROM orders WHERE state = 'placing'").await == 0)
            .then_some(())
    })
    .await;

    assert_eq!(suite.number("orders", "SELECT count(*) FROM orders WHERE state = 'new'").await, UNITS);
    assert_eq!(
        suite.number("orders", "SELECT count(*) FROM orders WHERE state = 'rejected'").await,
        ATTEMPTS as i64 - UNITS
    );
    let stock = suite.rest.get("/v1/stock/HOT/explain").await.unwrap().ok().unwrap();
    assert_eq!(stock["ledgerOnHand"], "100", "{stock}");
    assert_eq!(stock["ledgerReserved"], "100", "{stock}");
    assert_eq!(stock["levels"][0]["available"], "0", "{stock}");
    Arc::into_inner(suite).unwrap().stop().await;
}
