//! Makes the call behind a route: JSON in, gRPC through, JSON out.

mod raw_codec;
mod success;

use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http_body::Body as _;
use tonic::client::Grpc;
use transcode::{Api, Inbound, Matched};

use super::{Result, call_of, header_problem};
use crate::body;
use crate::problem::Problem;
use crate::state::Gateway;
use raw_codec::RawCodec;

pub(super) async fn answer(
    gateway: &Gateway,
    matched: &Matched<'static>,
    patience: Duration,
    request: Request,
) -> Result<Response> {
    let call = call_of(&request, patience)?;
    let key = idempotency_key(request.headers())?;
    let (parts, content) = request.into_parts();
    if !content.is_end_stream() {
        body::require_json(&parts.headers)?;
    }
    let content = body::read(content, &parts.headers, &gateway.settings.limits).await?;
    let query = parts.uri.query().unwrap_or_default();
    let inbound = Inbound { query, body: &content, idempotency_key: key.as_deref() };
    let mut message = Vec::with_capacity(content.len() + 64);
    Api::suite().read_request(matched, inbound, &mut message)?;

    let route = matched.route;
    let channel = gateway.channel(&route.service).bind(&call);
    let mut client = Grpc::new(channel).max_decoding_message_size(gateway.settings.limits.answer_bytes_max);
    let request = tonic::Request::new(Bytes::from(message));
    let answered = client.unary(request, route.grpc_path.clone(), RawCodec).await;
    let message = answered.map_err(|status| Problem::from(&status))?.into_inner();

    success::response(route, &message)
}

/// The one `Idempotency-Key`. What a key may look like, the service says.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(header_problem("Idempotency-Key", "is given twice"));
    }
    let key = value.to_str().map_err(|_| header_problem("Idempotency-Key", "must be visible ASCII characters"))?;
    Ok(Some(key.to_owned()))
}
