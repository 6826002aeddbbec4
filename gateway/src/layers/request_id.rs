//! Names every request, and writes the body of every refusal.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use rpc::TraceContext;

use super::Next;
use crate::problem::Problem;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const LENGTH_MAX: usize = 128;

/// What a request is called in answers, problems and logs: the client's `X-Request-Id`, else the id of its trace.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

pub(super) async fn run(mut request: Request, next: impl Next) -> Response {
    let trace = trace_of(&request);
    let id = given(&request).unwrap_or_else(|| trace.trace_id());
    request.extensions_mut().insert(trace);
    request.extensions_mut().insert(RequestId(id.as_str().into()));

    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = problem.render(response, &id);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

/// The client's own id, when it is short and visible: it goes into logs.
fn given(request: &Request) -> Option<String> {
    let id = request.headers().get(HEADER)?.to_str().ok()?;
    let plain = !id.is_empty() && id.len() <= LENGTH_MAX && id.bytes().all(|byte| byte.is_ascii_graphic());
    plain.then(|| id.to_owned())
}

/// The trace that the client began, else a new one.
fn trace_of(request: &Request) -> TraceContext {
    let given = request.headers().get("traceparent").and_then(|value| value.to_str().ok()?.parse().ok());
    given.unwrap_or_else(TraceContext::root)
}
