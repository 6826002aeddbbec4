//! A small REST client for the demonstration and the load generator.

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::request::Builder;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

/// Speaks JSON with the gateway. Clones share connections.
#[derive(Clone)]
pub struct Client {
    http: HyperClient<HttpConnector, Full<Bytes>>,
    base: String,
    key: String,
}

/// What the gateway answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body; null when there is none.
    pub body: Value,
    /// Whether it says when to ask again.
    #[allow(dead_code)] // The suites of tests include this file.
    pub retry_after: bool,
}

impl Answer {
    /// The body, or an error that says what the gateway said.
    pub fn ok(self) -> anyhow::Result<Value> {
        anyhow::ensure!(self.status.is_success(), "the gateway answered {}: {}", self.status, self.body);
        Ok(self.body)
    }

    /// The reason of a refusal.
    pub fn reason(&self) -> &str {
        self.body["reason"].as_str().unwrap_or_default()
    }
}

/// Whether a call was never made because nobody listens.
#[allow(dead_code)] // The suites of tests include this file.
pub fn is_not_connected(error: &anyhow::Error) -> bool {
    error.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|error| error.is_connect())
}

impl Client {
    /// A client for full URLs without a key.
    pub fn new() -> Self {
        Self::with_key(String::new(), String::new())
    }

    /// A client of the gateway at `base`, such as `http://127.0.0.1:8080`.
    pub fn with_key(base: String, key: String) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { http: HyperClient::builder(TokioExecutor::new()).build(connector), base, key }
    }

    /// The same client with another key.
    #[allow(dead_code)] // The scenarios include this file.
    pub fn authorized(self, key: String) -> Self {
        Self { key, ..self }
    }

    /// GETs a path.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(Method::GET, path, None, &Value::Null).await
    }

    /// POSTs JSON under an idempotency key.
    pub async fn post(&self, path: &str, idempotency_key: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(Method::POST, path, Some(idempotency_key), body).await
    }

    /// PATCHes JSON.
    #[allow(dead_code)] // The scenarios include this file.
    pub async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        let request =
            Request::builder().method(Method::PATCH).uri(path).header("content-type", "application/json");
        self.send_raw(request, serde_json::to_vec(body)?).await
    }

    /// Whether a GET of a full URL answers 200.
    pub async fn is_ok(&self, url: &str) -> bool {
        matches!(self.get(url).await, Ok(answer) if answer.status == StatusCode::OK)
    }

    /// The same client with connections of its own.
    #[allow(dead_code)] // The scenarios include this file.
    pub fn reconnected(&self) -> Self {
        Self::with_key(self.base.clone(), self.key.clone())
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        idempotency_key: Option<&str>,
        body: &Value,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key).header("content-type", "application/json");
        }
        let bytes = if body.is_null() { Vec::new() } else { serde_json::to_vec(body)? };
        self.send_raw(request, bytes).await
    }

    /// Sends any body to a path; adds the base and the key.
    pub async fn send_raw(&self, request: Builder, body: Vec<u8>) -> anyhow::Result<Answer> {
        let mut request = request.body(Full::new(Bytes::from(body)))?;
        *request.uri_mut() = format!("{}{}", self.base, request.uri()).parse()?;
        if !self.key.is_empty() {
            request.headers_mut().insert(AUTHORIZATION, format!("Bearer {}", self.key).parse()?);
        }
        let exchange = async {
            let response = self.http.request(request).await?;
            let (status, retry_after) = (response.status(), response.headers().contains_key(RETRY_AFTER));
            let bytes = response.into_body().collect().await?.to_bytes();
            anyhow::Ok((status, retry_after, bytes))
        };
        let (status, retry_after, bytes) =
            tokio::time::timeout(PATIENCE, exchange).await.context("no answer in time")??;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { status, body, retry_after })
    }
}
