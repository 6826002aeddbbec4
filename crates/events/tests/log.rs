//! A log that was recreated, or that no longer keeps what a reader needs, is noticed rather than skipped.

use std::time::{Duration, Instant};

use proto::events::v1::ReadEventsRequest;

use crate::newsroom::Newsroom;

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_another_epoch_is_not_applied() {
    let newsroom = Newsroom::new().await;
    newsroom.tell("story", 1, "news").await.expect("told");
    let stop = newsroom.read();
    newsroom.until_read(1).await;
    stop.cancel();
    // The paper's database is restored from yesterday and goes on from there.
    let restored = "DELETE FROM event_log; UPDATE event_stream SET epoch = gen_random_uuid()";
    newsroom.paper_client().await.batch_execute(restored).await.expect("restored");
    for version in 1..=3 {
        newsroom.tell("another story", version, "news").await.expect("told");
    }
    let _reader = newsroom.read();
    tokio::time::sleep(Duration::from_secs(2)).await;

    assert_eq!(newsroom.count_read().await, 1, "positions of two logs mean different events");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_no_longer_kept_are_missed_aloud() {
    let newsroom = Newsroom::new().await;
    for version in 1..=5 {
        newsroom.tell("story", version, "news").await.expect("told");
    }
    let stop = newsroom.read();
    newsroom.until_read(5).await;
    stop.cancel();
    for version in 6..=9 {
        newsroom.tell("story", version, "news").await.expect("told");
    }
    let trimmed = "DELETE FROM event_log WHERE position <= 7; UPDATE event_stream SET trimmed = 7";
    newsroom.paper_client().await.batch_execute(trimmed).await.expect("trimmed");
    let _reader = newsroom.read();
    tokio::time::sleep(Duration::from_secs(2)).await;

    assert_eq!(newsroom.count_read().await, 5, "8 must not be applied as if 6 and 7 had never been");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_waits_hears_of_an_event_soon() {
    let newsroom = Newsroom::new().await;
    let mut log = newsroom.log();
    let waiting = tokio::spawn(async move {
        let request = ReadEventsRequest { wait_ms: 10_000, ..ReadEventsRequest::default() };
        let page = log.read_events(request).await.expect("answered").into_inner();
        (page.events.len(), Instant::now())
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let told = Instant::now();
    newsroom.tell("story", 1, "news").await.expect("told");
    let (count, heard) = waiting.await.expect("no panic");

    assert_eq!(count, 1);
    // Far less than it was ready to wait, also on a busy machine.
    assert!(heard - told < Duration::from_secs(2), "it took {:?}", heard - told);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_how_far_it_looked() {
    let newsroom = Newsroom::new().await;
    for version in 1..=10 {
        newsroom.tell("story", version, "news").await.expect("told");
    }
    let mut seen = Vec::new();
    let mut after_position = 0;
    loop {
        let request = ReadEventsRequest { after_position, limit: 3, ..ReadEventsRequest::default() };
        let page = newsroom.log().read_events(request).await.expect("answered").into_inner();
        if page.events.is_empty() {
            break;
        }
        seen.extend(page.events.iter().map(|event| event.position));
        after_position = page.read_position;
    }
    assert_eq!(seen, (1..=10).collect::<Vec<_>>());

    let other =
        ReadEventsRequest { types: vec!["nobody.tells.this".to_owned()], ..ReadEventsRequest::default() };
    let page = newsroom.log().read_events(other).await.expect("answered").into_inner();
    assert!(page.events.is_empty());
    assert_eq!(page.read_position, 10, "what is of other types need not be looked at again");
}
