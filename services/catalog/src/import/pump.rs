//! Passes the caller's chunks on to the reader, in the caller's pace and the reader's, whichever is slower.

use ::rpc::Invalid;
use bytes::Bytes;
use proto::catalog::v1::{ImportFeedRequest, import_feed_request::Part};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use super::{CHUNK_BYTES_MAX, CHUNK_PATIENCE};
use crate::error::{Error, Result};

/// Chunks between the caller and the reader.
pub(super) const CHUNKS_WAITING_MAX: usize = 4;

/// Ends well when the caller has sent all, or when nobody reads any more.
pub(super) async fn run(
    mut stream: Streaming<ImportFeedRequest>,
    chunks: mpsc::Sender<Bytes>,
    deadline: Instant,
    stop: CancellationToken,
) -> Result<()> {
    loop {
        let message = tokio::select! {
            () = stop.cancelled() => return Err(Error::Stopping),
            () = chunks.closed() => return Ok(()),
            () = tokio::time::sleep_until(deadline) => return Err(Error::ImportOverdue),
            () = tokio::time::sleep(CHUNK_PATIENCE) => return Err(Error::FeedStalled(CHUNK_PATIENCE)),
            message = stream.message() => message,
        };
        let Some(message) = message.map_err(|status| Error::FeedInterrupted(status.message().to_owned()))?
        else {
            return Ok(());
        };
        let chunk = chunk(message)?;
        // Nobody reads any more: whoever stopped says why.
        if !chunk.is_empty() && chunks.send(chunk).await.is_err() {
            return Ok(());
        }
    }
}

fn chunk(message: ImportFeedRequest) -> Result<Bytes, Invalid> {
    match message.part {
        Some(Part::Chunk(chunk)) if chunk.len() <= CHUNK_BYTES_MAX => Ok(chunk),
        Some(Part::Chunk(_)) => {
            Err(Invalid::field("chunk", "TOO_LONG", format!("at most {CHUNK_BYTES_MAX} bytes")))
        }
        Some(Part::Settings(_)) => {
            Err(Invalid::field("settings", "DUPLICATE", "the settings come first and once"))
        }
        None => Err(Invalid::field("chunk", "REQUIRED", "is required")),
    }
}
