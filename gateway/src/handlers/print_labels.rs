//! `GET /v1/shipments/{shipmentId}/label` and `GET /v1/shipment-labels`: what is stuck on parcels, as a file.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use prost::Message as _;
use proto::delivery::v1::delivery_service_client::DeliveryServiceClient;
use proto::delivery::v1::{GetShipmentLabelRequest, PrintLabelsRequest};
use rpc::{BoundChannel, Call};
use tokio::time::timeout_at;
use tonic::{Response as Answer, Status};
use transcode::Api;

use super::{Result, inside_call_of};
use crate::problem::Problem;
use crate::state::Gateway;

/// What a carrier may print; a browser gets anything else as bytes.
const CONTENT_TYPES: [&str; 5] =
    ["application/pdf", "image/png", "application/zpl", "x-application/zpl", "text/plain; charset=utf-8"];
const ANY_CONTENT: &str = "application/octet-stream";

/// The label of one parcel.
pub(super) async fn of_one(
    gateway: &Gateway,
    shipment_id: &str,
    patience: Duration,
    request: Request,
) -> Result<Response> {
    let call = inside_call_of(&request, patience)?;
    let wanted = GetShipmentLabelRequest { shipment_id: shipment_id.to_owned() };
    let label = in_time(&call, client(gateway, &call).get_shipment_label(wanted)).await?;
    Ok(file(label.content, &label.content_type, &label.file_name))
}

/// The labels of several parcels in one document.
pub(super) async fn of_many(gateway: &Gateway, patience: Duration, request: Request) -> Result<Response> {
    let call = inside_call_of(&request, patience)?;
    let message =
        Api::suite().message("korob.delivery.v1.PrintLabelsRequest").ok_or_else(Problem::internal)?;
    let mut wire = Vec::new();
    Api::suite().read_query(message, request.uri().query().unwrap_or_default(), &mut wire)?;
    let wanted = PrintLabelsRequest::decode(wire.as_slice()).map_err(|_| Problem::internal())?;
    let labels = in_time(&call, client(gateway, &call).print_labels(wanted)).await?;
    Ok(file(labels.content, &labels.content_type, &labels.file_name))
}

fn client(gateway: &Gateway, call: &Call) -> DeliveryServiceClient<BoundChannel> {
    let channel = gateway.channel("delivery").bind(call);
    DeliveryServiceClient::new(channel).max_decoding_message_size(gateway.settings.limits.answer_bytes_max)
}

async fn in_time<T>(
    call: &Call,
    asked: impl Future<Output = std::result::Result<Answer<T>, Status>>,
) -> Result<T> {
    let late = || Err(Status::deadline_exceeded("the service did not answer in time"));
    let answer = timeout_at(call.deadline, asked).await.unwrap_or_else(|_| late());
    answer.map(Answer::into_inner).map_err(|status| Problem::from(&status))
}

/// A file to keep or to print. Its name comes from a carrier: only plain characters of it are taken over.
fn file(content: impl Into<Bytes>, content_type: &str, name: &str) -> Response {
    let known = CONTENT_TYPES.into_iter().find(|known| known.eq_ignore_ascii_case(content_type));
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || "-_.".contains(*letter);
    let name: String = name.chars().filter(is_plain).skip_while(|letter| *letter == '.').take(100).collect();
    let name = if name.is_empty() { "label" } else { &name };
    let mut response = Response::new(Body::from(content.into()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(known.unwrap_or(ANY_CONTENT)));
    if let Ok(disposition) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    response
}
