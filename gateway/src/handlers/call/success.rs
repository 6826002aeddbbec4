//! The status and headers of an answer.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use proto::orders::v1::OrderState;
use transcode::{Api, Route};

use crate::handlers::Result;
use crate::problem::Problem;

/// Placing an order answers by how far it got.
const PLACE_ORDER: &str = "orders.place_order";
/// When it makes sense to look again at an order that is being placed.
const PLACING_SECONDS: u64 = 1;

/// Where a client goes from here.
struct Direction {
    status: StatusCode,
    location: Option<String>,
    retry_after: Option<u64>,
}

pub(super) fn response(route: &'static Route, message: &[u8]) -> Result<Response> {
    let api = Api::suite();
    // JSON with its field names is about three times the size of the wire form.
    let mut json = Vec::with_capacity(message.len() * 3 + 256);
    api.write_response(route, message, &mut json).map_err(|error| {
        tracing::error!(operation = route.operation, %error, "a service answered with a broken message");
        Problem::internal()
    })?;
    let direction =
        if route.operation == PLACE_ORDER { placed(route, message) } else { ordinary(route, message) };
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = direction.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(location) = direction.location.and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(LOCATION, location);
    }
    if let Some(seconds) = direction.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    let etag = api.response_text(route, message, "etag");
    if let Some(etag) = etag.and_then(|etag| HeaderValue::try_from(format!("\"{etag}\"")).ok()) {
        headers.insert(ETAG, etag);
    }
    Ok(response)
}

fn ordinary(route: &Route, message: &[u8]) -> Direction {
    if !route.creates {
        return Direction { status: StatusCode::OK, location: None, retry_after: None };
    }
    let location = Api::suite().location(route, message);
    Direction { status: StatusCode::CREATED, location, retry_after: None }
}

/// 200 when the order was there already, 202 while it is not decided, 201 when it is placed.
fn placed(route: &Route, message: &[u8]) -> Direction {
    let api = Api::suite();
    let location = api.response_text(route, message, "order_id").map(|id| format!("/v1/orders/{id}"));
    let placing = api.response_number(route, message, "state") == OrderState::Placing as u64;
    match (placing, api.response_number(route, message, "existing") != 0) {
        (true, _) => Direction { status: StatusCode::ACCEPTED, location, retry_after: Some(PLACING_SECONDS) },
        (false, true) => Direction { status: StatusCode::OK, location, retry_after: None },
        (false, false) => Direction { status: StatusCode::CREATED, location, retry_after: None },
    }
}
