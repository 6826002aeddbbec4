//! A log that was recreated, or that no longer keeps what a reader needs, is noticed rather than skipped.

use std::time::{Duration, Instant};

use events::EventLog;
use proto::events::v1::ReadEventsRequest;
use tokio_util::sync::CancellationToken;

use crate::newsroom::{Newsroom, Over, tell};

crate::over_both_carriers!(
    a_log_of_another_epoch_is_not_applied,
    events_that_are_no_longer_kept_are_missed_aloud,
    a_log_that_went_back_stops_its_reader_until_the_cursor_is_reset,
);

async fn a_log_of_another_epoch_is_not_applied(over: Over) {
    let newsroom = Newsroom::over(over).await;
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

async fn events_that_are_no_longer_kept_are_missed_aloud(over: Over) {
    let newsroom = Newsroom::over(over).await;
    for version in 1..=5 {
        newsroom.tell("story", version, "news").await.expect("told");
    }
    let stop = newsroom.read();
    newsroom.until_read(5).await;
    stop.cancel();
    // By another process: this one would not need the log to know them.
    let paper = newsroom.second_paper();
    for version in 6..=9 {
        tell(&paper, "story", version, "news").await.expect("told");
    }
    let trimmed = "DELETE FROM event_log WHERE position <= 7; UPDATE event_stream SET trimmed = 7";
    newsroom.paper_client().await.batch_execute(trimmed).await.expect("trimmed");
    let _reader = newsroom.read();
    tokio::time::sleep(Duration::from_secs(2)).await;

    assert_eq!(newsroom.count_read().await, 5, "8 must not be applied as if 6 and 7 had never been");
}

async fn a_log_that_went_back_stops_its_reader_until_the_cursor_is_reset(over: Over) {
    let newsroom = Newsroom::over(over).await;
    for version in 1..=5 {
        newsroom.tell("story", version, "news").await.expect("told");
    }
    let reader = newsroom.read();
    newsroom.until_read(5).await;
    reader.cancel();
    // As a database that was restored to the moment after its second event.
    let restored = "DELETE FROM event_log WHERE position > 2";
    newsroom.paper_client().await.batch_execute(restored).await.expect("restored");
    let _reader = newsroom.read();
    testing::eventually("the cursor is mistrusted", async || {
        let mistrusted = "SELECT count(*) FROM event_cursors WHERE epoch = 'restored'";
        (newsroom.ask(mistrusted).await == 1).then_some(())
    })
    .await;
    for version in 3..=8 {
        newsroom.tell("story", version, "other news").await.expect("told");
    }
    let waiting = ReadEventsRequest { after_position: 5, ..ReadEventsRequest::default() };
    let page = newsroom.log().read_events(waiting).await.expect("answered").into_inner();
    assert_eq!(page.events.len(), 3, "there is something that the reader could go on with");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(newsroom.count_read().await, 5, "6 must not be applied as if 3 to 5 were those it knows");

    let epoch = newsroom.log().read_events(ReadEventsRequest::default()).await.expect("answered");
    let reset = format!("UPDATE event_cursors SET position = 2, epoch = '{}'", epoch.into_inner().epoch);
    newsroom.reader_client().await.batch_execute(&reset).await.expect("reset");
    newsroom.until_read(11).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_waits_hears_of_an_event_soon() {
    let newsroom = Newsroom::over(Over::Log).await;
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
    let newsroom = Newsroom::over(Over::Log).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_has_just_committed_is_read_as_it_is_stored() {
    let newsroom = Newsroom::over(Over::Log).await;
    let (paper, second) = (newsroom.paper_store(), newsroom.second_paper());
    for version in 1..=40 {
        // Runs of both, so that each misses what the other has told.
        let by = if version / 4 % 2 == 0 { &paper } else { &second };
        let text = if version % 3 == 0 { "a longer piece of news" } else { "news" };
        tell(by, "story", version, text).await.expect("told");
    }
    let of_nobody = EventLog::new(newsroom.second_paper(), CancellationToken::new());
    let mut log = newsroom.log();
    for after in 0..=40 {
        for (types, limit) in
            [(vec![], 0), (vec![], 3), (vec!["korob.type.v1.Money".to_owned()], 2), (vec!["x".to_owned()], 1)]
        {
            let request = ReadEventsRequest { after_position: after, types, limit, wait_ms: 0 };
            let here = log.read_events(request.clone()).await.expect("answered").into_inner();
            let read_on = ReadEventsRequest { limit: here.events.len().max(1) as i32, ..request };
            newsroom
                .as_operator(of_nobody.clone(), async |mut stored| {
                    let stored = stored.read_events(read_on).await.expect("answered").into_inner();
                    assert_eq!(here.events, stored.events, "after {after}");
                    assert_eq!(here.epoch, stored.epoch);
                })
                .await;
        }
    }
}
