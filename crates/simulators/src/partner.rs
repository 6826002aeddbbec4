//! A partner's receiver of webhooks: believes what is signed as Standard Webhooks say, notes what came, and fails on demand.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::lock;

/// How a partner answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mood {
    /// Takes what is signed.
    Takes,
    /// Answers this status and has not done it.
    Refuses(u16),
    /// Answers 429 and how many seconds it wants to be left alone.
    Busy(u64),
    /// Does it and answers 500: it will get it again.
    DoesAndFails,
    /// Takes longer than anybody waits.
    Hangs,
    /// Answers a redirect to this address.
    Redirects(String),
}

/// What came and was signed.
#[derive(Debug, Clone)]
pub struct Notified {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub timestamp: i64,
    /// The body.
    pub body: Value,
}

/// A receiver on a free port of the loopback interface.
pub struct Partner {
    address: SocketAddr,
    state: Arc<PartnerState>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct PartnerState {
    secrets: Mutex<Vec<String>>,
    mood: Mutex<Option<Mood>>,
    next_moods: Mutex<VecDeque<Mood>>,
    /// Resources whose events are refused.
    refused_resources: Mutex<HashSet<String>>,
    asked: Mutex<u64>,
    forged: Mutex<u64>,
    taken: Mutex<Vec<Notified>>,
}

impl Partner {
    /// Starts to listen.
    ///
    /// # Panics
    /// No port is free; for tests.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap_or_else(|error| panic!("{error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("{error}"));
        let state = Arc::new(PartnerState::default());
        let router = Router::new().fallback(any(receive)).with_state(state.clone());
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { address, state, serving }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/korob", self.address)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Believes what is signed with this secret, too: `whsec_…`.
    pub fn trust(&self, secret: &str) {
        lock(&self.state.secrets).push(secret.to_owned());
    }

    /// Believes no secret that it was told before.
    pub fn forget_secrets(&self) {
        lock(&self.state.secrets).clear();
    }

    /// How it answers from now on.
    pub fn is(&self, mood: Mood) {
        *lock(&self.state.mood) = Some(mood);
    }

    /// How it answers the next ones, before it is itself again.
    pub fn next(&self, moods: impl IntoIterator<Item = Mood>) {
        lock(&self.state.next_moods).extend(moods);
    }

    /// Refuses what concerns this resource, until [`accept`](Self::accept).
    pub fn refuse(&self, resource: &str) {
        lock(&self.state.refused_resources).insert(resource.to_owned());
    }

    /// Takes what concerns this resource again.
    pub fn accept(&self, resource: &str) {
        lock(&self.state.refused_resources).remove(resource);
    }

    /// What it has done, in the order in which it came; the same twice when it came twice.
    pub fn taken(&self) -> Vec<Notified> {
        lock(&self.state.taken).clone()
    }

    /// How often somebody called.
    pub fn asked(&self) -> u64 {
        *lock(&self.state.asked)
    }

    /// How often something came that was not signed with a secret it knows.
    pub fn forged(&self) -> u64 {
        *lock(&self.state.forged)
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Notified {
    /// A text of the body, such as `resourceId`.
    pub fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_default()
    }
}

async fn receive(State(state): State<Arc<PartnerState>>, headers: HeaderMap, body: Bytes) -> Response {
    *lock(&state.asked) += 1;
    let Some(notified) = read(&state, &headers, &body) else {
        *lock(&state.forged) += 1;
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let mood = lock(&state.next_moods).pop_front().or_else(|| lock(&state.mood).clone());
    let refused = lock(&state.refused_resources).contains(notified.text("resourceId"));
    match mood.filter(|_| !refused) {
        None if refused => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        None | Some(Mood::Takes) => {
            lock(&state.taken).push(notified);
            StatusCode::NO_CONTENT.into_response()
        }
        Some(Mood::Refuses(status)) => {
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
        }
        Some(Mood::Busy(seconds)) => {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", seconds.to_string())]).into_response()
        }
        Some(Mood::DoesAndFails) => {
            lock(&state.taken).push(notified);
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Some(Mood::Hangs) => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            StatusCode::NO_CONTENT.into_response()
        }
        Some(Mood::Redirects(to)) => (StatusCode::FOUND, [("location", to)]).into_response(),
    }
}

/// What came, if one of the signatures is genuine.
fn read(state: &PartnerState, headers: &HeaderMap, body: &Bytes) -> Option<Notified> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let (id, timestamp) = (header("webhook-id")?, header("webhook-timestamp")?);
    let message = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    let signatures: Vec<Vec<u8>> = header("webhook-signature")?
        .split(' ')
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .collect();
    let genuine = lock(&state.secrets).iter().any(|secret| {
        let key = secret.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
        let mac = key.and_then(|key| <Hmac<Sha256> as Mac>::new_from_slice(&key).ok());
        mac.is_some_and(|mac| {
            let mac = mac.chain_update(&message);
            signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
        })
    });
    let body = serde_json::from_slice(body).ok()?;
    genuine.then(|| Notified { id: id.to_owned(), timestamp: timestamp.parse().unwrap_or(0), body })
}
