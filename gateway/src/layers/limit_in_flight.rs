//! Refuses at once what could only wait; what matters most is refused last.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use proto::api::v1::Criticality;

use crate::operation::{Operation, Target};
use crate::problem::Problem;
use crate::state::Gateway;

pub(super) async fn run(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let Some(operation) = request.extensions().get::<Operation>() else { return next.run(request).await };
    // Probes must be answered when there is most to do.
    if matches!(operation.target, Target::Live | Target::Ready) {
        return next.run(request).await;
    }
    let in_flight_max = gateway.settings.limits.in_flight_max;
    let free = gateway.in_flight.available_permits();
    let permit = gateway
        .in_flight
        .try_acquire()
        .ok()
        .filter(|_| free > kept_back(operation.criticality, in_flight_max));
    let Some(_permit) = permit else {
        let busy = Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "OVERLOADED",
            "there is too much to do; try again shortly",
        );
        return busy.retry_after(Duration::from_secs(1)).into_response();
    };
    next.run(request).await
}

/// How many places are kept free for requests that matter more.
fn kept_back(criticality: Criticality, in_flight_max: usize) -> usize {
    match criticality {
        Criticality::Critical => 0,
        Criticality::Normal | Criticality::Unspecified => in_flight_max / 10,
        Criticality::Sheddable => in_flight_max / 4,
    }
}
