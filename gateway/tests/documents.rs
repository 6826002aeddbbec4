//! The description, the probes, and the promises about both.

use std::path::Path;

use gateway::{CODES, Settings};
use http::Method;
use rpc::{CallerKeys, Directory};
use tokio_util::sync::CancellationToken;
use tonic::Code;

use crate::fakes::SERVICES;
use crate::shop::Shop;

#[test]
fn the_kept_description_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == gateway::openapi_text().unwrap(),
        "gateway/openapi.json is not current: run `cargo xtask openapi`"
    );
}

#[tokio::test]
async fn the_description_is_served() {
    let shop = Shop::open().await;
    let answer = shop.ask_anonymously(Method::GET, "/openapi.json").send().await;
    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str()),
        (200, gateway::openapi_text().unwrap().as_str())
    );
    shop.ask_anonymously(Method::POST, "/openapi.json")
        .send()
        .await
        .expect_problem(405, "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn ready_when_every_service_serves() {
    let shop = Shop::open().await;
    let answer = shop.ask_anonymously(Method::GET, "/readyz").send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["services"].as_object().unwrap().len(), SERVICES.len());
}

#[tokio::test]
async fn live_and_not_ready_while_services_start() {
    let directory = Directory::in_process(["orders"], CallerKeys::random());
    let settings = Settings { listen: ([127, 0, 0, 1], 0).into(), ..Settings::default() };
    let serving = gateway::serve(settings, &directory, CancellationToken::new()).await.unwrap();
    let client =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let ask = async |path: &str| {
        let request = http::Request::get(format!("http://{}{path}", serving.address));
        let request = request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
        client.request(request).await.unwrap().status().as_u16()
    };
    assert_eq!((ask("/healthz").await, ask("/readyz").await), (200, 503));
}

#[test]
fn every_code_has_a_row() {
    for code in (1..=16).map(Code::from_i32) {
        assert_eq!(CODES.iter().filter(|row| row.code == code).count(), 1, "{code:?}");
    }
}

#[test]
fn settings_have_defaults_and_refuse_unknown_keys() {
    let settings: Settings = serde_json::from_str(r#"{"limits": {"body_bytes_max": 5}}"#).unwrap();
    assert_eq!((settings.listen.port(), settings.limits.body_bytes_max), (8080, 5));
    assert_eq!(settings.limits.header_ms_max, 5000);
    let proxies = r#"{"trusted_proxies": ["10.0.0.0/8", "::1", "192.0.2.1"]}"#;
    assert_eq!(serde_json::from_str::<Settings>(proxies).unwrap().trusted_proxies.len(), 3);
    assert!(serde_json::from_str::<Settings>(r#"{"trusted_proxies": ["10.0.0.0/40"]}"#).is_err());
    assert!(serde_json::from_str::<Settings>(r#"{"lisen": "x"}"#).is_err());
    assert!(serde_json::from_str::<Settings>(r#"{"limits": {"body": 5}}"#).is_err());
}
