//! A partner of a running suite: hears of an order in the feed, in a stream and by a webhook, all the same.

use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use simulators::{Mood, Partner};
use testing::eventually;

use crate::suite::{Mode, Suite};

const LOOPBACK: &str = "[outbound]\nallowed_networks = [\"127.0.0.1\"]\n";
const KINDS: [&str; 2] = ["order.placed", "order.cancelled"];

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_of_one_process_hears_of_everything() {
    hear_of_everything(Mode::OneProcess).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_of_many_processes_hears_of_everything() {
    hear_of_everything(Mode::Processes).await;
}

async fn hear_of_everything(mode: Mode) {
    let suite = Suite::start_with(mode, LOOPBACK).await;
    let partner = Partner::start().await;
    suite.stock("CUP", 10).await;
    let latest = suite.rest.get("/v1/events?after=latest").await.unwrap().ok().unwrap();
    let cursor = latest["nextCursor"].as_str().unwrap().to_owned();
    let wanted = json!({"webhookEndpoint": {"url": partner.url(), "eventTypes": KINDS}});
    let created = suite.rest.post("/v1/webhook-endpoints", "partner", &wanted).await.unwrap().ok().unwrap();
    partner.trust(created["secret"].as_str().unwrap());
    partner.next([Mood::DoesAndFails]);
    let mut stream = stream(&suite).await;

    let mut orders = Vec::new();
    for number in 0..3 {
        let placed =
            suite.rest.post("/v1/orders", &format!("cup-{number}"), &suite.order("CUP", number)).await;
        let order = placed.unwrap().ok().unwrap()["orderId"].as_str().unwrap().to_owned();
        let reason = json!({"reason": "buyer_changed_mind"});
        let path = format!("/v1/orders/{order}/cancel");
        suite.rest.post(&path, &format!("cancel-{number}"), &reason).await.unwrap().ok().unwrap();
        orders.push(order);
    }

    let told = eventually("the feed has it", async || {
        let path = format!("/v1/events?after={cursor}&types=order.placed&types=order.cancelled");
        let page = suite.rest.get(&path).await.unwrap().ok().unwrap();
        let events = page["events"].as_array().unwrap().clone();
        (events.len() == 6).then_some(events)
    })
    .await;
    for order in &orders {
        let of_order: Vec<&Value> =
            told.iter().map(|one| &one["event"]).filter(|event| event["resourceId"] == **order).collect();
        let kinds: Vec<&str> = of_order.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, KINDS, "{order}");
        assert_eq!(of_order[1]["data"]["order"]["state"], "ORDER_STATE_CANCELLED");
    }
    assert!(!told.iter().any(|one| one.to_string().contains("Олена")), "no person is in it");

    // The first one came, was done and was not acknowledged: it comes again.
    let taken = eventually("the webhooks came", async || {
        let taken = partner.taken();
        (taken.len() == 7).then_some(taken)
    })
    .await;
    for one in &told {
        let event = &one["event"];
        let copies = taken.iter().filter(|copy| copy.body == *event).count();
        let expected = if *event == taken[0].body { 2 } else { 1 };
        assert_eq!(copies, expected, "the same on every way: {event}");
    }
    assert_eq!(partner.forged(), 0);

    let text = stream.until("order.cancelled", 3).await;
    for one in &told {
        assert!(text.contains(one["event"]["eventId"].as_str().unwrap()), "{text}");
    }
    let foreign = suite.rest.clone().authorized("kor_nobody".to_owned()).get("/v1/events").await.unwrap();
    assert_eq!(foreign.reason(), "KEY_INVALID");
    suite.stop().await;
}

/// An open stream, and what came so far.
struct Stream {
    body: hyper::body::Incoming,
    text: String,
}

async fn stream(suite: &Suite) -> Stream {
    let request = http::Request::get(format!("{}/v1/events/stream", suite.url()))
        .header("authorization", format!("Bearer {}", suite.key))
        .body(Empty::<bytes::Bytes>::new())
        .unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    Stream { body: answer.into_body(), text: String::new() }
}

impl Stream {
    /// Reads until `kind` was told so often.
    async fn until(&mut self, kind: &str, times: usize) -> String {
        let reading = async {
            while self.text.matches(&format!("event: {kind}\n")).count() < times {
                let frame = self.body.frame().await.expect("the stream goes on").unwrap();
                self.text.push_str(&String::from_utf8_lossy(frame.data_ref().unwrap()));
            }
        };
        tokio::time::timeout(Duration::from_secs(20), reading).await.expect("it is told in time");
        self.text.clone()
    }
}
