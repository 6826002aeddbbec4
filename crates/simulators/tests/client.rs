//! A plain HTTP client, which believes nothing.

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

#[derive(Clone)]
pub struct Client {
    http: Http<HttpConnector, Full<Bytes>>,
    base: String,
    headers: Vec<(String, String)>,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Client {
    pub fn new(base: impl Into<String>) -> Self {
        let base = base.into().trim_end_matches('/').to_owned();
        Self { http: Http::builder(TokioExecutor::new()).build_http(), base, headers: Vec::new() }
    }

    /// The same client with one more header on every call.
    pub fn with(&self, name: &str, value: impl Into<String>) -> Self {
        let mut other = self.clone();
        other.headers.retain(|(known, _)| known != name);
        other.headers.push((name.to_owned(), value.into()));
        other
    }

    pub fn bearer(&self, token: &str) -> Self {
        self.with("authorization", format!("Bearer {token}"))
    }

    pub fn key(&self, key: &str) -> Self {
        self.with("idempotency-key", key)
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, "", Bytes::new()).await.expect("an answer")
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.try_post(path, body).await.expect("an answer")
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PUT, path, "application/json", body.to_string().into()).await.expect("an answer")
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, "", Bytes::new()).await.expect("an answer")
    }

    pub async fn form(&self, path: &str, form: &str) -> Reply {
        let body = form.to_owned().into();
        let sent = self.send(Method::POST, path, "application/x-www-form-urlencoded", body);
        sent.await.expect("an answer")
    }

    /// Nothing when the line is cut.
    pub async fn try_post(&self, path: &str, body: Value) -> Option<Reply> {
        self.send(Method::POST, path, "application/json", body.to_string().into()).await
    }

    async fn send(&self, method: Method, path: &str, content_type: &str, body: Bytes) -> Option<Reply> {
        let uri = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let mut request = Request::builder().method(method).uri(uri);
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answer = self.http.request(request.body(Full::new(body)).expect("a request")).await.ok()?;
        let (head, body) = answer.into_parts();
        Some(Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.collect().await.ok()?.to_bytes(),
        })
    }
}

impl Reply {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// The status is as expected; the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:?}", self.body);
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("readable")).unwrap_or_default()
    }
}
