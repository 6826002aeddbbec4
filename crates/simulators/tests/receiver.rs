//! Takes webhooks, or refuses them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

#[derive(Debug, Clone)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: Bytes,
}

#[derive(Clone, Default)]
pub struct Receiver {
    received: Arc<Mutex<Vec<Received>>>,
    refusals: Arc<Mutex<u32>>,
    pub url: String,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let receiver = Self { url, ..Self::default() };
        let router = Router::new().route("/hook", post(take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// Refuses the next webhooks with 500.
    pub fn refuse_next(&self, times: u32) {
        *self.refusals.lock().expect("a lock") = times;
    }

    pub fn all(&self) -> Vec<Received> {
        self.received.lock().expect("a lock").clone()
    }

    /// Waits until so many have come; all of them.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> impl Future<Output = Vec<Received>> {
        let (receiver, from) = (self.clone(), std::panic::Location::caller());
        async move {
            for _ in 0..500 {
                if receiver.all().len() >= count {
                    return receiver.all();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            panic!("{from}: {} of {count} webhooks came: {:?}", receiver.all().len(), receiver.all());
        }
    }

    /// Waits a little for what must not come; all that came.
    pub async fn settled(&self) -> Vec<Received> {
        tokio::time::sleep(Duration::from_millis(200)).await;
        self.all()
    }
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("readable")).unwrap_or_default()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    {
        let mut refusals = receiver.refusals.lock().expect("a lock");
        if *refusals > 0 {
            *refusals -= 1;
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
    }
    receiver.received.lock().expect("a lock").push(Received { headers, body });
    StatusCode::OK
}
