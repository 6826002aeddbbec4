//! The generator's arithmetic, and what it does to a small server.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::tally::percentile_ms;
use super::{Reply, Request, Schedule, Tally, Target, Window, closed, open};

fn reply(status: u16, has_retry_after: bool, body: &'static str) -> anyhow::Result<Reply> {
    let status = StatusCode::from_u16(status).unwrap();
    Ok(Reply { status, has_retry_after, body: Bytes::from_static(body.as_bytes()) })
}

#[test]
fn arrivals_are_evenly_spaced_and_counted() {
    let start = Instant::now();
    let schedule = Schedule::new(start, 400.0);
    assert_eq!(schedule.due(0), start);
    assert_eq!(schedule.due(1) - start, Duration::from_micros(2_500));
    assert_eq!(schedule.due(4_000) - start, Duration::from_secs(10));
    assert_eq!(schedule.count(Duration::from_secs(10)), 4_000);
    assert_eq!(schedule.count(Duration::from_millis(1)), 1);
}

#[test]
fn a_window_holds_what_comes_after_the_warm_up_and_before_the_end() {
    let window =
        Window { start: Instant::now(), discard: Duration::from_secs(1), measure: Duration::from_secs(2) };
    let at = |ms: u64| window.holds(window.start + Duration::from_millis(ms));
    assert_eq!([at(0), at(999), at(1_000), at(2_999), at(3_000)], [false, false, true, true, false]);
}

#[test]
fn a_tally_tells_answers_refusals_and_errors_apart() {
    let mut tally = Tally::new().unwrap();
    let (order, ms) = (Request::post("/", "k".to_owned(), Bytes::new()), Duration::from_millis);
    for at in 1..=100 {
        tally.record(&order, &reply(201, false, "{}"), ms(at), ms(at));
    }
    tally.record(&order, &reply(503, true, ""), ms(1), ms(1));
    tally.record(&order, &reply(503, true, ""), ms(70), ms(1));
    tally.record(&order, &reply(429, false, ""), ms(1), ms(1));
    tally.record(&order, &reply(409, false, r#"{"reason":"OUT_OF_STOCK"}"#), ms(1), ms(1));
    tally.record(&order, &Err(anyhow::anyhow!("the connection broke")), ms(1), ms(1));

    assert_eq!(tally.answered(), 100);
    assert_eq!((tally.refused_us.len(), tally.without_retry_after), (3, 1));
    // A refusal counts from the moment its request was sent.
    assert_eq!(tally.refused_us.max(), 1_000);
    let errors = tally.errors();
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert_eq!(errors["409 OUT_OF_STOCK"], 1);
    assert_eq!(errors["the connection broke"], 1);
    assert_eq!(errors["refused"], 3);
    for (percent, expected) in [(50.0, 50.0), (99.0, 99.0), (100.0, 100.0)] {
        let found = percentile_ms(&tally.answered_us, percent).unwrap();
        assert!((found / expected - 1.0).abs() < 0.001, "{percent}: {found}");
    }
    assert_eq!(percentile_ms(&Tally::new().unwrap().answered_us, 50.0), None);
}

#[test]
fn what_several_clients_saw_adds_up() {
    let (mut one, mut other) = (Tally::new().unwrap(), Tally::new().unwrap());
    let get = Request::get("/");
    one.record(&get, &reply(200, false, ""), Duration::from_millis(1), Duration::from_millis(1));
    other.record(&get, &reply(200, false, ""), Duration::from_millis(9), Duration::from_millis(9));
    other.record(&get, &reply(500, false, ""), Duration::from_millis(9), Duration::from_millis(9));
    other.unsent = 2;
    one.add(&other);
    assert_eq!(one.answered(), 2);
    assert_eq!(
        one.errors().into_iter().collect::<Vec<_>>(),
        [("500".to_owned(), 1), ("not sent in time".to_owned(), 2)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_loop_asks_again_when_it_is_answered() {
    let target = Target::new(serve(Duration::ZERO).await, &["key".to_owned()]).unwrap();
    let window = Window::from_now(Duration::from_millis(50), Duration::from_millis(200));
    let kinds = |number: u64| Request::get("/").of_kind((number % 2) as usize);
    let tallies = closed(&target, 4, 2, window, kinds).await.unwrap();
    for tally in &tallies {
        assert!(tally.answered() > 0);
        assert!(tally.errors().is_empty(), "{:?}", tally.errors());
    }
}

/// One client, answers after 20 ms, requests due every 5 ms: the tenth waits for nine others. A clock that starts when
/// the request is sent would never see more than one answer's time.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_loop_counts_the_waiting_before_a_request_is_sent() {
    let answer = Duration::from_millis(20);
    let target = Target::new(serve(answer).await, &["key".to_owned()]).unwrap();
    let window = Window::from_now(Duration::ZERO, Duration::from_millis(200));
    let tallies =
        open(&target, 1, 1, 200.0, window, Duration::from_secs(5), |_| Request::get("/")).await.unwrap();
    let tally = &tallies[0];
    assert_eq!(tally.answered(), 40, "{:?}", tally.errors());
    // Ten at most can be answered before the end.
    assert!(tally.late >= 30, "{}", tally.late);
    // The last was due at 195 ms and is answered after 40 × 20 ms at the earliest.
    assert!(tally.answered_us.max() >= 600_000, "{} µs", tally.answered_us.max());
    assert!(tally.answered_us.value_at_percentile(50.0) >= 250_000);
}

/// A server that answers 200 to everything, `after` a while.
async fn serve(after: Duration) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = service_fn(move |_request| async move {
                tokio::time::sleep(after).await;
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok"))))
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}
