//! Finds what a request wants, opens its span, measures it and writes one log line. No body, no address, no query: they may
//! be personal.

use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::Method;
use rpc::TraceContext;
use rpc::exemplars::Exemplars;
use tracing::Instrument as _;

use super::{Next, RequestId};
use crate::operation::Operation;
use crate::problem::Problem;

/// The route of requests that have none.
const UNMATCHED: &str = "unmatched";

static EXEMPLARS: Exemplars = Exemplars::of("korob_http_request_duration_seconds");

pub(super) async fn run(mut request: Request, next: impl Next) -> Response {
    let started = Instant::now();
    let method = method_label(request.method());
    let id = request.extensions().get::<RequestId>().cloned();
    let request_id = id.as_ref().map_or("", |id| &id.0);
    // Looked up before anything else: a span keeps the name it begins with.
    let found = Operation::find(request.method(), request.uri().path());
    let route = found.as_ref().map_or(UNMATCHED, |operation| operation.template);
    let span = tracing::info_span!(
        "http",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
        otel.status_code = tracing::field::Empty,
        request_id,
    );
    let trace = request.extensions().get::<TraceContext>().copied();
    if let Some(trace) = trace {
        trace.adopt(&span);
    }
    match found {
        Ok(operation) => _ = request.extensions_mut().insert(operation),
        Err(no_route) => _ = request.extensions_mut().insert(no_route),
    }

    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
    let elapsed = started.elapsed();
    let elapsed_us = elapsed.as_micros() as u64;
    // A line per request is what metrics and traces are for; it can be switched on.
    // What is refused because there is too much to do is told in sums: a line each would be more to do.
    let refused = response.extensions().get::<Problem>().is_some_and(Problem::is_overload);
    span.in_scope(|| match status {
        500.. if !refused => tracing::warn!(method, route, status, elapsed_us, "answered"),
        _ => tracing::debug!(method, route, status, elapsed_us, "answered"),
    });
    let labels = [("method", method), ("route", route), ("status", status_label(status))];
    metrics::histogram!("korob_http_request_duration_seconds", &labels).record(elapsed.as_secs_f64());
    if let Some(trace) = trace {
        EXEMPLARS.note(&labels, elapsed.as_secs_f64(), trace);
    }
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

/// What the gateway answers, without a new text for every request.
fn status_label(status: u16) -> &'static str {
    match status {
        200 => "200",
        201 => "201",
        202 => "202",
        204 => "204",
        304 => "304",
        400 => "400",
        401 => "401",
        403 => "403",
        404 => "404",
        405 => "405",
        406 => "406",
        408 => "408",
        409 => "409",
        410 => "410",
        412 => "412",
        413 => "413",
        415 => "415",
        422 => "422",
        429 => "429",
        431 => "431",
        499 => "499",
        500 => "500",
        501 => "501",
        502 => "502",
        503 => "503",
        504 => "504",
        _ => "other",
    }
}
