//! Streams of changes: events as they come, the last id, and an end for who may not hear any more.

use std::time::Duration;

use http::Method;
use prost::Message as _;
use proto::webhooks::v1::{FeedEvent, PublicEvent, WatchFeedRequest, WatchFeedResponse};
use tonic::Status;

use crate::shop::Shop;

const WATCH: &str = "/korob.webhooks.v1.FeedService/WatchFeed";
const STREAM: &str = "/v1/events/stream";

async fn open() -> Shop {
    let shop = Shop::open_with(|settings| settings.limits.event_streams_per_key_max = 1).await;
    shop.add_key("listener", &["webhooks.events"], 100);
    shop
}

fn event(number: i64) -> FeedEvent {
    let event = PublicEvent {
        event_id: format!("evt_{number}"),
        r#type: "order.changed".to_owned(),
        sequence: number,
        ..PublicEvent::default()
    };
    FeedEvent { event: Some(event), cursor: format!("cursor-{number}") }
}

#[tokio::test]
async fn a_stream_is_events_with_the_cursor_as_their_id() {
    let shop = open().await;
    shop.fakes.answer_stream(WATCH, |_| {
        let told = WatchFeedResponse { events: vec![event(1), event(2)], next_cursor: "cursor-2".to_owned() };
        let alive = WatchFeedResponse { events: Vec::new(), next_cursor: "cursor-9".to_owned() };
        Ok(vec![told.encode_to_vec().into(), alive.encode_to_vec().into()])
    });

    let path = format!("{STREAM}?types=order.changed&after=cursor-0&exceptOwn=true");
    let asking = shop.ask_anonymously(Method::GET, &path).header("authorization", "Bearer listener");
    let answer = asking.send().await;

    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/event-stream"));
    let mut parts = answer.text.split("\n\n");
    assert_eq!(parts.next(), Some("retry: 2000"));
    for number in 1..=2 {
        let lines: Vec<&str> = parts.next().unwrap().lines().collect();
        assert_eq!(lines[..2], [format!("id: cursor-{number}").as_str(), "event: order.changed"]);
        let data: serde_json::Value = serde_json::from_str(lines[2].strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(
            (&data["eventId"], &data["sequence"]),
            (&format!("evt_{number}").into(), &number.to_string().into())
        );
    }
    assert_eq!(parts.next(), Some("id: cursor-9"));
    let asked = WatchFeedRequest::decode(shop.fakes.asked(WATCH)[0].messages[0].clone()).unwrap();
    assert_eq!(
        (asked.after.as_str(), asked.types, asked.except_own),
        ("cursor-0", vec!["order.changed".to_owned()], true)
    );
}

#[tokio::test]
async fn who_comes_back_goes_on_where_the_stream_ended() {
    let shop = open().await;
    shop.fakes.answer_stream(WATCH, |_| Ok(Vec::new()));
    let asking = shop.ask_anonymously(Method::GET, &format!("{STREAM}?after=old"));
    let asking = asking.header("authorization", "Bearer listener").header("last-event-id", "newer");
    assert_eq!(asking.send().await.status, 200);
    let asked = WatchFeedRequest::decode(shop.fakes.asked(WATCH)[0].messages[0].clone()).unwrap();
    assert_eq!(asked.after, "newer");
}

#[tokio::test]
async fn what_is_refused_is_a_problem_and_no_stream() {
    let shop = open().await;
    shop.fakes.answer_stream(WATCH, |_| {
        let fault = rpc::Fault::new(tonic::Code::FailedPrecondition, "CURSOR_EXPIRED", "no longer kept");
        Err(Status::from(fault.with("stream", "orders")))
    });
    let ask = |path: String| {
        shop.ask_anonymously(Method::GET, &path).header("authorization", "Bearer listener").send()
    };
    ask(STREAM.to_owned()).await.expect_problem(410, "CURSOR_EXPIRED");
    ask(format!("{STREAM}?limit=5")).await.expect_problem(400, "UNKNOWN_PARAMETER");
    shop.get(STREAM).await.expect_problem(403, "SCOPE_MISSING");
    shop.ask_anonymously(Method::GET, STREAM).send().await.expect_problem(401, "KEY_REQUIRED");
}

#[tokio::test]
async fn a_key_has_so_many_streams_and_gets_its_places_back() {
    let shop = open().await;
    shop.fakes.answer_stream(WATCH, |_| Ok(Vec::new()));
    for _ in 0..3 {
        let asking = shop.ask_anonymously(Method::GET, STREAM).header("authorization", "Bearer listener");
        assert_eq!(asking.send().await.status, 200);
        // The place is given back when the answer was written to its end.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
