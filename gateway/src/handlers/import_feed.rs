//! `POST /v1/feeds/yml` and `/v1/feeds/csv`: streams an uploaded feed into the catalog and its progress back, one JSON object per line.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, stream};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use prost::Message as _;
use proto::catalog::v1::catalog_service_client::CatalogServiceClient;
use proto::catalog::v1::import_feed_request::Part;
use proto::catalog::v1::{FeedFormat, ImportFeedProgress, ImportFeedRequest, ImportFeedSettings};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tonic::Streaming;
use transcode::{Api, MessageId, Reason, Violation};

use super::{Result, call_of};
use crate::body;
use crate::layers::RequestId;
use crate::problem::Problem;
use crate::settings::Limits;
use crate::state::Gateway;

/// When it makes sense to try again while other feeds are imported.
const RETRY_AFTER: Duration = Duration::from_secs(30);
/// Chunks between the client's connection and the catalog.
const CHUNKS_MAX: usize = 8;
/// The largest chunk that the catalog takes.
const CHUNK_BYTES_MAX: usize = 1024 * 1024;

pub(super) async fn answer(
    gateway: &Gateway,
    format: FeedFormat,
    patience: Duration,
    request: Request,
) -> Result<Response> {
    let limits = gateway.settings.limits;
    let call = call_of(&request, patience)?;
    let request_id = request.extensions().get::<RequestId>().cloned();
    body::refuse_encoded(request.headers())?;
    body::refuse_announced(request.headers(), limits.feed_bytes_max)?;
    let settings = settings(format, request.uri().query().unwrap_or_default())?;
    let slot = gateway.feeds.clone().try_acquire_owned().map_err(|_| too_many())?;

    let (parts, uploaded) = mpsc::channel(CHUNKS_MAX);
    let (fail, failed) = oneshot::channel();
    let feed = request.into_body();
    tokio::spawn(async move {
        if let Err(problem) = upload(feed, settings, &parts, limits).await {
            // The sender lives on until the import is dropped: to the catalog a feed that broke off must not look complete.
            let _ = fail.send(problem);
            parts.closed().await;
        }
    });
    let mut client = CatalogServiceClient::new(gateway.channel("catalog").bind(&call));
    let uploaded = stream::unfold(uploaded, async |mut parts| parts.recv().await.map(|part| (part, parts)));
    let mut import = Import { failed: Some(failed), progress: None, request_id, done: false, _slot: slot };
    let progress = import.or_failure(client.import_feed(Box::pin(uploaded))).await?;
    let progress = progress.map_err(|status| Problem::from(&status))?;
    import.progress = Some(progress.into_inner());

    let mut response = Response::new(Body::from_stream(lines(import)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

pub(super) fn too_many() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "OVERLOADED",
        "other feeds are being imported or exported; try again later",
    )
    .retry_after(RETRY_AFTER)
}

/// What the query says; the format is that of the path.
fn settings(format: FeedFormat, query: &str) -> Result<ImportFeedSettings> {
    let Some(message) = message("korob.catalog.v1.ImportFeedSettings") else {
        return Err(Problem::internal());
    };
    let mut wire = Vec::new();
    Api::suite().read_query(message, query, &mut wire)?;
    let settings = ImportFeedSettings::decode(wire.as_slice()).map_err(|_| Problem::internal())?;
    if settings.format() != FeedFormat::Unspecified && settings.format() != format {
        let differs = Violation::new(Reason::PathMismatch, "the query names another one than the path");
        return Err(differs.under("format").into());
    }
    Ok(ImportFeedSettings { format: format.into(), ..settings })
}

/// Passes the settings and then the file on, as fast as the catalog takes it.
async fn upload(
    mut feed: Body,
    settings: ImportFeedSettings,
    parts: &mpsc::Sender<ImportFeedRequest>,
    limits: Limits,
) -> Result<()> {
    let send = async |part| parts.send(ImportFeedRequest { part: Some(part) }).await.is_ok();
    let mut open = send(Part::Settings(settings)).await;
    let mut read_bytes = 0_u64;
    while open {
        let frame =
            tokio::time::timeout(limits.body_timeout(), feed.frame()).await.map_err(|_| body::too_slow())?;
        let Some(frame) = frame else { return Ok(()) };
        let Ok(mut data) = frame.map_err(|_| body::broken())?.into_data() else { continue };
        read_bytes += data.len() as u64;
        if read_bytes > limits.feed_bytes_max {
            return Err(body::too_large(limits.feed_bytes_max));
        }
        while open && !data.is_empty() {
            let chunk = data.split_to(data.len().min(CHUNK_BYTES_MAX));
            open = send(Part::Chunk(chunk)).await;
        }
    }
    Ok(())
}

/// A running import. Dropping it ends the call.
struct Import {
    failed: Option<oneshot::Receiver<Problem>>,
    progress: Option<Streaming<ImportFeedProgress>>,
    request_id: Option<RequestId>,
    done: bool,
    _slot: OwnedSemaphorePermit,
}

impl Import {
    /// Waits for `work`, unless the upload fails first.
    async fn or_failure<T>(&mut self, work: impl Future<Output = T>) -> Result<T> {
        let Some(failed) = &mut self.failed else { return Ok(work.await) };
        tokio::pin!(work);
        tokio::select! {
            biased;
            problem = failed => match problem {
                Ok(problem) => Err(problem),
                // The upload is complete.
                Err(_) => {
                    self.failed = None;
                    Ok(work.await)
                }
            },
            answer = &mut work => Ok(answer),
        }
    }

    /// The next line; after a problem there is none.
    async fn line(&mut self) -> Option<Vec<u8>> {
        if self.done {
            return None;
        }
        let mut progress = self.progress.take()?;
        let next = self.or_failure(progress.message()).await;
        self.progress = Some(progress);
        let mut line = match next {
            Ok(Ok(Some(message))) => json(&message).unwrap_or_else(|problem| self.last_line(&problem)),
            Ok(Ok(None)) => return None,
            Ok(Err(status)) => self.last_line(&Problem::from(&status)),
            Err(problem) => self.last_line(&problem),
        };
        line.push(b'\n');
        Some(line)
    }

    /// The status is sent already: the problem becomes the last line.
    fn last_line(&mut self, problem: &Problem) -> Vec<u8> {
        self.done = true;
        self.progress = None;
        let request_id = self.request_id.as_ref().map_or("", |id| &id.0);
        let mut line = br#"{"problem":"#.to_vec();
        line.extend_from_slice(&problem.text(request_id));
        line.push(b'}');
        line
    }
}

fn lines(import: Import) -> impl Stream<Item = std::result::Result<Bytes, Infallible>> {
    stream::unfold(import, async |mut import| {
        let line = import.line().await?;
        Some((Ok(Bytes::from(line)), import))
    })
}

fn json(progress: &ImportFeedProgress) -> Result<Vec<u8>> {
    let Some(message) = message("korob.catalog.v1.ImportFeedProgress") else {
        return Err(Problem::internal());
    };
    let mut line = Vec::new();
    let written = Api::suite().write_json(message, &progress.encode_to_vec(), &mut line);
    written.map(|()| line).map_err(|_| Problem::internal())
}

fn message(full_name: &str) -> Option<MessageId> {
    Api::suite().message(full_name)
}
