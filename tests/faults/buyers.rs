//! Buyers who never give up: each repeats what he asks, under the same key, until he is told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::market::{History, Market, SKUS, SOLD_OUT};
use crate::rest::{self, Answer, Client};

/// Whoever is not told within this is never told.
const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(50);

/// Buyers at work.
pub struct Buyers {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

struct Shared {
    rest: Client,
    history: History,
    orders: Orders,
    next: AtomicU64,
    told: AtomicU64,
    stop: AtomicBool,
    seen: Mutex<Seen>,
}

/// What the buyers' orders look like.
struct Orders {
    shop_id: String,
    source_id: String,
    courier: String,
    parcel: String,
}

/// What the buyers met.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    /// Answers by status; 0 for a connection that broke.
    pub answers: BTreeMap<u16, u64>,
    /// Calls that could not be made because nobody listened.
    pub not_connected: u64,
    /// Why calls were refused.
    pub reasons: BTreeMap<String, u64>,
    /// The longest that a call took until an answer or the loss of its connection, by kind.
    pub slowest: BTreeMap<&'static str, Duration>,
    /// Answers that say "later" without saying when.
    pub without_retry_after: u64,
}

impl Buyers {
    pub(crate) fn start(market: &Market, count: usize) -> Self {
        let suite = &market.suite;
        let orders = Orders {
            shop_id: suite.shop_id.clone(),
            source_id: suite.source_id.clone(),
            courier: suite.delivery_method_id.clone(),
            parcel: market.parcel_method_id.clone(),
        };
        let shared = Arc::new(Shared {
            rest: suite.rest.clone(),
            history: market.history.clone(),
            orders,
            next: AtomicU64::new(0),
            told: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            seen: Mutex::default(),
        });
        let tasks = (0..count).map(|_| tokio::spawn(buy(shared.clone()))).collect();
        Self { shared, tasks }
    }

    /// Orders that were acknowledged.
    pub fn told(&self) -> u64 {
        self.shared.told.load(Ordering::Relaxed)
    }

