//! Many who ask for the same under one key at once: one of them is served, and all get its answer.

use http::StatusCode;
use serde_json::Value;

use crate::figure;
use crate::suite::{Mode, Suite};

const CALLERS: usize = 64;

#[tokio::test(flavor = "multi_thread")]
async fn one_key_has_one_effect_and_one_answer_however_many_ask_at_once() {
    let suite = Suite::start(Mode::OneProcess).await;
    suite.stock("MUG", 10_000).await;
    let keys = figure(10, 500);
    for number in 0..keys {
        let (key, order) = (format!("same-{number}"), suite.order("MUG", number));
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let (rest, key, order) = (suite.rest.clone(), key.clone(), order.clone());
                tokio::spawn(async move { told(&rest, &key, &order).await })
            })
            .collect();
        let mut answers: Vec<Value> = Vec::new();
        for caller in callers {
            answers.push(caller.await.unwrap());
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        let other = suite.rest.post("/v1/orders", &key, &suite.order("MUG", number + 1)).await.unwrap();
        assert_eq!(
            (other.status, other.reason()),
            (StatusCode::UNPROCESSABLE_ENTITY, "IDEMPOTENCY_KEY_REUSED"),
            "{}",
            other.body
        );
    }
    let keys = keys as i64;
    assert_eq!(suite.number("orders", "SELECT count(*) FROM orders").await, keys);
    assert_eq!(suite.number("orders", "SELECT count(*) FROM orders WHERE state = 'new'").await, keys);
    let held = suite.number("inventory", "SELECT coalesce(sum(reserved), 0)::bigint FROM stock_levels").await;
    assert_eq!(held, keys);
    suite.stop().await;
}

/// Whoever is told to come back comes back.
async fn told(rest: &crate::rest::Client, key: &str, order: &Value) -> Value {
    loop {
        let answer = rest.post("/v1/orders", key, order).await.unwrap();
        match answer.status {
            StatusCode::CREATED => return answer.body,
            StatusCode::ACCEPTED | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            _ => panic!("answered {}: {}", answer.status, answer.body),
        }
    }
}
