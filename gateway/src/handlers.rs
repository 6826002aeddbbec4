//! Answers a request that passed all layers.

mod call;
mod documents;
mod export_feed;
mod import_feed;
mod print_labels;
mod receive_webhook;
mod show_tracker;
mod watch_feed;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use rpc::{Actor, Call, Caller, TraceContext};

pub(crate) use watch_feed::EventStreams;

use crate::known_caller::KnownCaller;
use crate::operation::{Operation, Target};
use crate::problem::{FieldError, Problem};
use crate::state::Gateway;

/// What a handler answers.
pub(crate) type Result<T> = std::result::Result<T, Problem>;

pub(crate) async fn answer(gateway: &Gateway, request: Request) -> Response {
    let Some(operation) = request.extensions().get::<Operation>().cloned() else {
        return Problem::internal().into_response();
    };
    let answered = match &operation.target {
        Target::Call(matched) => call::answer(gateway, matched, operation.patience, request).await,
        Target::ImportFeed(format) => {
            import_feed::answer(gateway, *format, operation.patience, request).await
        }
        Target::ExportFeed => export_feed::answer(gateway, operation.patience, request).await,
        Target::ShipmentLabel(shipment) => {
            print_labels::of_one(gateway, shipment, operation.patience, request).await
        }
        Target::ShipmentLabels => print_labels::of_many(gateway, operation.patience, request).await,
        Target::ReceiveWebhook(sender, account) => {
            receive_webhook::answer(gateway, *sender, account, operation.patience, request).await
        }
        Target::WatchFeed => watch_feed::answer(gateway, operation.patience, request).await,
        Target::Tracker(code) => Ok(show_tracker::answer(gateway, code, operation.patience, request).await),
        Target::OpenApi => Ok(documents::openapi(gateway)),
        Target::Docs => Ok(documents::docs(gateway)),
        Target::Live => Ok(documents::live()),
        Target::Ready => Ok(documents::ready(gateway).await),
    };
    answered.unwrap_or_else(Problem::into_response)
}

/// The call that a request makes: as its caller, in its trace, for as long as the method and the client allow.
fn call_of(request: &Request, patience: Duration) -> Result<Call> {
    let Some(known) = request.extensions().get::<Arc<KnownCaller>>() else { return Err(Problem::internal()) };
    let patience = shortened(request.headers(), patience)?;
    Ok(call_as(known.caller.clone(), request, patience))
}

/// The same for a method inside the suite: made by the gateway, which may call it, with no right beyond the caller's own.
fn inside_call_of(request: &Request, patience: Duration) -> Result<Call> {
    let call = call_of(request, patience)?;
    let caller = Caller {
        actor: Actor::Service(crate::NAME.to_owned()),
        on_behalf_of: Some(call.caller.actor.to_string()),
        ..(*call.caller).clone()
    };
    Ok(Call { caller: Arc::new(caller), ..call })
}

/// A call of `caller` in the trace of the request.
fn call_as(caller: Caller, request: &Request, patience: Duration) -> Call {
    let mut call = Call::begin(caller, patience);
    if let Some(trace) = request.extensions().get::<TraceContext>() {
        call.trace = *trace;
    }
    call
}

/// A client may be less patient than the method: `Request-Timeout: 2.5`, in seconds.
fn shortened(headers: &HeaderMap, patience: Duration) -> Result<Duration> {
    let Some(value) = headers.get("request-timeout") else { return Ok(patience) };
    let seconds = value.to_str().ok().and_then(|text| text.parse::<f64>().ok());
    let given = seconds
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let given = given.ok_or_else(|| header_problem("Request-Timeout", "must be a number of seconds"))?;
    Ok(patience.min(given))
}

/// A header that cannot be read.
fn header_problem(header: &str, message: &str) -> Problem {
    let mut problem = Problem::new(StatusCode::BAD_REQUEST, "MALFORMED", format!("{header}: {message}"));
    let (field, message) = (header.to_owned(), message.to_owned());
    problem.errors.push(FieldError { field, reason: "MALFORMED".to_owned(), message });
    problem
}
