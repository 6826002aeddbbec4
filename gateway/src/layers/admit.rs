//! Refuses at once what could only wait; what matters most is refused last. Here to refuse is cheapest: nothing of the
//! body has been read, nobody has been asked about the key, and no idempotency key has been claimed.

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use super::Next;
use crate::operation::{Operation, Target};
use crate::problem::Problem;
use crate::state::Gateway;

pub(super) async fn run(gateway: &Gateway, request: Request, next: impl Next) -> Response {
    let Some(operation) = request.extensions().get::<Operation>() else { return next.run(request).await };
    // Probes must be answered when there is most to do.
    if matches!(operation.target, Target::Live | Target::Ready) {
        return next.run(request).await;
    }
    match gateway.admission.admit(operation.criticality).await {
        Some(_admitted) => next.run(request).await,
        None => {
            let busy = Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "OVERLOADED",
                "there is too much to do; try again shortly",
            );
            busy.retry_after(gateway.admission.come_back_after()).into_response()
        }
    }
}
