//! Lets a caller do what its door allows: a key what its scopes name, a buyer what is meant for buyers.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use rpc::{Actor, BUYER_SCOPE};

use super::Next;
use crate::known_caller::KnownCaller;
use crate::operation::{Door, Operation};
use crate::problem::Problem;

pub(super) async fn run(request: Request, next: impl Next) -> Response {
    let Some(operation) = request.extensions().get::<Operation>() else { return next.run(request).await };
    let known = request.extensions().get::<Arc<KnownCaller>>();
    match refusal(operation.door, known.map(|known| &**known)) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

fn refusal(door: Door, known: Option<&KnownCaller>) -> Option<Problem> {
    let actor = known.map(|known| &known.caller.actor);
    let missing = |scope: &str| known.is_none_or(|known| !known.caller.may(scope));
    match (door, actor) {
        (Door::Open, _) => None,
        (Door::Key(_), Some(Actor::Buyer(_))) => {
            Some(forbidden("KEY_METHOD", "a buyer's token does not open it; send a key"))
        }
        (Door::Key(scope), _) => missing(scope).then(|| {
            forbidden("SCOPE_MISSING", &format!("the key needs the scope {scope}")).with("scope", scope)
        }),
        (Door::Buyer, Some(Actor::Buyer(_))) if !missing(BUYER_SCOPE) => None,
        (Door::Buyer, _) => Some(forbidden("BUYER_METHOD", "only a buyer's token opens it")),
    }
}

fn forbidden(reason: &str, detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, reason, detail)
}
