//! A client with one connection, which is driven by the task that waits for the answer: no other task is woken.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER};
use http::{HeaderName, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Request;

/// Longer than any deadline of the suite.
const PATIENCE: Duration = Duration::from_secs(30);
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Whom the requests go to.
pub struct Target {
    address: SocketAddr,
    host: HeaderValue,
    /// `Authorization` headers, used in turn: each key has a rate of its own.
    keys: Vec<HeaderValue>,
}

/// What is told of an answer.
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// Whether it says when to come again.
    pub has_retry_after: bool,
    /// The body.
    pub body: Bytes,
}

/// One client.
pub struct Client {
    target: Arc<Target>,
    key: HeaderValue,
    open: Option<Open>,
}

struct Open {
    sender: SendRequest<Full<Bytes>>,
    connection: Pin<Box<Connection<TokioIo<TcpStream>, Full<Bytes>>>>,
}

impl Target {
    /// The gateway at `address`, with these keys.
    pub fn new(address: SocketAddr, keys: &[String]) -> anyhow::Result<Arc<Self>> {
        let host = HeaderValue::from_str(&address.to_string())?;
        let keys = keys.iter().map(|key| HeaderValue::from_str(&format!("Bearer {key}")));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        anyhow::ensure!(!keys.is_empty(), "a target without a key");
        Ok(Arc::new(Self { address, host, keys }))
    }
}

impl Client {
    /// Client number `number`.
    pub fn new(target: &Arc<Target>, number: usize) -> Self {
        let key = target.keys[number % target.keys.len()].clone();
        Self { target: target.clone(), key, open: None }
    }

    /// Sends a request and waits for the whole answer.
    pub async fn send(&mut self, request: &Request) -> anyhow::Result<Reply> {
        let mut open = match self.open.take() {
            Some(open) if !open.sender.is_closed() => open,
            _ => self.connect().await?,
        };
        let reply = tokio::time::timeout(PATIENCE, open.exchange(self.http(request)?)).await;
        let reply = reply.context("no answer in time")??;
        // What failed is not used again.
        self.open = Some(open);
        Ok(reply)
    }

    async fn connect(&self) -> anyhow::Result<Open> {
        let stream = TcpStream::connect(self.target.address).await.context("not connected")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        Ok(Open { sender, connection: Box::pin(connection) })
    }

    fn http(&self, request: &Request) -> anyhow::Result<http::Request<Full<Bytes>>> {
        let mut http = http::Request::builder()
            .method(request.method.clone())
            .uri(&request.path)
            .header(HOST, self.target.host.clone())
            .header(AUTHORIZATION, self.key.clone());
        if let Some(key) = &request.idempotency_key {
            let json = HeaderValue::from_static("application/json");
            http = http.header(IDEMPOTENCY_KEY, key).header(CONTENT_TYPE, json);
        }
        Ok(http.body(Full::new(request.body.clone()))?)
    }
}

impl Open {
    async fn exchange(&mut self, request: http::Request<Full<Bytes>>) -> anyhow::Result<Reply> {
        let Self { sender, connection } = self;
        let exchange = async {
            sender.ready().await?;
            let answer = sender.send_request(request).await?;
            let (head, body) = answer.into_parts();
            let body = body.collect().await?.to_bytes();
            let has_retry_after = head.headers.contains_key(RETRY_AFTER);
            anyhow::Ok(Reply { status: head.status, has_retry_after, body })
        };
        tokio::pin!(exchange);
        tokio::select! {
            // The exchange first: a connection that ends with its answer has been of use.
            biased;
            reply = &mut exchange => return reply,
            ended = connection => ended.context("the connection broke")?,
        }
        exchange.await
    }
}
