//! Finds the key behind `Authorization: Bearer …`.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::keys::Keys;
use crate::operation::Operation;
use crate::peer;
use crate::problem::Problem;
use crate::state::Gateway;

pub(super) async fn run(State(gateway): State<Gateway>, mut request: Request, next: Next) -> Response {
    let needs_key = request.extensions().get::<Operation>().is_none_or(|operation| operation.scope.is_some());
    if !needs_key {
        return next.run(request).await;
    }
    let Some(secret) = bearer(request.headers()) else {
        return refused("KEY_REQUIRED", "send a key: Authorization: Bearer …");
    };
    let address = peer::address(&request, &gateway.settings.trusted_proxies);
    let digest = Keys::digest(secret);
    // An address that guesses is shut out, but not the working keys that share it behind a proxy.
    let locked = address.and_then(|address| gateway.wrong_keys.locked_for(address));
    if let Some(left) = locked.filter(|_| !gateway.keys.was_valid(&digest)) {
        return too_many(left);
    }
    match gateway.keys.find(digest, &gateway.channel("access")).await {
        Ok(Some(key)) => {
            request.extensions_mut().insert(key);
            next.run(request).await
        }
        Ok(None) => {
            if let Some(address) = address {
                gateway.wrong_keys.count(address);
            }
            refused("KEY_INVALID", "the key is unknown or revoked")
        }
        Err(status) => {
            tracing::warn!(code = ?status.code(), "the access service could not check a key");
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "UNAVAILABLE",
                "keys cannot be checked at the moment",
            )
            .retry_after(Duration::from_secs(1))
            .into_response()
        }
    }
}

/// The secret of exactly one `Authorization` header with the scheme Bearer.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?.as_bytes();
    let (scheme, secret) = value.split_at_checked(7)?;
    (scheme.eq_ignore_ascii_case(b"bearer ") && !secret.is_empty()).then_some(secret)
}

fn refused(reason: &str, detail: &str) -> Response {
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, reason, detail).into_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"korob\""));
    response
}

fn too_many(left: Duration) -> Response {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "TOO_MANY_WRONG_KEYS",
        "too many wrong keys came from this address",
    )
    .retry_after(left)
    .into_response()
}