    /// Waits until so many more orders are acknowledged.
    pub async fn more(&self, count: u64) {
        let (wanted, started) = (self.told() + count, Instant::now());
        while self.told() < wanted {
            assert!(
                started.elapsed() < PATIENCE,
                "no orders get through: {:?}",
                self.shared.seen.lock().unwrap()
            );
            assert!(!self.tasks.iter().any(JoinHandle::is_finished), "a buyer has given up");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Lets each buyer end what he has begun.
    pub async fn finish(self) -> Seen {
        self.shared.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        self.shared.seen.lock().unwrap().clone()
    }
}

async fn buy(shared: Arc<Shared>) {
    while !shared.stop.load(Ordering::Relaxed) {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        match number % 8 {
            0..=3 => _ = shared.place(number, "cash_on_delivery", SKUS[number as usize % 4]).await,
            4 | 5 => shared.pay_and_send(number).await,
            6 => _ = shared.place(number, "cash_on_delivery", SOLD_OUT).await,
            _ => shared.pay_and_refund(number).await,
        }
    }
}

impl Shared {
    /// The order as it was acknowledged; `None` when there was nothing left.
    async fn place(&self, number: u64, payment_method: &str, sku: &str) -> Option<Value> {
        let key = format!("order-{number}");
        let order = self.orders.order(number, payment_method, sku);
        self.history.note("invoke", &key, &json!({}));
        let told = self.until_told("place", "/v1/orders", &key, &order).await;
        match told {
            Some(placed) => {
                let told = json!({ "order_id": placed["orderId"], "total": placed["total"]["amount"] });
                self.history.note("ok", &key, &told);
                self.told.fetch_add(1, Ordering::Relaxed);
                Some(placed)
            }
            None => {
                self.history.note("fail", &key, &json!({}));
                None
            }
        }
    }

    async fn pay_and_send(&self, number: u64) {
        let placed = self.pay(number).await;
        let order_id = placed["orderId"].as_str().unwrap();
        let path = format!("/v1/orders/{order_id}/state");
        for state in ["ORDER_STATE_APPROVAL", "ORDER_STATE_ASSEMBLING"] {
            self.until_told("move", &path, &format!("{order_id}-{state}"), &json!({ "state": state })).await;
        }
    }

    async fn pay_and_refund(&self, number: u64) {
        let placed = self.pay(number).await;
        let payment_id = placed["paymentId"].as_str().unwrap();
        // What was begun when a process died is found out by a job.
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            let path = format!("/v1/payments/{payment_id}");
            let payment = self.rest.get(&path).await.ok().filter(|answer| answer.status.is_success());
            if payment.is_some_and(|payment| payment.body["state"] == "PAYMENT_STATE_SUCCEEDED") {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        let refund = json!({ "amount": { "amount": "10.00", "currencyCode": "UAH" }, "reason": "scratched" });
        let path = format!("/v1/payments/{payment_id}/refund");
        self.until_told("refund", &path, &format!("refund-{payment_id}"), &refund).await;
    }

    async fn pay(&self, number: u64) -> Value {
        let placed = self.place(number, "card", SKUS[number as usize % 4]).await.expect("there are plenty");
        let payment_id = placed["paymentId"].as_str().unwrap();
        let card = json!({ "paymentToken": "tok_ok", "returnUrl": "https://shop.example/paid" });
        let path = format!("/v1/payments/{payment_id}/confirm");
        self.until_told("pay", &path, &format!("card-{payment_id}"), &card).await;
        placed
    }

    /// Asks until it is done or refused for good.
    async fn until_told(&self, kind: &'static str, path: &str, key: &str, body: &Value) -> Option<Value> {
        let started = Instant::now();
        let mut last = String::new();
        while started.elapsed() < PATIENCE {
            let asked = Instant::now();
            let answer = self.rest.post(path, key, body).await;
            self.note(kind, &answer, asked.elapsed());
            match answer {
                // Accepted is not decided yet.
                Ok(answer) if answer.status.is_success() && answer.status != StatusCode::ACCEPTED => {
                    return Some(answer.body);
                }
                Ok(answer) if answer.reason() == "OUT_OF_STOCK" => return None,
                Ok(answer) => {
                    if answer.status == StatusCode::SERVICE_UNAVAILABLE && !answer.retry_after {
                        self.seen.lock().unwrap().without_retry_after += 1;
                    }
                    let passes = answer.status.is_server_error()
                        || matches!(
                            answer.status,
                            StatusCode::ACCEPTED | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS
                        );
                    assert!(passes, "{path} {key} was answered {}: {}", answer.status, answer.body);
                    last = answer.body.to_string();
                }
                Err(error) => last = format!("{error:#}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("{path} {key} was not answered: {last}");
    }

    fn note(&self, kind: &'static str, answer: &anyhow::Result<Answer>, took: Duration) {
        let mut seen = self.seen.lock().unwrap();
        match answer {
            Ok(answer) => {
                *seen.answers.entry(answer.status.as_u16()).or_default() += 1;
                if !answer.status.is_success() {
                    let reason = format!("{} {}", answer.status.as_u16(), answer.reason());
                    *seen.reasons.entry(reason).or_default() += 1;
                }
            }
            Err(error) if rest::is_not_connected(error) => seen.not_connected += 1,
            Err(error) => {
                *seen.answers.entry(0).or_default() += 1;
                *seen.reasons.entry(format!("{error:#}")).or_default() += 1;
            }
        }
        let slowest = seen.slowest.entry(kind).or_default();
        *slowest = (*slowest).max(took);
    }
}

impl Orders {
    fn order(&self, number: u64, payment_method: &str, sku: &str) -> Value {
        let method = if payment_method == "card" { &self.parcel } else { &self.courier };
        json!({
            "shopId": self.shop_id, "sourceId": self.source_id, "method": "ORDER_METHOD_CART",
            "contact": { "name": "Олена Коваленко", "phone": format!("+38067{:07}", 1_000_000 + number % 500) },
            "lines": [{ "sku": sku, "quantity": 1 }],
            "delivery": { "deliveryMethodId": method, "address": {
                "countryCode": "UA", "city": "Київ", "line": "Хрещатик, 1", "postalCode": "01001",
            } },
            "paymentMethod": payment_method,
        })
    }
}
