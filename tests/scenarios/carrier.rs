//! A suite whose events a broker brings, and what becomes of it when the broker loses everything.

use async_nats::jetstream;
use http::Method;
use testing::NatsServer;

use crate::collector::{Collector, Spans};
use crate::operators::ask;
use crate::order_path::live_through;
use crate::suite::{Mode, SERVICES, Suite};

const ORDERS: u64 = 40;

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_and_wiped_under_a_suite_changes_nothing() {
    let mut nats = NatsServer::start().await;
    let (collector, address) = Collector::start().await;
    let telemetry = format!("[telemetry]\notlp_endpoint = \"http://{address}\"\n");
    let suite = Suite::start_with(Mode::Processes, &format!("{telemetry}{}", over(&nats))).await;
    live_through(&suite).await;
    publishing_is_traced(&collector).await;
    everything_is_published(&suite, &nats).await;
    the_broker_is_listened_to(&suite, &nats).await;

    suite.stock("GIFT", ORDERS.cast_signed()).await;
    let mut cancelled = 0;
    for number in 0..ORDERS {
        match number {
            8 => nats.kill().await,
            16 => {
                nats.wipe();
                nats.start_again().await;
            }
            24 => {
                nats.kill().await;
                nats.start_again().await;
            }
            _ => {}
        }
        let order = suite.order("GIFT", number);
        let placed =
            suite.rest.post("/v1/orders", &format!("gift-{number}"), &order).await.unwrap().ok().unwrap();
        if number % 4 == 0 {
            let path = format!("/v1/orders/{}/cancel", placed["orderId"].as_str().unwrap());
            let reason = serde_json::json!({ "reason": "buyer_changed_mind" });
            suite.rest.post(&path, &format!("cancel-{number}"), &reason).await.unwrap().ok().unwrap();
            cancelled += 1;
        }
    }
    let orders = suite.number("orders", "SELECT count(*) FROM orders WHERE state = 'cancelled'").await;
    assert_eq!(orders, cancelled + 1, "and the one of the ordinary day");
    everything_is_published(&suite, &nats).await;
    testing::eventually("korob check is clean", async || {
        suite.korob(&["check"]).status.success().then_some(())
    })
    .await;
    suite.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_over_a_broker_lives_through_an_ordinary_day() {
    let nats = NatsServer::start().await;
    let suite = Suite::start_with(Mode::OneProcess, &over(&nats)).await;
    live_through(&suite).await;
    everything_is_published(&suite, &nats).await;
    let (_, told) = ask(&suite, Method::GET, "/metrics", "", "").await;
    for line in
        ["korob_carrier_connected{at=\"orders\"} 1", "korob_events_published_position{database=\"orders\"}"]
    {
        assert!(told.contains(line), "{line}: {told}");
    }
    suite.stop().await;
}

fn over(nats: &NatsServer) -> String {
    format!("[events]\ncarrier = \"nats\"\n[events.nats]\nurls = [\"{}\"]", nats.url())
}

async fn stream(nats: &NatsServer) -> jetstream::stream::Stream {
    let client = async_nats::connect(nats.url()).await.unwrap();
    let jetstream = jetstream::new(client);
    testing::eventually("the stream is there", async || jetstream.get_stream("KOROB").await.ok()).await
}

/// The broker has each event of every log once, although it has lost them, too.
async fn everything_is_published(suite: &Suite, nats: &NatsServer) {
    let stream = stream(nats).await;
    testing::eventually("every event is at the broker once", async || {
        let mut told = 0;
        for service in SERVICES {
            told += suite.number(service, "SELECT count(*) FROM event_log").await;
        }
        let state = stream.get_info().await.ok()?.state;
        (i64::try_from(state.messages) == Ok(told)).then_some(())
    })
    .await;
}

/// What is brought was applied and acknowledged, and is not only there.
async fn the_broker_is_listened_to(suite: &Suite, nats: &NatsServer) {
    let stream = stream(nats).await;
    let consumer = suite.database("customers").await;
    let row = consumer
        .query_one("SELECT consumer FROM event_cursors WHERE producer = 'orders'", &[])
        .await
        .unwrap();
    let durable = format!("korob-{}", row.get::<_, String>(0).replace('.', "-"));
    testing::eventually("what the broker has brought is acknowledged", async || {
        let info = stream.consumer_info(&durable).await.ok()?;
        (info.ack_floor.stream_sequence > 0).then_some(())
    })
    .await;
}

/// What is published is in the trace of the request that it comes from.
async fn publishing_is_traced(collector: &Collector) {
    testing::eventually("publishing has a span in the order's trace", async || {
        let traces = collector.traces();
        traces
            .values()
            .any(|spans| begins(spans, "publish korob.orders.OrderPlaced") == Some("POST /v1/orders"))
            .then_some(())
    })
    .await;
}

/// The name of the span at the beginning of all that leads to the one called `name`.
fn begins<'a>(spans: &'a Spans, name: &str) -> Option<&'a str> {
    let mut span = spans.values().find(|span| span.name == name)?;
    while !span.parent.is_empty() {
        span = spans.get(&span.parent)?;
    }
    Some(&span.name)
}
