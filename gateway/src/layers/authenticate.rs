//! Finds who is behind `Authorization: Bearer …`: a partner by the key, a buyer by the token.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use rpc::{BuyerTokenError, buyer_token};

use super::Next;
use crate::keys::Keys;
use crate::known_caller::KnownCaller;
use crate::operation::{Door, Operation};
use crate::peer;
use crate::problem::Problem;
use crate::state::Gateway;

pub(super) async fn run(gateway: &Gateway, mut request: Request, next: impl Next) -> Response {
    let door = request.extensions().get::<Operation>().map(|operation| operation.door);
    if matches!(door, Some(Door::Open)) {
        return next.run(request).await;
    }
    let Some(secret) = bearer(request.headers()) else {
        return match door {
            Some(Door::Buyer) => {
                refused("TOKEN_REQUIRED", "send a buyer's token: Authorization: Bearer kbt_…")
            }
            _ => refused("KEY_REQUIRED", "send a key: Authorization: Bearer …"),
        };
    };
    let address = peer::address(&request, &gateway.settings.trusted_proxies);
    let found = match std::str::from_utf8(secret).ok().filter(|text| text.starts_with(buyer_token::PREFIX)) {
        Some(token) => buyer(gateway, token, address),
        None => partner(gateway, secret, address).await,
    };
    match found {
        Ok(known) => {
            request.extensions_mut().insert(known);
            next.run(request).await
        }
        Err(refusal) => refusal,
    }
}

/// Whose token it is. Genuine ones open even to an address that guesses; nobody guesses one.
fn buyer(gateway: &Gateway, token: &str, address: Option<IpAddr>) -> Result<Arc<KnownCaller>, Response> {
    let limits = &gateway.settings.limits;
    match gateway.buyer_tokens.verify(token) {
        Ok(buyer) => Ok(Arc::new(KnownCaller::of_buyer(&buyer, limits.buyer_requests_per_second_max))),
        Err(BuyerTokenError::Expired) => {
            Err(refused("TOKEN_EXPIRED", "the token has expired; ask the shop for another"))
        }
        Err(BuyerTokenError::Forged) => {
            match address.and_then(|address| gateway.wrong_keys.locked_for(address)) {
                Some(left) => Err(too_many(left)),
                None => {
                    count_wrong(gateway, address);
                    Err(refused("TOKEN_INVALID", "the token is not genuine"))
                }
            }
        }
    }
}

/// Whose key it is.
async fn partner(
    gateway: &Gateway,
    secret: &[u8],
    address: Option<IpAddr>,
) -> Result<Arc<KnownCaller>, Response> {
    let digest = Keys::digest(secret);
    // An address that guesses is shut out, but not the working keys that share it behind a proxy.
    let locked = address.and_then(|address| gateway.wrong_keys.locked_for(address));
    if let Some(left) = locked.filter(|_| !gateway.keys.was_valid(&digest)) {
        return Err(too_many(left));
    }
    match gateway.keys.find(digest, &gateway.channel("access")).await {
        Ok(Some(key)) => Ok(key),
        Ok(None) => {
            count_wrong(gateway, address);
            Err(refused("KEY_INVALID", "the key is unknown or revoked"))
        }
        Err(status) => {
            tracing::warn!(code = ?status.code(), "the access service could not check a key");
            let detail = "keys cannot be checked at the moment";
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", detail);
            Err(problem.retry_after(Duration::from_secs(1)).into_response())
        }
    }
}

fn count_wrong(gateway: &Gateway, address: Option<IpAddr>) {
    if let Some(address) = address {
        gateway.wrong_keys.count(address);
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
