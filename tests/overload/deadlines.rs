//! A client that waits for 200 ms is answered by then, and nothing goes on behind its back.

use std::time::{Duration, Instant};

use http::Request;
use serde_json::json;
use tokio_postgres::Client as Database;

use crate::rest::Answer;
use crate::suite::{Mode, Suite};

const DEADLINE: Duration = Duration::from_millis(200);
/// What an answer may take beyond the deadline.
const GRACE: Duration = Duration::from_millis(250);
/// When nothing may run any more.
const QUIET: Duration = Duration::from_millis(100);
const TRIES: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_what_runs_in_the_database_in_one_process() {
    a_deadline_ends_what_runs_in_the_database(Mode::OneProcess).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_what_runs_in_the_database_in_processes() {
    a_deadline_ends_what_runs_in_the_database(Mode::Processes).await;
}

async fn a_deadline_ends_what_runs_in_the_database(mode: Mode) {
    let suite = Suite::start(mode).await;
    suite.stock("SLOW", 10).await;

    let mut read = Vec::new();
    let mut changed = Vec::new();
    for number in 0..TRIES {
        read.push(ask_while_locked(&suite, get()).await);
        let key = format!("late-{number}");
        changed.push(ask_while_locked(&suite, receive(&suite, &key)).await);
    }
    for mut tries in [read, changed] {
        // A busy machine may take its time once, not always.
        tries.sort();
        let (answered, quiet) = tries.first().copied().unwrap();
        assert!(answered <= DEADLINE + GRACE, "answered after {answered:?}");
        assert!(quiet <= QUIET, "the database worked on it for {quiet:?} more");
    }

    // The locks are gone, and still nothing of it has happened; the keys are as good as new.
    assert_eq!(suite.number("inventory", "SELECT sum(on_hand)::bigint FROM stock_levels").await, 10);
    let claimed = "SELECT count(*) FROM idempotency_keys WHERE key LIKE 'late-%'";
    assert_eq!(suite.number("inventory", claimed).await, 0);
    let (request, body) = receive(&suite, "late-0");
    suite.rest.send_raw(request, body).await.unwrap().ok().unwrap();
    assert_eq!(suite.number("inventory", "SELECT sum(on_hand)::bigint FROM stock_levels").await, 15);
    suite.stop().await;
}

type Asking = (http::request::Builder, Vec<u8>);

fn get() -> Asking {
    (Request::builder().method("GET").uri("/v1/stock/SLOW"), Vec::new())
}

fn receive(suite: &Suite, key: &str) -> Asking {
    let receipt = json!({ "warehouseId": suite.warehouse_id, "lines": [{ "sku": "SLOW", "quantity": "5" }] });
    let request = Request::builder().method("POST").uri("/v1/stock/receive");
    let request = request.header("idempotency-key", key).header("content-type", "application/json");
    (request, serde_json::to_vec(&receipt).unwrap())
}

/// Asks for what somebody else keeps locked. Answers when it was refused, and how long the database went on then.
async fn ask_while_locked(suite: &Suite, (request, body): Asking) -> (Duration, Duration) {
    let mut blocker = suite.database("inventory").await;
    let watcher = suite.database("inventory").await;
    let lock = blocker.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE stock_levels").await.unwrap();

    let asked = Instant::now();
    let request = request.header("request-timeout", DEADLINE.as_secs_f64().to_string());
    let answer: Answer = suite.rest.send_raw(request, body).await.unwrap();
    let answered = asked.elapsed();
    assert_eq!(answer.status, 504, "{}", answer.body);
    assert_eq!(answer.reason(), "DEADLINE_EXCEEDED");
    let quiet = until_quiet(&watcher).await;
    lock.commit().await.unwrap();
    (answered, quiet)
}

/// Looks until nobody waits for the lock.
async fn until_quiet(watcher: &Database) -> Duration {
    let answered = Instant::now();
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active' AND wait_event_type = 'Lock'";
    while watcher.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        assert!(answered.elapsed() < Duration::from_secs(1), "the database still works on it");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    answered.elapsed()
}
