//! Refuses at once what could only wait.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::problem::Problem;
use crate::state::Gateway;

pub(super) async fn run(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    // Probes must be answered when there is most to do.
    if matches!(request.uri().path(), "/healthz" | "/readyz") {
        return next.run(request).await;
    }
    let Ok(_permit) = gateway.in_flight.try_acquire() else {
        let busy = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED", "there is too much to do; try again shortly");
        return busy.retry_after(Duration::from_secs(1)).into_response();
    };
    next.run(request).await
}
