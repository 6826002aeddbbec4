//! The test of the tests: bugs are planted one after the other, and each must be seen.

use std::collections::BTreeSet;
use std::time::Duration;

use http::StatusCode;
use proto::access::v1::{Channel, Shop};
use serde_json::{Value, json};
use simulators::Fault;

use crate::market::Market;
use crate::new_shop::NewShop;
use crate::rest::Client;
use crate::suite::Mode;
use crate::verdict;

/// Whatever is only under way has come to its end by then.
const SETTLED: Duration = Duration::from_secs(2);
const LOOKS: usize = 8;

/// One suite, and who does what each bug needs.
struct Garden {
    market: Market,
    /// A key of another shop.
    stranger: Client,
    orders: u64,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_planted_bug_is_caught() {
    let mut garden = Garden::open().await;
    let (mut caught, mut missed) = (Vec::new(), Vec::new());
    for bug in failpoint::BUGS {
        let before = garden.wrong().await;
        garden.market.failpoints.set(&format!("plant {bug}")).unwrap();
        let seen_at_once = garden.provoke(bug).await;
        garden.market.failpoints.set("").unwrap();
        let by = match seen_at_once {
            Some(by) => Some(by),
            None => garden.news(&before).await,
        };
        let reached = garden.market.failpoints.reached().contains(&format!("{bug}[]"));
        assert!(reached, "nobody came past {bug}: provoke it");
        match by {
            Some(by) => caught.push(format!("{bug}: caught by {by}")),
            None => missed.push(*bug),
        }
    }
    println!("{}", caught.join("\n"));
    assert!(missed.is_empty(), "nothing catches {missed:?}");
    garden.close().await;
}

impl Garden {
    async fn open() -> Self {
        let market = Market::open(Mode::OneProcess).await;
        let shop = Shop {
            name: "Stranger".to_owned(),
            time_zone: "Europe/Kyiv".to_owned(),
            locale: "uk-UA".to_owned(),
            currency_code: "UAH".to_owned(),
            country_code: "UA".to_owned(),
            ..Default::default()
        };
        let scopes = vec!["orders.read".to_owned()];
        let sources = &[("site", Channel::Site)];
        let stranger = NewShop { by: "stranger", legal_entity: "Stranger", shop, sources, scopes };
        let opened = stranger.open(&market.suite.directory).await.unwrap();
        let stranger = market.suite.rest.clone().authorized(opened.key);
        let mut garden = Self { market, stranger, orders: 0 };

        // Without a bug nothing is wrong, or the rest shows nothing.
        for _ in 0..3 {
            let placed = garden.order("cash_on_delivery", json!({})).await;
            assert!(garden.is_hidden(&placed).await);
        }
        assert_eq!(garden.refund_twice().await, None);
        verdict::clean(&garden.market).await;
        garden
    }

    async fn close(self) {
        self.market.close().await;
    }

