//! A client without manners: any method, path, header and body, from any address of this machine.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

/// Speaks with the gateway.
#[derive(Clone)]
pub struct Client {
    http: HyperClient<HttpConnector, Full<Bytes>>,
    base: String,
}

/// What the gateway answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    /// The text as JSON; null when it is none.
    pub body: Value,
}

impl Client {
    /// A client of the gateway at `base`.
    pub fn new(base: &str) -> Self {
        Self::from_address(base, Ipv4Addr::LOCALHOST)
    }

    /// One whose address nobody had before: what others guessed does not count against it.
    pub fn from_elsewhere(base: &str) -> Self {
        static TAKEN: AtomicU16 = AtomicU16::new(0);
        let [high, low] = TAKEN.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        Self::from_address(base, Ipv4Addr::new(127, 77, high, low.max(1)))
    }

    fn from_address(base: &str, address: Ipv4Addr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_local_address(Some(IpAddr::V4(address)));
        let http = HyperClient::builder(TokioExecutor::new()).pool_max_idle_per_host(64).build(connector);
        Self { http, base: base.to_owned() }
    }

    /// Asks with a key, or with none, and a JSON body, or none.
    pub async fn ask(&self, method: &Method, path: &str, key: Option<&str>, body: Option<&Value>) -> Answer {
        let headers = [
            ("authorization", key.map(|key| format!("Bearer {key}"))),
            ("content-type", body.map(|_| "application/json".to_owned())),
            ("idempotency-key", body.map(|_| uuid::Uuid::new_v4().to_string())),
        ];
        let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.send(method, path, headers, bytes).await
    }

    /// Sends any headers and any body.
    pub async fn send(
        &self,
        method: &Method,
        path: &str,
        headers: impl IntoIterator<Item = (&str, String)>,
        body: Vec<u8>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let exchange = async {
            let (parts, body) = self.http.request(request).await.unwrap().into_parts();
            // A stream has no end; that it is answered says enough.
            let ends = parts.headers.get("content-type").is_none_or(|kind| kind != "text/event-stream");
            let bytes = if ends { body.collect().await.unwrap().to_bytes() } else { Bytes::new() };
            (parts, bytes)
        };
        let what = format!("{method} {}", path.chars().take(200).collect::<String>());
        let (parts, bytes) =
            tokio::time::timeout(PATIENCE, exchange).await.unwrap_or_else(|_| panic!("{what}: no answer"));
        let text = String::from_utf8(bytes.to_vec()).unwrap_or_default();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, text, body }
    }
}

impl Answer {
    /// The status and the stable reason: what a program can act on.
    pub fn verdict(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["reason"].as_str().unwrap_or_default())
    }

    /// The fields that a refusal names.
    pub fn fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().filter_map(|error| error["field"].as_str()).collect()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body of an answer that must be a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text);
        self.body
    }
}
