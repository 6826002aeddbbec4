//! Opens the span of a request, counts it and writes one log line. No body, no address, no query: they may be personal.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use rpc::TraceContext;
use tracing::Instrument as _;

use super::RequestId;
use crate::operation::Operation;
use crate::problem::Problem;
use crate::state::Gateway;

/// The route of requests that have none.
const UNMATCHED: &str = "unmatched";

pub(super) async fn run(State(_): State<Gateway>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = method_label(request.method());
    let id = request.extensions().get::<RequestId>().cloned();
    let request_id = id.as_ref().map_or("", |id| &id.0);
    // Looked up before the answer is known: a span keeps the name it begins with.
    let operation = Operation::find(request.method(), request.uri().path());
    let route = operation.map_or(UNMATCHED, |operation| operation.template);
    let span = tracing::info_span!(
        "http",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
        request_id,
    );
    if let Some(trace) = request.extensions().get::<TraceContext>() {
        trace.adopt(&span);
    }

    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    let elapsed = started.elapsed();
    let elapsed_us = elapsed.as_micros() as u64;
    // A line per request is what metrics and traces are for; it can be switched on.
    // What is refused because there is too much to do is told in sums: a line each would be more to do.
    let refused = response.extensions().get::<Problem>().is_some_and(Problem::is_overload);
    span.in_scope(|| match status {
        500.. if !refused => tracing::warn!(method, route, status, elapsed_us, "answered"),
        _ => tracing::debug!(method, route, status, elapsed_us, "answered"),
    });
    let labels = [("method", method.to_owned()), ("route", route.to_owned()), ("status", status.to_string())];
    metrics::counter!("korob_http_requests_total", &labels).increment(1);
    metrics::histogram!("korob_http_seconds", &labels).record(elapsed.as_secs_f64());
    response
}

/// A closed set: clients may invent methods, and every label value costs memory for ever.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}
