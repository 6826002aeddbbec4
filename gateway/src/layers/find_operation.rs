//! Finds what a request wants; answers 404, 405 and OPTIONS itself.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{ALLOW, CONTENT_LENGTH};
use http::{HeaderValue, Method, StatusCode};
use http_body::Body as _;
use transcode::NoRoute;

use crate::operation::Operation;
use crate::problem::Problem;
use crate::state::Gateway;

pub(super) async fn run(State(_): State<Gateway>, mut request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let operation = match Operation::find(&method, request.uri().path()) {
        Ok(operation) => operation,
        Err(NoRoute::UnknownPath) => return not_found(),
        Err(NoRoute::OtherMethods(allowed)) => return with_allow(&method, &allowed),
    };
    request.extensions_mut().insert(operation);

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
