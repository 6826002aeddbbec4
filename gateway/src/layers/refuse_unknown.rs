//! Answers 404, 405 and OPTIONS.

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::header::{ALLOW, CONTENT_LENGTH};
use http::{HeaderValue, Method, StatusCode};
use http_body::Body as _;
use transcode::NoRoute;

use super::Next;
use crate::problem::Problem;

pub(super) async fn run(request: Request, next: impl Next) -> Response {
    let method = request.method().clone();
    match request.extensions().get() {
        Some(NoRoute::UnknownPath) => return not_found(),
        Some(NoRoute::OtherMethods(allowed)) => return with_allow(&method, allowed),
        None => {}
    }

    let response = next.run(request).await;
    if method == Method::HEAD { without_body(response) } else { response }
}

fn not_found() -> Response {
    Problem::new(
        StatusCode::NOT_FOUND,
        "UNKNOWN_PATH",
        "there is no such path; /docs shows all that there are, /openapi.json lists them",
    )
    .into_response()
}

fn with_allow(method: &Method, allowed: &[Method]) -> Response {
    let mut names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    names.sort_unstable();
    let names = names.join(", ");
    let mut response = if method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let detail = format!("the path allows {names}");
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail).into_response()
    };
    if let Ok(value) = HeaderValue::from_str(&names) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}

/// HEAD answers with the headers of GET, the length included.
fn without_body(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact().filter(|_| !parts.headers.contains_key(CONTENT_LENGTH)) {
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}
