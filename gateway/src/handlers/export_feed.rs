//! `GET /v1/feeds/yml`: streams what the catalog sells, as a feed that marketplaces read.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, stream};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use prost::Message as _;
use proto::catalog::v1::catalog_service_client::CatalogServiceClient;
use proto::catalog::v1::{ExportFeedChunk, ExportFeedRequest};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use tonic::{Status, Streaming};
use transcode::Api;

use super::import_feed::too_many;
use super::{Result, call_of};
use crate::problem::Problem;
use crate::state::Gateway;

pub(super) async fn answer(gateway: &Gateway, patience: Duration, request: Request) -> Result<Response> {
    let call = call_of(&request, patience)?;
    let wanted = wanted(request.uri().query().unwrap_or_default())?;
    let slot = gateway.feeds.clone().try_acquire_owned().map_err(|_| too_many())?;

    let mut client = CatalogServiceClient::new(gateway.channel("catalog").bind(&call));
    let begun = timeout_at(call.deadline, client.export_feed(wanted)).await.unwrap_or_else(|_| Err(late()));
    let chunks = begun.map_err(|status| Problem::from(&status))?.into_inner();
    let mut export = Export { chunks, deadline: call.deadline, _slot: slot };
    // What is refused is refused before anything is answered.
    let first = export.next().await.map_err(|status| Problem::from(&status))?;

    let mut response = Response::new(Body::from_stream(pieces(first, export)));
    let xml = HeaderValue::from_static("application/xml; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, xml);
    Ok(response)
}

fn wanted(query: &str) -> Result<ExportFeedRequest> {
    let message = Api::suite().message("korob.catalog.v1.ExportFeedRequest").ok_or_else(Problem::internal)?;
    let mut wire = Vec::new();
    Api::suite().read_query(message, query, &mut wire)?;
    ExportFeedRequest::decode(wire.as_slice()).map_err(|_| Problem::internal())
}

/// A running export. Dropping it ends the call.
struct Export {
    chunks: Streaming<ExportFeedChunk>,
    deadline: Instant,
    _slot: OwnedSemaphorePermit,
}

impl Export {
    async fn next(&mut self) -> std::result::Result<Option<Bytes>, Status> {
        let next = timeout_at(self.deadline, self.chunks.message()).await.unwrap_or_else(|_| Err(late()))?;
        Ok(next.map(|part| part.chunk))
    }
}

/// The file piece by piece. One that broke off must not look complete: the connection breaks, too.
fn pieces(first: Option<Bytes>, export: Export) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(first.map(|first| (Ok(first), export)), async |state| {
        let (piece, mut export) = state?;
        let Ok(piece) = piece else { return Some((piece, None)) };
        let next = match export.next().await {
            Ok(next) => next.map(|next| (Ok(next), export)),
            Err(status) => {
                tracing::warn!(code = ?status.code(), "a feed broke off");
                Some((Err(io::Error::other("the feed broke off")), export))
            }
        };
        Some((Ok(piece), next))
    })
}

fn late() -> Status {
    Status::deadline_exceeded("the feed was not done in time")
}
