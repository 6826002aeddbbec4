//! What a broker brings: everything once, in order, and only what the paper has told.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::Stream;
use events::{Carrier, Settings};
use prost::Message;
use proto::r#type::v1::Money;
use testing::{Line, NatsServer};

use crate::newsroom::{Newsroom, Over, SECRET, carried, tell};

/// The stream that the settings name.
pub async fn stream(nats: &NatsServer) -> Stream {
    let jetstream = async_nats::jetstream::new(async_nats::connect(nats.url()).await.expect("connected"));
    testing::eventually("the stream is there", async || jetstream.get_stream("KOROB").await.ok()).await
}

/// What the stream has, in its order, once it is `count`.
pub async fn messages(nats: &NatsServer, count: u64) -> Vec<StreamMessage> {
    let stream = stream(nats).await;
    testing::eventually("everything is published", async || {
        let state = stream.get_info().await.expect("the stream answers").state;
        (state.messages >= count).then_some(())
    })
    .await;
    let state = stream.get_info().await.expect("the stream answers").state;
    assert_eq!(state.messages, count);
    let mut messages = Vec::new();
    for sequence in state.first_sequence..=state.last_sequence {
        messages.push(stream.get_raw_message(sequence).await.expect("a message"));
    }
    messages
}

pub fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| value.as_str().to_owned()).unwrap_or_default()
}

