//! Holds a caller to its requests per second.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use super::Next;
use crate::known_caller::KnownCaller;
use crate::problem::Problem;
use crate::state::Gateway;

pub(super) async fn run(gateway: &Gateway, request: Request, next: impl Next) -> Response {
    if let Some(known) = request.extensions().get::<Arc<KnownCaller>>()
        && let Err(wait) = gateway.rates.take(&known.name, known.rate_limit)
    {
        let detail = format!("you may make {} requests per second", known.rate_limit);
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", detail);
        return problem.retry_after(wait).into_response();
    }
    next.run(request).await
}
