//! The description, the probes, and the promises about both.

use std::path::Path;

use base64::Engine as _;
use gateway::{CODES, Settings};
use http::Method;
use rpc::{Buyer, CallerKeys, Directory};
use sha2::Digest as _;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use types::{Clock, CustomerId, ShopId};

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

#[test]
fn every_reference_of_the_description_leads_somewhere() {
    let document: serde_json::Value = serde_json::from_str(&gateway::openapi_text().unwrap()).unwrap();
    let mut open = vec![&document];
    let mut references = 0;
    while let Some(value) = open.pop() {
        if let Some(reference) = value["$ref"].as_str() {
            references += 1;
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
        match value {
            serde_json::Value::Object(fields) => open.extend(fields.values()),
            serde_json::Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    assert!(references > 500, "{references}");
}

#[tokio::test]
async fn the_documentation_is_one_page_that_needs_nothing_else() {
    let shop = Shop::open().await;
    let answer = shop.ask_anonymously(Method::GET, "/docs").send().await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/html; charset=utf-8"));
    let page = &answer.text;
    for link in page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert_eq!(
            page.matches(&format!("id=\"{link}\"")).count(),
            1,
            "#{link} leads nowhere, or to two places"
        );
    }
    assert!(page.contains("IDEMPOTENCY_KEY_REUSED</th><td>ALREADY_EXISTS</td><td>422</td>"), "the reasons");

    // Nothing is loaded: not from elsewhere, and not from here.
    for loading in ["src=", "<link", "url(", "@import", "<iframe", "<img", "style=\"", "onclick="] {
        assert!(!page.contains(loading), "{loading}");
    }
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    for part in ["style", "script"] {
        let (_, inside) = page.split_once(&format!("<{part}>")).unwrap();
        let (inside, _) = inside.split_once(&format!("</{part}>")).unwrap();
        let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(inside));
        assert!(policy.contains(&format!("{part}-src 'sha256-{digest}'")), "{policy}");
        assert_eq!(page.matches(&format!("<{part}")).count(), 1);
    }
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
}

#[tokio::test]
async fn every_example_of_the_documentation_reaches_its_service() {
    let shop = Shop::open().await;
    let scopes: Vec<&str> = rpc::known_scopes().iter().copied().collect();
    shop.add_key("everything", &scopes, 10_000);
    let expire_time = Clock::system().now() + chrono::TimeDelta::minutes(1);
    let buyer = Buyer { shop: ShopId::new(), customer: CustomerId::new(), expire_time };
    let token = shop.fakes.buyer_tokens().issue(&buyer);
    let page = shop.ask_anonymously(Method::GET, "/docs").send().await.text;

    let mut reached = 0;
    for part in page.split("<h4>Request</h4>\n<pre><code>").skip(1) {
        let command = unescaped(part.split("</code>").next().unwrap());
        // What is no JSON has no example but a file.
        if command.contains("--data-binary") || !command.contains("Authorization") {
            continue;
        }
        let (head, body) = command.split_once("-d '").unwrap_or((&command, ""));
        let method = match head.split_once("-X ") {
            Some((_, rest)) => rest.split(' ').next().unwrap().parse().unwrap(),
            None if body.is_empty() => Method::GET,
            None => Method::POST,
        };
        let path = head.split("$KOROB").nth(1).unwrap().split('"').next().unwrap();
        let secret = if head.contains("$TOKEN") { token.as_str() } else { "everything" };
        let asking = shop.ask_anonymously(method, path).header("authorization", &format!("Bearer {secret}"));
        let asking = asking.header("idempotency-key", "k-1");
        let body = body.strip_suffix('\'').unwrap_or_default().replace("'\\''", "'");
        let answer = if body.is_empty() { asking.send().await } else { asking.json(body).send().await };
        // Nobody answers here: what gets that far was read as it was written.
        assert_eq!(answer.status, 501, "{command}\n{}", answer.text);
        reached += 1;
    }
    assert!(reached > 60, "{reached}: the examples were not found");
}

fn unescaped(html: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    entities.into_iter().fold(html.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
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