fn position(message: &StreamMessage) -> i64 {
    header(&message.headers, "ce-position").parse().expect("a position")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_brings_events_while_nobody_can_ask_the_log() {
    let newsroom = Newsroom::over(Over::Nats).await;
    let (line, log) = newsroom.log_through_a_port().await;
    let _reader = newsroom.read_over(&newsroom.events, log);
    // What was told before the broker knows the reader only the log can bring.
    testing::eventually("the broker knows the reader", async || newsroom.acknowledged_at_the_broker().await)
        .await;
    // It hears of the first by the log, and of a later one by the broker.
    for version in 1..=20 {
        newsroom.tell("story", version, "news").await.expect("told");
        newsroom.until_read(version).await;
    }
    line.set(Line::Reset);
    for version in 21..=120 {
        newsroom.tell("story", version, "news").await.expect("told");
    }
    newsroom.until_read(120).await;
    // Also after a rest, in which it has asked the log in vain.
    tokio::time::sleep(Duration::from_secs(4)).await;
    newsroom.tell("story", 121, "news").await.expect("told");
    newsroom.until_read(121).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outside_system_reads_what_is_documented() {
    let newsroom = Newsroom::over(Over::Nats).await;
    newsroom.tell("story", 1, "news").await.expect("told");
    newsroom.tell("story", 2, "more news").await.expect("told");
    let nats = newsroom.nats.as_ref().expect("a broker");
    let messages = messages(nats, 2).await;
    let paper = newsroom.paper_client().await;
    let rows = paper
        .query("SELECT event_id::text, actor, traceparent, (SELECT epoch::text FROM event_stream) FROM event_log ORDER BY position", &[])
        .await
        .expect("the log");
    for (at, (message, row)) in messages.iter().zip(&rows).enumerate() {
        assert_eq!(message.subject.as_str(), "korob.paper.Money");
        let headers = &message.headers;
        let expected = BTreeMap::from([
            ("Nats-Msg-Id", row.get::<_, String>(0)),
            ("content-type", "application/protobuf".to_owned()),
            ("ce-specversion", "1.0".to_owned()),
            ("ce-id", row.get(0)),
            ("ce-source", "/korob/paper".to_owned()),
            ("ce-type", "korob.type.v1.Money".to_owned()),
            ("ce-subject", "story".to_owned()),
            ("ce-position", (at + 1).to_string()),
            ("ce-version", (at + 1).to_string()),
            ("ce-actor", row.get(1)),
            ("ce-traceparent", row.get(2)),
            ("ce-epoch", row.get(3)),
            ("ce-shop", String::new()),
        ]);
        for (name, value) in expected {
            assert_eq!(header(headers, name), value, "{name}");
        }
        let time = header(headers, "ce-time");
        assert!(time.contains('T') && time.ends_with('Z'), "{time}");
        let news = Money::decode(message.payload.clone()).expect("the message itself");
        assert_eq!(news.amount, ["news", "more news"][at]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_publish_is_not_applied() {
    let newsroom = Newsroom::over(Over::Nats).await;
    let _reader = newsroom.read();
    // Until it listens to the broker.
    for version in 1..=20 {
        newsroom.tell("story", version, "news").await.expect("told");
        newsroom.until_read(version).await;
    }
    let nats = newsroom.nats.as_ref().expect("a broker");
    let genuine = messages(nats, 20).await.remove(0);
    let jetstream = async_nats::jetstream::new(async_nats::connect(nats.url()).await.expect("connected"));
    for forged in 21..=24 {
        // The next one, as far as anybody can tell who does not know the secret.
        let mut headers = genuine.headers.clone();
        headers.insert("ce-position", forged.to_string());
        headers.insert("ce-id", uuid::Uuid::new_v4().to_string());
        headers.insert("Nats-Msg-Id", format!("forged-{forged}"));
        let sent =
            jetstream.publish_with_headers("korob.paper.Money", headers, genuine.payload.clone()).await;
        sent.expect("sent").await.expect("the broker believes it");
        let nonsense = jetstream.publish("korob.paper.Money", "nonsense".into()).await;
        nonsense.expect("sent").await.expect("the broker believes it");
    }
    // Time enough to apply it.
    tokio::time::sleep(Duration::from_millis(500)).await;
    for version in 21..=30 {
        newsroom.tell("story", version, "news").await.expect("told");
    }
    newsroom.until_read(30).await;
    assert_eq!(newsroom.count_what_was_never_told().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_three_times_and_out_of_order_is_applied_once_and_in_order() {
    const EVENTS: i64 = 300;
    let newsroom = Newsroom::over(Over::Nats).await;
    let nats = newsroom.nats.as_ref().expect("a broker");
    // Another stream, to which a broker brings the same by ways of its own.
    let mut elsewhere: Settings = newsroom.events.clone();
    (elsewhere.nats.subject_prefix, elsewhere.nats.stream) = ("elsewhere".to_owned(), "ELSEWHERE".to_owned());
    let jetstream = async_nats::jetstream::new(async_nats::connect(nats.url()).await.expect("connected"));
    let reader = newsroom.read_over(&elsewhere, newsroom.channel());
    testing::eventually("the consumer is there", async || {
        let stream = jetstream.get_stream("ELSEWHERE").await.ok()?;
        stream.consumer_info("elsewhere-reader-read").await.ok()
    })
    .await;
    reader.cancel();
    for at in 0..EVENTS {
        newsroom.tell(&format!("story-{}", at % 7), 1 + at / 7, "news").await.expect("told");
    }
    let told = messages(nats, EVENTS as u64).await;
    let mut shuffled: Vec<(usize, &StreamMessage)> =
        (0..3).flat_map(|copy| told.iter().map(move |message| (copy, message))).collect();
    // Within a window of fifty, in the same way in each run; nine of ten come in time once, besides.
    shuffled.sort_by_key(|(copy, message)| {
        let position = position(message);
        let jitter =
            if position % 10 != 0 && *copy == 0 { 0 } else { (position * 7919 + *copy as i64 * 31) % 50 };
        (position + jitter, *copy)
    });
    for (_, message) in shuffled {
        let mut headers = message.headers.clone();
        headers.insert("Nats-Msg-Id", uuid::Uuid::new_v4().to_string());
        let sent =
            jetstream.publish_with_headers("elsewhere.paper.Money", headers, message.payload.clone()).await;
        sent.expect("sent").await.expect("acknowledged");
    }
    let (narrow, log) = newsroom.narrow_log().await;
    let _reader = newsroom.read_over(&elsewhere, log);

    newsroom.until_read(EVENTS).await;
    assert_eq!(newsroom.count_out_of_order().await, 0);
    let by_the_log = narrow.load(Ordering::SeqCst);
    assert!(by_the_log < EVENTS as usize / 2, "the broker has brought most of it, the log {by_the_log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_processes_publish_is_there_once() {
    const EVENTS: i64 = 200;
    let newsroom = Newsroom::over(Over::Nats).await;
    let nats = newsroom.nats.as_ref().expect("a broker");
    let second = newsroom.second_paper();
    let carrier = Carrier::open(&carried(&nats.url()), "paper", SECRET).await.expect("good settings");
    let publisher = tokio::spawn(events::publish(second.clone(), carrier.expect("a carrier")));
    let _reader = newsroom.read();
    for version in 1..=EVENTS {
        let by = if version % 3 == 0 { &second } else { &newsroom.paper_store() };
        tell(by, "story", version, "news").await.expect("told");
    }
    newsroom.until_read(EVENTS).await;
    let mut positions: Vec<i64> = messages(nats, EVENTS as u64).await.iter().map(position).collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..=EVENTS).collect::<Vec<_>>());
    publisher.abort();
}
