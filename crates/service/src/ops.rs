//! What operators ask a process: is it alive, is it ready, what does it measure, what does it log and trace.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Json, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::telemetry::open_metrics::{CONTENT_TYPE, MEDIA_TYPE};
use crate::telemetry::{Instruments, SwitchesChange};

/// A change of the switches is short.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// Answers whether everything the process needs answers; the error names what does not.
pub type Readiness = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Serves `/livez`, `/readyz`, `/metrics` and `/telemetry` on `address` until `stop`; answers the bound address.
pub async fn serve_ops(
    address: SocketAddr,
    instruments: Instruments,
    ready: Readiness,
    stop: CancellationToken,
) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let app = Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(move || readiness(ready.clone())))
        .route("/metrics", get(metrics))
        .route("/telemetry", get(switches).put(change_switches))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(instruments);
    let server = axum::serve(listener, app).with_graceful_shutdown(async move { stop.cancelled().await });
    tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the operators' port failed");
        }
    });
    Ok(bound)
}

async fn readiness(ready: Readiness) -> impl IntoResponse {
    match ready().await {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(missing) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {missing}\n")),
    }
}

async fn metrics(State(instruments): State<Instruments>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    match accept.contains(MEDIA_TYPE) {
        true => ([(header::CONTENT_TYPE, CONTENT_TYPE)], instruments.render_open_metrics()).into_response(),
        false => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], instruments.render()).into_response()
        }
    }
}

async fn switches(State(instruments): State<Instruments>) -> Response {
    Json(instruments.switches()).into_response()
}

/// A browser asks before it sends this from another site's page, and hears no: nobody else's page can change anything.
async fn change_switches(
    State(instruments): State<Instruments>,
    change: Result<Json<SwitchesChange>, JsonRejection>,
) -> Response {
    let changed = match change {
        Ok(Json(change)) => instruments.change(change),
        Err(rejection) => {
            return (rejection.status(), format!("{}\n", rejection.body_text())).into_response();
        }
    };
    match changed {
        Ok(switches) => Json(switches).into_response(),
        Err(refusal) => (StatusCode::BAD_REQUEST, format!("{refusal}\n")).into_response(),
    }
}
