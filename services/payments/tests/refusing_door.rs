//! A way to the simulated provider that refuses one call and lets everything else through.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use outbound::{Client, Reach, Request};
use proto::payments::v1 as pb;
use tokio::sync::Notify;

use crate::card_shop::CardShop;

/// What is refused, the first time that it is asked for.
#[derive(Clone)]
pub enum Refused {
    Capture,
    /// Once told to answer.
    Charge(Arc<Notify>),
}

struct Door {
    behind: String,
    client: Client,
    refused: Refused,
    has_refused: AtomicBool,
}

/// A shop whose first account leads through such a door.
pub async fn shop_behind_it(refused: Refused) -> CardShop {
    let shop = CardShop::reserving().await;
    let root = shop.simulators.url("card");
    let client = Client::new(Reach::with(&["127.0.0.0/8"])).expect("a client");
    let door = Arc::new(Door { behind: root, client, refused, has_refused: AtomicBool::new(false) });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let app = Router::new().fallback(pass).with_state(door);
    tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
    let account = pb::PaymentAccount {
        base_url: format!("http://{address}"),
        priority: 1,
        ..shop.account_of(shop.kind, pb::CaptureMode::Manual)
    };
    shop.add(account).await;
    shop
}

impl Refused {
    async fn answer(&self) -> (StatusCode, String) {
        let (status, code) = match self {
            Self::Capture => (StatusCode::CONFLICT, "amount_too_large"),
            Self::Charge(told) => {
                told.notified().await;
                (StatusCode::TOO_MANY_REQUESTS, "limit_exceeded")
            }
        };
        (status, format!(r#"{{"error":{{"code":"{code}","message":"no"}}}}"#))
    }
}

async fn pass(
    State(door): State<Arc<Door>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let is_refused = match door.refused {
        Refused::Capture => uri.path().ends_with("/capture"),
        Refused::Charge(_) => method == Method::POST && uri.path().ends_with("/charges"),
    };
    if is_refused && !door.has_refused.swap(true, Ordering::SeqCst) {
        return door.refused.answer().await;
    }
    let path = uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let mut request = Request::new(method, format!("{}{path}", door.behind));
    for name in ["authorization", "idempotency-key"] {
        if let Some(value) = headers.get(name).and_then(|value| value.to_str().ok()) {
            request = request.header(name, value);
        }
    }
    if !body.is_empty() {
        request = request.bytes("application/json", body);
    }
    match door.client.send(request).await {
        Ok(answer) => (answer.status, answer.text()),
        Err(failure) => (StatusCode::BAD_GATEWAY, failure.to_string()),
    }
}
