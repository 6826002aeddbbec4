//! Somebody's transaction that stays open in another database of the same server: nobody's events wait for it.

use std::time::{Duration, Instant};

use crate::figure;
use crate::suite::{Mode, Suite};

const PAUSE: Duration = Duration::from_millis(100);
const COUNTED: &str = "SELECT count(*) FROM purchases WHERE counted";

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_stays_open_elsewhere_holds_up_nobodys_events() {
    let suite = Suite::start(Mode::OneProcess).await;
    suite.stock("MUG", 10_000).await;
    let elsewhere = suite.database("access").await;
    // It writes: it has an id, and everything younger than it is not yet sure to some.
    elsewhere.batch_execute("BEGIN; SELECT pg_current_xact_id()").await.unwrap();
    let customers = suite.database("customers").await;
    // Events that wait for it wait for as long as it is open, which is longer than this.
    let lag_max = figure(Duration::from_secs(5), Duration::from_secs(2));
    let mut lags = Vec::new();
    for number in 0..figure(20, 600) {
        let key = format!("order-{number}");
        suite.rest.post("/v1/orders", &key, &suite.order("MUG", number)).await.unwrap().ok().unwrap();
        let told = Instant::now();
        while customers.query_one(COUNTED, &[]).await.unwrap().get::<_, i64>(0) <= number as i64 {
            assert!(told.elapsed() < lag_max, "order {number} is not counted after {lag_max:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        lags.push(told.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
    elsewhere.batch_execute("ROLLBACK").await.unwrap();
    lags.sort_unstable();
    println!("events were applied after {:.1?}, at worst {:.1?}", lags[lags.len() / 2], lags[lags.len() - 1]);
    suite.stop().await;
}
