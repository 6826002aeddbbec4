//! Listens, hands each request to its system, cuts lines that are to be cut, and ends in order.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::Response;
use axum::routing::{any, get};
use axum::{Json, Router};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::answer::LineCut;
use crate::asked::Asked;
use crate::system::System;
use crate::vendor::{self, Vendor};
use crate::world::World;
use crate::{card, cdek, control, fiscal, nova_poshta, parcel, stripe, yookassa};

/// The largest request that is read.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Connections that are served at the same time.
const CONNECTIONS_MAX: usize = 1_024;
/// How long a client may take for the head of a request.
const HEADER_WITHIN: Duration = Duration::from_secs(30);
/// How long requests under way may take once the server is asked to stop.
const DRAIN_WITHIN: Duration = Duration::from_secs(2);
/// After an accept that failed, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Nothing is answered: the caller finds its connection closed.
#[derive(Debug, thiserror::Error)]
#[error("the line is cut, as the fault demands")]
struct Cut;

/// Serves until `stop`, then lets requests under way finish for a moment.
pub(crate) async fn run(listener: TcpListener, world: Arc<World>, stop: CancellationToken) {
    let router = router(world);
    let connections = TaskTracker::new();
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else { break };
        let Some(stream) = stop.run_until_cancelled(accept(&listener)).await else { break };
        let connection = connection(stream, router.clone(), stop.clone());
        connections.spawn(async move {
            connection.await;
            drop(slot);
        });
    }
    drop(listener);
    connections.close();
    let _ = tokio::time::timeout(DRAIN_WITHIN, connections.wait()).await;
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, router: Router, stop: CancellationToken) {
    // Small answers must not wait for an acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let answer = router.clone().oneshot(request.map(Body::new));
        async move {
            let response = answer.await.unwrap_or_else(|never: Infallible| match never {});
            match response.extensions().get::<LineCut>() {
                Some(_) => Err(Cut),
                None => Ok(response),
            }
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_WITHIN);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/healthz", get(|| async { "ok" }))
        .nest("/control", control::router())
        .route("/{system}", any(system))
        .route("/{system}/", any(system))
        .route("/{system}/{*path}", any(system_below))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(world)
}

/// What is here.
async fn index() -> Json<Value> {
    let systems = System::ALL.map(|system| (system.name().to_owned(), Value::from(system.base_path())));
    Json(json!({ "systems": serde_json::Map::from_iter(systems), "control": "/control" }))
}

async fn system(
    State(world): State<Arc<World>>,
    Path(name): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    hand_over(world, &name, Asked::new(method, &uri, headers, body)).await
}

async fn system_below(
    State(world): State<Arc<World>>,
    Path((name, _)): Path<(String, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    hand_over(world, &name, Asked::new(method, &uri, headers, body)).await
}

/// Serves the call in a task of its own: what a vendor has begun does not end because the caller hangs up.
async fn hand_over(world: Arc<World>, prefix: &str, asked: Asked) -> Response {
    let system = System::ALL.into_iter().find(|system| system.prefix() == prefix);
    let Some(system) = system else { return status(StatusCode::NOT_FOUND) };
    let served = tokio::spawn(vendor::serve(world, vendor_of(system), asked)).await;
    served.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
}

fn vendor_of(system: System) -> Vendor {
    match system {
        System::Card => card::VENDOR,
        System::Yookassa => yookassa::VENDOR,
        System::Stripe => stripe::VENDOR,
        System::Fiscal => fiscal::VENDOR,
        System::Parcel => parcel::VENDOR,
        System::NovaPoshta => nova_poshta::VENDOR,
        System::Cdek => cdek::VENDOR,
    }
}

fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Starts to listen.
pub(crate) async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    use anyhow::Context as _;
    TcpListener::bind(listen).await.with_context(|| format!("the simulators cannot listen on {listen}"))
}
