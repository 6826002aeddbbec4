//! The layers of the gateway, outermost first. A request passes them from top to bottom, its answer from bottom to top.

mod admit;
mod authenticate;
mod authorize;
mod catch_panic;
mod find_operation;
mod limit_rate;
mod request_id;
mod security_headers;
mod share_origin;
mod trace;

use std::convert::Infallible;

use axum::extract::Request;
use axum::middleware::from_fn_with_state as layer;
use axum::response::Response;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, service_fn};

pub(crate) use request_id::RequestId;

use crate::handlers;
use crate::state::Gateway;

/// Everything between a connection and a service.
pub(crate) fn stack(gateway: &Gateway) -> BoxCloneSyncService<Request, Response, Infallible> {
    let state = || gateway.clone();
    let handlers = {
        let gateway = gateway.clone();
        service_fn(move |request| handlers::answer(gateway.clone(), request))
    };
    let stack = ServiceBuilder::new()
        // Whatever answers, a browser must not guess, frame or keep it.
        .layer(layer(state(), security_headers::run))
        // Every answer names its request, and every refusal gets its body here.
        .layer(layer(state(), request_id::run))
        // What happened, how long it took, and the trace that goes on inside.
        .layer(layer(state(), trace::run))
        // A bug costs one request and not the connection.
        .layer(layer(state(), catch_panic::run))
        // Browsers ask first; only listed origins get an answer.
        .layer(layer(state(), share_origin::run))
        // Unknown paths and methods end here, before any work.
        .layer(layer(state(), find_operation::run))
        // More at once would only be slower for all; what matters most is refused last.
        .layer(layer(state(), admit::run))
        // Who calls: the key, found by its digest, or the buyer, by the token.
        .layer(layer(state(), authenticate::run))
        // One caller cannot take the place of the others.
        .layer(layer(state(), limit_rate::run))
        // What the caller may do, from the contract of the method.
        .layer(layer(state(), authorize::run))
        .service(handlers);
    BoxCloneSyncService::new(stack)
}
