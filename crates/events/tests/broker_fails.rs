//! Whatever becomes of the broker: no event is missing, none is applied twice.

use std::time::Duration;

use events::Carrier;
use store::Store;
use testing::{Line, NatsServer, Proxy};

use crate::broker::{header, messages, stream};
use crate::newsroom::{Newsroom, Over, SECRET, carried, tell};

/// Tells one event after the other, as fast as it can, and says which was the last.
fn write_on(store: Store, story: &'static str, count: i64) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        for version in 1..=count {
            tell(&store, story, version, "news").await.expect("told");
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_broker_whose_store_is_wiped_loses_nothing() {
    const EVENTS: i64 = 600;
    let mut newsroom = Newsroom::over(Over::Nats).await;
    let reader = newsroom.read();
    newsroom.tell("before", 1, "news").await.expect("told");
    newsroom.until_read(1).await;
    let writer = write_on(newsroom.paper_store(), "story", EVENTS);
    let nats = newsroom.nats.as_mut().expect("a broker");
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        nats.kill().await;
        nats.wipe();
        nats.start_again().await;
    }
    // And once more while nobody reads, when everything was published, acknowledged and remembered.
    reader.cancel();
    writer.await.expect("no panic");
    let paper = newsroom.paper_client().await;
    testing::eventually("it is remembered", async || {
        let position = "SELECT position FROM event_publications";
        let row = paper.query_one(position, &[]).await.expect("the query runs");
        (row.get::<_, i64>(0) == EVENTS + 1).then_some(())
    })
    .await;
    let nats = newsroom.nats.as_mut().expect("a broker");
    nats.kill().await;
    nats.wipe();
    nats.start_again().await;
    let _again = newsroom.read();

    newsroom.until_read(EVENTS + 1).await;
    assert_eq!(newsroom.count_out_of_order().await, 0);
    // Others who subscribe there find everything again, too.
    messages(newsroom.nats.as_ref().expect("a broker"), EVENTS as u64 + 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_broker_that_is_killed_again_and_again_delays_nothing_for_long() {
    const EVENTS: i64 = 600;
    let mut newsroom = Newsroom::over(Over::Nats).await;
    let _readers = [newsroom.read(), newsroom.read()];
    let writers = [
        write_on(newsroom.paper_store(), "one", EVENTS / 2),
        write_on(newsroom.second_paper(), "two", EVENTS / 2),
    ];
    let nats = newsroom.nats.as_mut().expect("a broker");
    for pause_ms in [20, 80, 140, 200] {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        nats.kill().await;
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        nats.start_again().await;
    }
    for writer in writers {
        writer.await.expect("no panic");
    }

    newsroom.until_read(EVENTS).await;
    assert_eq!(newsroom.count_out_of_order().await, 0);
    messages(newsroom.nats.as_ref().expect("a broker"), EVENTS as u64).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_is_not_missed_and_comes_back() {
    let mut newsroom = Newsroom::over(Over::Nats).await;
    newsroom.nats.as_mut().expect("a broker").kill().await;
    let _reader = newsroom.read();
    for version in 1..=20 {
        newsroom.tell("story", version, "news").await.expect("told");
    }
    newsroom.until_read(20).await;
    newsroom.nats.as_mut().expect("a broker").start_again().await;
    messages(newsroom.nats.as_ref().expect("a broker"), 20).await;
    // From here on it brings them again.
    let (line, log) = newsroom.log_through_a_port().await;
    let _second = newsroom.read_over(&newsroom.events, log);
    testing::eventually("the broker brings events", async || {
        let position = newsroom.count_read().await + 1;
        newsroom.tell("story", position, "news").await.expect("told");
        newsroom.until_read(position).await;
        newsroom.acknowledged_at_the_broker().await.filter(|acknowledged| *acknowledged > 20)
    })
    .await;
    drop(line);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_dies_before_it_remembers_publishes_nothing_twice() {
    const EVENTS: i64 = 150;
    let nats = NatsServer::start().await;
    // Nobody publishes but this test.
    let newsroom = Newsroom::over(Over::Log).await;
    let open = async || {
        let carrier = Carrier::open(&carried(&nats.url()), "paper", SECRET).await.expect("good settings");
        carrier.expect("a carrier")
    };
    let _reader = newsroom.read_over(&carried(&nats.url()), newsroom.channel());
    let mut told = 0;
    for round in 0..6 {
        let publisher = tokio::spawn(events::publish(newsroom.paper_store(), open().await));
        for _ in 0..EVENTS / 6 {
            told += 1;
            newsroom.tell("story", told, "news").await.expect("told");
        }
        // In the midst of it, and long before a second is over.
        if round > 0 {
            tokio::time::sleep(Duration::from_millis(40 * round)).await;
        }
        publisher.abort();
    }
    let remembered = "SELECT coalesce(max(position), 0) FROM event_publications WHERE stream = 'KOROB'";
    let row = newsroom.paper_client().await.query_one(remembered, &[]).await.expect("the query runs");
    assert!(row.get::<_, i64>(0) < EVENTS, "it had no time to remember the last ones");
    let _last = tokio::spawn(events::publish(newsroom.paper_store(), open().await));

    newsroom.until_read(EVENTS).await;
    let published = messages(&nats, EVENTS as u64).await;
    let mut ids: Vec<String> = published.iter().map(|message| header(&message.headers, "ce-id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len() as i64, EVENTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_to_the_broker_that_swallows_everything_stops_nobody() {
    let nats = NatsServer::start().await;
    let (of_paper, of_reader) = (Proxy::to(nats.address()).await, Proxy::to(nats.address()).await);
    let through = |line: &Proxy| carried(&format!("nats://{}", line.address()));
    let newsroom = Newsroom::with(Some(nats), through(&of_paper)).await;
    let _reader = newsroom.read_over(&through(&of_reader), newsroom.channel());
    let mut told = 0;
    let mut tell_more = async || {
        for _ in 0..30 {
            told += 1;
            newsroom.tell("story", told, "news").await.expect("told");
        }
        newsroom.until_read(told).await;
    };
    tell_more().await;
    for line in [&of_reader, &of_paper] {
        for bad in [Line::Blackhole, Line::Forgotten, Line::Reset] {
            line.set(bad);
            tell_more().await;
            line.set(Line::Good);
            tell_more().await;
        }
    }
    // The publisher comes back by itself, too.
    messages(newsroom.nats.as_ref().expect("a broker"), told as u64).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_or_a_consumer_that_somebody_deletes_is_made_again() {
    let newsroom = Newsroom::over(Over::Nats).await;
    let nats = newsroom.nats.as_ref().expect("a broker");
    let _reader = newsroom.read();
    newsroom.tell("story", 1, "news").await.expect("told");
    newsroom.until_read(1).await;
    let stream = stream(nats).await;
    testing::eventually("the consumer is there", async || {
        stream.consumer_info("korob-reader-read").await.ok()
    })
    .await;
    stream.delete_consumer("korob-reader-read").await.expect("deleted");
    newsroom.tell("story", 2, "news").await.expect("told");
    newsroom.until_read(2).await;
    let jetstream = async_nats::jetstream::new(async_nats::connect(nats.url()).await.expect("connected"));
    jetstream.delete_stream("KOROB").await.expect("deleted");
    for version in 3..=10 {
        newsroom.tell("story", version, "news").await.expect("told");
    }
    newsroom.until_read(10).await;
    messages(nats, 10).await;
    testing::eventually("the consumer is there again", async || {
        stream.consumer_info("korob-reader-read").await.ok()
    })
    .await;
}
