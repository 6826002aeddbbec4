//! `kill -9` in the middle of a thousand placements.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::StatusCode;

use crate::suite::{Mode, Suite};

const PLACEMENTS: u64 = 1_000;
const KILL_AFTER: u64 = 300;
const CLIENTS: usize = 16;
const RECOVERY_MAX: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_orders_are_there_once_and_the_others_end_in_one_process() {
    kill_and_restart(Mode::OneProcess).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_orders_are_there_once_and_the_others_end_in_processes() {
    kill_and_restart(Mode::Processes).await;
}

async fn kill_and_restart(mode: Mode) {
    let mut suite = Suite::start(mode).await;
    suite.stock("GIFT", 100_000).await;
    let orders: Arc<Vec<_>> = Arc::new((0..PLACEMENTS).map(|number| suite.order("GIFT", number)).collect());
    let acknowledged = Arc::new(Mutex::new(BTreeMap::new()));
    let (next, answered) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (rest, orders, acknowledged) = (suite.rest.clone(), orders.clone(), acknowledged.clone());
            let (next, answered) = (next.clone(), answered.clone());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(order) = orders.get(number as usize) else { return };
                    // The site repeats an order until it is told, under the same key.
                    loop {
                        let answer = rest.post("/v1/orders", &format!("kill-{number}"), order).await;
                        match answer {
                            Ok(answer) if answer.status == StatusCode::CREATED => {
                                let id = answer.body["orderId"].as_str().unwrap().to_owned();
                                acknowledged.lock().unwrap().insert(number, id);
                                break;
                            }
                            Ok(answer)
                                if answer.status.is_client_error()
                                    && answer.status != StatusCode::CONFLICT =>
                            {
                                panic!("order {number} was answered {}: {}", answer.status, answer.body)
                            }
                            _ => tokio::time::sleep(Duration::from_millis(100)).await,
                        }
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    while answered.load(Ordering::Relaxed) < KILL_AFTER {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    suite.kill().await;
    suite.start_again().await;
    let restarted = Instant::now();
    for client in clients {
        client.await.unwrap();
    }
    testing::eventually("every order is decided", async || {
        (suite.number("orders", "SELECT count(*) FROM orders WHERE state = 'placing'").await == 0)
            .then_some(())
    })
    .await;
    assert!(restarted.elapsed() < RECOVERY_MAX, "recovery took {:?}", restarted.elapsed());

    let acknowledged = acknowledged.lock().unwrap().clone();
    assert_eq!(acknowledged.len() as u64, PLACEMENTS);
    assert_eq!(
        suite.number("orders", "SELECT count(*) FROM orders").await,
        PLACEMENTS as i64,
        "each key made one order"
    );
    assert_eq!(
        suite.number("orders", "SELECT count(*) FROM orders WHERE state = 'new'").await,
        PLACEMENTS as i64
    );
    for order_id in acknowledged.values() {
        let order = suite.rest.get(&format!("/v1/orders/{order_id}")).await.unwrap().ok().unwrap();
        assert_eq!(order["state"], "ORDER_STATE_NEW", "{order}");
    }
    let held = suite.number("inventory", "SELECT coalesce(sum(reserved), 0)::bigint FROM stock_levels").await;
    assert_eq!(held, PLACEMENTS as i64);
    suite.stop().await;
}
