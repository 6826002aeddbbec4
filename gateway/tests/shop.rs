//! A partner of the suite: a gateway on a free port, keys, and requests that read like sentences.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use gateway::{Serving, Settings};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use proto::access::v1::{ApiKey, AuthenticateKeyRequest};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use types::{KeyId, ShopId};

use crate::fakes::Fakes;

pub const SECRET: &str = "kor_live_0123456789abcdef";
const AUTHENTICATE: &str = "/korob.access.v1.AccessService/AuthenticateKey";

/// Keys by the digest of their secret.
type KnownKeys = Arc<Mutex<Vec<(Vec<u8>, ApiKey)>>>;

pub struct Shop {
    pub fakes: Fakes,
    pub address: SocketAddr,
    pub serving: Serving,
    pub shutdown: CancellationToken,
    keys: KnownKeys,
    client: Client<HttpConnector, Full<Bytes>>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

pub struct Asking<'a> {
    shop: &'a Shop,
    request: http::request::Builder,
    body: Bytes,
}

impl Shop {
    /// A gateway with one key that may do everything with orders.
    pub async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    pub async fn open_with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings { listen: ([127, 0, 0, 1], 0).into(), ..Settings::default() };
        change(&mut settings);
        let fakes = Fakes::default();
        let keys = KnownKeys::default();
        let known = keys.clone();
        fakes.answer(AUTHENTICATE, move |request: AuthenticateKeyRequest| {
            let known = known.lock().unwrap();
            let found = known.iter().find(|(digest, _)| *digest == request.secret_sha256);
            found.map(|(_, key)| key.clone()).ok_or_else(|| Status::not_found("no such key"))
        });
        let shutdown = CancellationToken::new();
        let serving = gateway::serve(settings, &fakes.directory(), shutdown.clone()).await.unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let shop = Self { fakes, address: serving.address, serving, shutdown, keys, client };
        shop.add_key(SECRET, &["orders.write", "orders.read"], 1000);
        shop
    }

    pub fn add_key(&self, secret: &str, scopes: &[&str], rate_limit: i32) {
        let key = ApiKey {
            key_id: KeyId::new().to_string(),
            shop_ids: vec![ShopId::new().to_string()],
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            rate_limit,
            ..ApiKey::default()
        };
        self.keys.lock().unwrap().push((Sha256::digest(secret).to_vec(), key));
    }

    pub fn revoke_keys(&self) {
        self.keys.lock().unwrap().clear();
    }

    /// How often the access service was asked.
    pub fn key_questions(&self) -> usize {
        self.fakes.asked(AUTHENTICATE).len()
    }

    /// A request with the shop's key.
    pub fn ask(&self, method: Method, path: &str) -> Asking<'_> {
        self.ask_anonymously(method, path).header("authorization", &format!("Bearer {SECRET}"))
    }

    pub fn ask_anonymously(&self, method: Method, path: &str) -> Asking<'_> {
        let request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        Asking { shop: self, request, body: Bytes::new() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).send().await
    }

    /// Posts JSON with a fresh idempotency key.
    pub async fn post(&self, path: &str, json: impl Into<Bytes>) -> Answer {
        self.ask(Method::POST, path).header("idempotency-key", "k-1").json(json).send().await
    }
}

impl Asking<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn json(mut self, json: impl Into<Bytes>) -> Self {
        self.body = json.into();
        self.header("content-type", "application/json")
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub async fn send(self) -> Answer {
        let request = self.request.body(Full::new(self.body)).unwrap();
        let sent = tokio::time::timeout(Duration::from_secs(20), self.shop.client.request(request));
        let (parts, body) = sent.await.expect("an answer in time").unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks the status and the whole shape of a problem, and gives it back.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, reason: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["reason"], reason, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], "about:blank");
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        problem
    }
}
