//! What needs no key: the description of the API, and the two probes.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::state::Gateway;

pub(super) fn openapi(gateway: &Gateway) -> Response {
    let mut response = json_response(StatusCode::OK, gateway.openapi.clone());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

/// For people: the same description as a page.
pub(super) fn docs(gateway: &Gateway) -> Response {
    let page = gateway.docs();
    let mut response = Response::new(Body::from(page.html.clone()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.insert(CONTENT_SECURITY_POLICY, page.policy.clone());
    response
}

/// The process answers; nothing else is asked, so that a broken dependency restarts nobody.
pub(super) fn live() -> Response {
    json_response(StatusCode::OK, json!({"status": "live"}).to_string())
}

/// Every service answers that it serves, and the gateway is not about to stop.
pub(super) async fn ready(gateway: &Gateway) -> Response {
    let draining = gateway.draining.load(Ordering::Relaxed);
    let services = gateway.readiness.services(&gateway.directory).await;
    let ready = !draining && services.values().all(|serves| *serves);
    let states: serde_json::Map<String, Value> = services
        .into_iter()
        .map(|(name, serves)| (name, Value::from(if serves { "ready" } else { "not_ready" })))
        .collect();
    let status = if draining {
        "draining"
    } else if ready {
        "ready"
    } else {
        "not_ready"
    };
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json_response(code, json!({"status": status, "services": states}).to_string())
}

fn json_response(status: StatusCode, body: impl Into<axum::body::Body>) -> Response {
    let mut response = (status, body.into()).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
