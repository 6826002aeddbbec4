//! Many writers, several readers, one effect per event.

use std::time::Duration;

use store::Store;

use crate::newsroom::{Newsroom, Over, tell};

crate::over_both_carriers!(
    sixteen_writers_lose_nothing_double_nothing_and_keep_the_order,
    a_reader_that_is_cut_off_again_and_again_applies_everything_once,
    a_reader_that_was_away_goes_on_where_it_was,
    large_events_do_not_stop_the_subscription,
);

const WRITERS: i64 = 16;
const EVENTS_EACH: i64 = 40;

async fn sixteen_writers_lose_nothing_double_nothing_and_keep_the_order(over: Over) {
    let newsroom = Newsroom::over(over).await;
    // Three processes of one consumer.
    let readers = [newsroom.read(), newsroom.read(), newsroom.read()];
    let writers = (0..WRITERS).map(|writer| {
        let store = newsroom.paper_store();
        tokio::spawn(async move {
            let story = format!("story-{writer}");
            for version in 1..=EVENTS_EACH {
                // Every tenth is rolled back first.
                if version % 10 == 0 {
                    let cut = tell(&store, &story, version, "cut");
                    let _ = tokio::time::timeout(Duration::from_micros(500), cut).await;
                }
                write(&store, &story, version).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("no panic");
    }

    let paper = newsroom.paper_client().await;
    let row = paper.query_one("SELECT count(*), max(position) FROM event_log", &[]).await.expect("the log");
    let (told, last): (i64, i64) = (row.get(0), row.get(1));
    assert_eq!(told, WRITERS * EVENTS_EACH);
    assert_eq!(last, told, "positions have no gaps");
    newsroom.until_read(told).await;
    assert_eq!(
        newsroom.count_out_of_order().await,
        0,
        "each aggregate's events are applied in order, none left out"
    );
    readers.iter().for_each(|stop| stop.cancel());
}

/// Tells one event, again while the answer is not known; it may be there already.
async fn write(store: &Store, story: &str, version: i64) {
    loop {
        match tell(store, story, version, "news").await {
            Ok(()) => return,
            Err(error) if error.is_transient() => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => {
                let taken = format!("{:?}", error).contains("event_log_aggregate_id_version_key");
                assert!(taken, "{error:?}");
                return;
            }
        }
    }
}

async fn a_reader_that_is_cut_off_again_and_again_applies_everything_once(over: Over) {
    let newsroom = Newsroom::over(over).await;
    for version in 1..=300 {
        newsroom.tell("story", version, "news").await.expect("told");
    }
    for round in 0..40 {
        let stop = newsroom.read();
        tokio::time::sleep(Duration::from_millis(round)).await;
        stop.cancel();
    }
    let _last = newsroom.read();

    newsroom.until_read(300).await;
}

async fn a_reader_that_was_away_goes_on_where_it_was(over: Over) {
    let newsroom = Newsroom::over(over).await;
    newsroom.tell("story", 1, "news").await.expect("told");
    let stop = newsroom.read();
    newsroom.until_read(1).await;
    stop.cancel();
    for version in 2..=5 {
        newsroom.tell("story", version, "news").await.expect("told");
    }
    let _again = newsroom.read();

    newsroom.until_read(5).await;
}

async fn large_events_do_not_stop_the_subscription(over: Over) {
    let newsroom = Newsroom::over(over).await;
    // Together more than one message may hold, and one that is large alone.
    for version in 1..=30 {
        newsroom.tell("story", version, &"x".repeat(300_000)).await.expect("told");
    }
    newsroom.tell("story", 31, &"x".repeat(5_000_000)).await.expect("told");
    newsroom.tell("story", 32, "news").await.expect("told");
    let _reader = newsroom.read();

    newsroom.until_read(32).await;
}
