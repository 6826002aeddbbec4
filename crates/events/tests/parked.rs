//! What cannot be applied is parked with its aggregate's later events; the other aggregates go on.

use proto::events::v1::{ListParkedEventsRequest, ReplayParkedEventRequest};

use crate::newsroom::{Newsroom, Over};

crate::over_both_carriers!(
    a_bad_event_holds_up_its_own_aggregate_only,
    a_handler_that_panics_parks_its_event_and_the_subscription_goes_on,
    an_event_whose_tries_are_used_up_waits_for_an_operator,
);

async fn a_bad_event_holds_up_its_own_aggregate_only(over: Over) {
    let newsroom = Newsroom::over(over).await;
    newsroom.mood.set_upset(true);
    newsroom.tell("sad", 1, "bad").await.expect("told");
    for version in 1..=50 {
        newsroom.tell("sad", version + 1, "news").await.expect("told");
        newsroom.tell("merry", version, "news").await.expect("told");
    }
    let _reader = newsroom.read();

    newsroom.until_read(50).await;
    assert_eq!(newsroom.ask("SELECT count(*) FROM read WHERE aggregate_id = 'sad'").await, 0);
    assert_eq!(newsroom.ask("SELECT count(*) FROM parked_events WHERE aggregate_id = 'sad'").await, 51);

    // The cause is gone: within a try or two everything that waited is applied, in order.
    newsroom.mood.set_upset(false);
    newsroom.until_read(101).await;
    assert_eq!(newsroom.ask("SELECT count(*) FROM parked_events").await, 0);
    let order = "SELECT count(*) FROM (SELECT version - lag(version) OVER (ORDER BY at) AS step FROM read
                                       WHERE aggregate_id = 'sad') AS steps WHERE step <> 1";
    assert_eq!(newsroom.ask(order).await, 0);
}

async fn a_handler_that_panics_parks_its_event_and_the_subscription_goes_on(over: Over) {
    let newsroom = Newsroom::over(over).await;
    newsroom.mood.set_upset(true);
    newsroom.tell("sad", 1, "panic").await.expect("told");
    newsroom.tell("merry", 1, "news").await.expect("told");
    let _reader = newsroom.read();

    newsroom.until_read(1).await;
    let reason = newsroom.ask("SELECT count(*) FROM parked_events WHERE error LIKE '%panicked%'").await;
    assert_eq!(reason, 1);
}

async fn an_event_whose_tries_are_used_up_waits_for_an_operator(over: Over) {
    let newsroom = Newsroom::over(over).await;
    newsroom.mood.set_upset(true);
    newsroom.tell("sad", 1, "bad").await.expect("told");
    newsroom.tell("sad", 2, "news").await.expect("told");
    let _reader = newsroom.read();
    testing::eventually("it is parked", async || {
        (newsroom.ask("SELECT count(*) FROM parked_events").await == 2).then_some(())
    })
    .await;
    // As if it had been tried for long.
    let used_up = "UPDATE parked_events SET tries = 5, next_try_time = NULL WHERE position = 1";
    newsroom.reader_client().await.batch_execute(used_up).await.expect("used up");
    newsroom.mood.set_upset(false);
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    assert_eq!(newsroom.count_read().await, 0, "its successor waits with it");

    let event_id = parked_event_id(&newsroom).await;
    let reader = events::EventLog::new(newsroom.reader.clone(), tokio_util::sync::CancellationToken::new());
    let replay = ReplayParkedEventRequest { consumer: "reader.read".to_owned(), event_id };
    newsroom
        .as_operator(reader, async |mut log| {
            let listed = log
                .list_parked_events(ListParkedEventsRequest::default())
                .await
                .expect("listed")
                .into_inner();
            assert_eq!(listed.parked_events.len(), 2);
            let replayed = log.replay_parked_event(replay).await.expect("replayed").into_inner();
            assert_eq!(replayed.aggregate_id, "sad");
        })
        .await;
    newsroom.until_read(2).await;
}

async fn parked_event_id(newsroom: &Newsroom) -> String {
    let client = newsroom.reader_client().await;
    client
        .query_one("SELECT event_id::text FROM parked_events WHERE position = 1", &[])
        .await
        .expect("parked")
        .get(0)
}
