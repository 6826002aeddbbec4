//! Makes the call behind a route: JSON in, gRPC through, JSON out.

mod if_match;
mod success;

use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http_body::Body as _;
use proto::api::v1::Idempotency;
use rpc::{Call, RawCodec, Stopwatch};
use tonic::Status;
use tonic::client::Grpc;
use transcode::{Api, Inbound, Matched, Route};

use super::{Result, call_of, header_problem};
use crate::problem::Problem;
use crate::state::Gateway;
use crate::{body, languages, repeats};

pub(super) async fn answer(
    gateway: &Gateway,
    matched: &Matched<'static>,
    patience: Duration,
    request: Request,
) -> Result<Response> {
    let call = call_of(&request, patience)?;
    let key = idempotency_key(request.headers())?;
    let etag = if_match::etag(matched.route, request.headers())?;
    let (parts, content) = request.into_parts();
    if !content.is_end_stream() {
        body::require_json(&parts.headers)?;
    }
    let content = body::read(content, &parts.headers, &gateway.settings.limits).await?;
    let query = parts.uri.query().unwrap_or_default();
    let languages = matched.route.has_language().then(|| languages::preferred(&parts.headers)).flatten();
    let inbound = Inbound {
        query,
        body: &content,
        idempotency_key: key.as_deref(),
        etag: etag.as_deref(),
        languages: languages.as_deref(),
    };
    let mut message = Vec::with_capacity(content.len() + 64);
    Api::suite().read_request(matched, inbound, &mut message)?;

    let attempts = attempts_max(gateway, matched.route, key.as_deref());
    let stopwatch = Stopwatch::start();
    let answered = call_repeating(gateway, matched.route, &call, attempts, message.into()).await;
    match &answered {
        Err(problem) if problem.is_overload() => gateway.admission.observe_busy(stopwatch),
        // Of what the method allows: a client that is less patient does not make the suite late.
        Ok(_) | Err(_) => gateway.admission.observe(stopwatch, patience),
    }
    let message =
        answered.map_err(|problem| if etag.is_some() { if_match::refused(problem) } else { problem })?;

    success::response(matched.route, &message)
}

/// How often a call may be made: again only when it reads, names what it changes, or came with a key.
fn attempts_max(gateway: &Gateway, route: &Route, key: Option<&str>) -> u32 {
    match (route.policy.idempotency(), key) {
        (Idempotency::Unspecified, _) | (Idempotency::Keyed, None) => 1,
        (Idempotency::Keyed, Some(_)) | (Idempotency::Read | Idempotency::Natural, _) => {
            gateway.settings.limits.attempts_max
        }
    }
}

/// Calls the service, again when it could not be reached or had too much to do. This is the only place where a call is
/// repeated by itself; sagas repeat their steps, and consumers their events, by a schedule of their own.
async fn call_repeating(
    gateway: &Gateway,
    route: &'static Route,
    call: &Call,
    attempts_max: u32,
    message: Bytes,
) -> Result<Bytes> {
    gateway.repeats.count_call();
    let mut attempt = 1;
    loop {
        let status = match call_once(gateway, route, call, message.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(status) => status,
        };
        let again = attempt < attempts_max;
        let pause = repeats::pause_after(attempt, &status).filter(|pause| again && *pause < call.remaining());
        let Some(pause) = pause.filter(|_| gateway.repeats.take()) else {
            return Err(Problem::from(&status));
        };
        metrics::counter!("korob_repeats_total", "to" => route.service.as_str()).increment(1);
        tokio::time::sleep(pause).await;
        attempt += 1;
    }
}

/// Calls the service within the deadline, the whole answer included: the channel only watches over its beginning.
async fn call_once(
    gateway: &Gateway,
    route: &'static Route,
    call: &Call,
    message: Bytes,
) -> std::result::Result<Bytes, Status> {
    let channel = gateway.channel(&route.service).bind(call);
    let mut client = Grpc::new(channel).max_decoding_message_size(gateway.settings.limits.answer_bytes_max);
    let answer = client.unary(tonic::Request::new(message), route.grpc_path.clone(), RawCodec);
    match tokio::time::timeout_at(call.deadline, answer).await {
        Ok(answer) => answer.map(tonic::Response::into_inner),
        Err(_) => Err(Status::deadline_exceeded("the service did not answer in time")),
    }
}

/// The one `Idempotency-Key`. What a key may look like, the service says.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(header_problem("Idempotency-Key", "is given twice"));
    }
    let key =
        value.to_str().map_err(|_| header_problem("Idempotency-Key", "must be visible ASCII characters"))?;
    Ok(Some(key.to_owned()))
}
