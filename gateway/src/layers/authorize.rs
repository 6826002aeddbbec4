//! Lets a key do what its scopes allow.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::keys::ValidKey;
use crate::operation::Operation;
use crate::problem::Problem;
use crate::state::Gateway;

pub(super) async fn run(State(_): State<Gateway>, request: Request, next: Next) -> Response {
    let Some(scope) = request.extensions().get::<Operation>().and_then(|operation| operation.scope) else {
        return next.run(request).await;
    };
    let allowed = request.extensions().get::<Arc<ValidKey>>().is_some_and(|key| key.caller.may(scope));
    if !allowed {
        let problem =
            Problem::new(StatusCode::FORBIDDEN, "SCOPE_MISSING", format!("the key needs the scope {scope}"));
        return problem.with("scope", scope).into_response();
    }
    next.run(request).await
}