    /// Does what shows the bug; answers what has caught it when that is no matter of the books.
    async fn provoke(&mut self, bug: &str) -> Option<String> {
        match bug {
            "orders.acknowledged_before_recorded" => {
                self.order("cash_on_delivery", json!({})).await;
                self.restart().await;
            }
            "orders.key_not_claimed" => {
                let (key, order) = self.next(json!({}));
                for _ in 0..2 {
                    self.place(&key, &order).await;
                }
            }
            "payments.retry_with_new_key" => self.lose_an_answer().await,
            "payments.refund_without_sum" => return self.refund_twice().await,
            "inventory.without_sum_over_lines" => {
                let twice = json!([{ "sku": "TEA", "quantity": 2 }, { "sku": "TEA", "quantity": 3 }]);
                self.order("cash_on_delivery", json!({ "lines": twice })).await;
            }
            "saga.undo_forgotten" => self.be_refused().await,
            "saga.not_taken_over" => return self.leave_a_saga().await,
            "orders.shop_not_checked" => {
                let placed = self.order("cash_on_delivery", json!({})).await;
                let seen = !self.is_hidden(&placed).await;
                return seen.then(|| "a stranger who sees the order".to_owned());
            }
            // One event after the other, each in a page of its own.
            _ => {
                for _ in 0..4 {
                    self.order("cash_on_delivery", json!({})).await;
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
            }
        }
        None
    }

    /// A key, and an order with `changes`.
    fn next(&mut self, changes: Value) -> (String, Value) {
        self.orders += 1;
        let mut order = self.market.suite.order("TEA", self.orders);
        for (name, value) in changes.as_object().unwrap() {
            order[name] = value.clone();
        }
        (format!("planted-{}", self.orders), order)
    }

    async fn order(&mut self, payment_method: &str, changes: Value) -> Value {
        let (key, mut order) = self.next(changes);
        order["paymentMethod"] = json!(payment_method);
        self.place(&key, &order).await
    }

    /// Asks until it is told, and writes down what.
    async fn place(&self, key: &str, order: &Value) -> Value {
        self.market.history.note("invoke", key, &json!({}));
        let placed = testing::eventually("the order is acknowledged", async || {
            let answer = self.market.suite.rest.post("/v1/orders", key, order).await.ok()?;
            (answer.status == StatusCode::CREATED).then_some(answer.body)
        })
        .await;
        self.market.history.note("ok", key, &json!({ "order_id": placed["orderId"] }));
        placed
    }

    async fn restart(&mut self) {
        self.market.suite.kill().await;
        self.market.suite.start_again().await;
    }

    /// The provider charges, and nobody hears of it.
    async fn lose_an_answer(&mut self) {
        let placed = self.order("card", json!({})).await;
        let card = self.market.simulators.faults("card").hang(Duration::from_millis(100));
        // Nor does it tell.
        card.next_on("create_charge", Fault::TimeoutAfterEffect).probability(Fault::DropWebhook, 1.0);
        let before = self.market.captures();
        self.pay(&placed).await;
        testing::eventually("the provider is asked again", async || {
            (self.market.captures() > before + 1).then_some(())
        })
        .await;
        self.market.simulators.faults("card").clear();
    }

    async fn pay(&self, placed: &Value) {
        let payment_id = placed["paymentId"].as_str().unwrap();
        let card = json!({ "paymentToken": "tok_ok", "returnUrl": "https://shop.example/paid" });
        let path = format!("/v1/payments/{payment_id}/confirm");
        self.market.suite.rest.post(&path, payment_id, &card).await.unwrap().ok().unwrap();
    }

    /// Two refunds, of which each is less than what was paid and both are more; what was wrong with the second answer.
    async fn refund_twice(&mut self) -> Option<String> {
        let placed = self.order("card", json!({})).await;
        self.pay(&placed).await;
        let path = format!("/v1/payments/{}/refund", placed["paymentId"].as_str().unwrap());
        let mut last = None;
        for which in ["one", "two"] {
            let refund = json!({ "amount": { "amount": "100.00", "currencyCode": "UAH" }, "reason": which });
            let key = format!("{which}-{}", placed["paymentId"]);
            last = Some(self.market.suite.rest.post(&path, &key, &refund).await.unwrap());
        }
        let last = last.unwrap();
        let refused = last.status.is_client_error() && last.reason() == "REFUND_EXCEEDS_CAPTURED";
        (!refused).then(|| format!("the answer to a refund too many: {}", last.status))
    }

    /// An order whose total is another than the buyer saw: refused after its goods were held.
    async fn be_refused(&mut self) {
        let seen = json!({ "expectedTotal": { "amount": "1.00", "currencyCode": "UAH" } });
        let (key, order) = self.next(seen);
        let refused = self.market.suite.rest.post("/v1/orders", &key, &order).await.unwrap();
        assert!(refused.status.is_client_error(), "{}: {}", refused.status, refused.body);
    }

    /// A process dies in the middle of a saga, and nobody goes on with it.
    async fn leave_a_saga(&mut self) -> Option<String> {
        let plan = "plant saga.not_taken_over; orders.place.recorded kill times=1";
        self.market.failpoints.set(plan).unwrap();
        let (key, order) = self.next(json!({}));
        assert!(self.market.suite.rest.post("/v1/orders", &key, &order).await.is_err(), "the process dies");
        self.market.suite.ended().await;
        self.market.suite.start_again().await;
        tokio::time::sleep(saga::LEASE + Duration::from_secs(4)).await;
        let open = self.market.suite.number("orders", verdict::OPEN_SAGAS).await;
        (open > 0).then(|| format!("{open} saga that does not end"))
    }

    async fn is_hidden(&self, placed: &Value) -> bool {
        let path = format!("/v1/orders/{}", placed["orderId"].as_str().unwrap());
        let answer = self.stranger.get(&path).await.unwrap();
        answer.status == StatusCode::NOT_FOUND
    }

    /// What is wrong now, as the check and the ids it is about.
    async fn wrong(&self) -> BTreeSet<(String, String)> {
        let found = verdict::violations(&self.market).await;
        found.into_iter().map(|one| (one.check, one.about)).collect()
    }

    /// The checks that find something in two looks which was not there before.
    async fn news(&self, before: &BTreeSet<(String, String)>) -> Option<String> {
        for _ in 0..LOOKS {
            let first: BTreeSet<_> = self.wrong().await.difference(before).cloned().collect();
            tokio::time::sleep(SETTLED).await;
            let again = self.wrong().await;
            let stays: BTreeSet<&str> = first.intersection(&again).map(|(check, _)| check.as_str()).collect();
            if !stays.is_empty() {
                return Some(stays.into_iter().collect::<Vec<_>>().join(", "));
            }
        }
        None
    }
}
