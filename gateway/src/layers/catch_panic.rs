//! Turns a panic into an answer.

use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;

use super::Next;
use crate::problem::Problem;

pub(super) async fn run(request: Request, next: impl Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!("a request panicked");
            Problem::internal().into_response()
        }
    }
}
