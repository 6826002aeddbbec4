//! Holds a key to its requests per second.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::keys::ValidKey;
use crate::problem::Problem;
use crate::state::Gateway;

pub(super) async fn run(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    if let Some(key) = request.extensions().get::<Arc<ValidKey>>()
        && let Err(wait) = gateway.rates.take(key)
    {
        let detail = format!("the key may make {} requests per second", key.rate_limit);
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", detail);
        return problem.retry_after(wait).into_response();
    }
    next.run(request).await
}
