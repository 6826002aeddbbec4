//! What operators see of a process that runs, and change in it.

use std::time::Duration;

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::collector::Collector;
use crate::suite::{Mode, Suite};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_logged_and_traced_changes_while_it_runs() {
    let (collector, address) = Collector::start().await;
    let telemetry = format!("[telemetry]\notlp_endpoint = \"http://{address}\"\nsample_ratio = 0.0");
    let suite = Suite::start_with(Mode::OneProcess, &telemetry).await;
    suite.stock("MUG", 10).await;
    place(&suite, "untraced").await;
    assert!(!suite.log().contains("answered"), "requests are not logged one by one");

    let changed = json!({ "sampleRatio": 1.0, "logFilter": "warn,gateway=debug" });
    let (status, text) = change(&suite, &changed.to_string()).await;
    assert_eq!((status, read(&text)), (StatusCode::OK, changed.clone()));
    place(&suite, "traced").await;
    testing::eventually("the second order's spans", async || {
        let traces = collector.traces();
        traces
            .values()
            .flat_map(|spans| spans.values())
            .find(|span| span.name == "orders.place_order")
            .map(drop)
    })
    .await;
    // Spans leave in the order in which they end: those of the first would have been there before.
    let placements = |name: &str| {
        let traces = collector.traces();
        traces.values().flat_map(|spans| spans.values()).filter(|span| span.name == name).count()
    };
    assert_eq!(placements("orders.place_order"), 1, "the first one was not to be recorded");
    assert!(suite.log().contains("answered"), "the gateway tells of each request now");

    for (body, wrong) in [
        (r#"{"sampleRatio":1.5}"#, "sampleRatio: 1.5 is not between 0 and 1"),
        (r#"{"sampleRatio":-0.1,"logFilter":"off"}"#, "sampleRatio: -0.1 is not between 0 and 1"),
        (r#"{"logFilter":"gateway=loud"}"#, "logFilter: "),
        (r#"{"log_filter":"info"}"#, "unknown field `log_filter`"),
        (r#"{"sampleRatio":"all"}"#, "sampleRatio"),
        ("debug", ""),
    ] {
        let (status, text) = change(&suite, body).await;
        assert!(status.is_client_error(), "{body}: {status}");
        assert!(text.contains(wrong), "{body}: {text}");
    }
    let (_, text) = ask(&suite, Method::GET, "/telemetry", "*/*", "").await;
    assert_eq!(read(&text), changed, "what is refused changes nothing");

    let (status, text) = ask(&suite, Method::GET, "/metrics", OPEN_METRICS, "").await;
    assert_eq!(status, StatusCode::OK);
    let has_exemplar = |line: &str| {
        let trace_ids =
            collector.traces().into_keys().map(|id| id.iter().map(|byte| format!("{byte:02x}")).collect());
        let mut marks = trace_ids.map(|id: String| format!(" # {{trace_id=\"{id}\"}} "));
        line.contains("route=\"/v1/orders\"") && marks.any(|mark| line.contains(&mark))
    };
    assert!(text.lines().any(has_exemplar), "a duration leads to its trace:\n{text}");
    assert!(text.ends_with("# EOF\n") && !text.contains("\n\n"), "as OpenMetrics wants it");
    assert!(text.contains("# TYPE korob_events_told counter\n"), "counters are families without a suffix");
    suite.stop().await;
}

/// The suite logs what libraries log when it is told to, but never the values of statements unless that is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn statements_stay_out_of_logs_at_every_level() {
    let suite = Suite::start(Mode::OneProcess).await;
    suite.stock("MUG", 10).await;
    let (status, _) = change(&suite, r#"{"logFilter":"debug"}"#).await;
    assert_eq!(status, StatusCode::OK);
    place(&suite, "private").await;
    let (status, _) = change(&suite, r#"{"logFilter":"warn"}"#).await;
    assert_eq!(status, StatusCode::OK);
    let log = suite.log();
    assert!(log.contains("DEBUG"), "everything else is told");
    for personal in ["Олена", "Коваленко", "+38067"] {
        assert!(!log.contains(personal), "{personal} is in the log");
    }
    suite.stop().await;
}

async fn place(suite: &Suite, key: &str) {
    suite.rest.post("/v1/orders", key, &suite.order("MUG", 1)).await.unwrap().ok().unwrap();
}

async fn change(suite: &Suite, body: &str) -> (StatusCode, String) {
    ask(suite, Method::PUT, "/telemetry", "*/*", body).await
}

/// Asks the operators' port.
pub async fn ask(
    suite: &Suite,
    method: Method,
    path: &str,
    accept: &str,
    body: &str,
) -> (StatusCode, String) {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<bytes::Bytes>>();
    let request = Request::builder()
        .method(method)
        .uri(format!("http://{}{path}", suite.ops()))
        .header("accept", accept)
        .header("content-type", "application/json")
        .body(Full::from(body.to_owned()))
        .unwrap();
    let answer =
        tokio::time::timeout(Duration::from_secs(20), client.request(request)).await.unwrap().unwrap();
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}
