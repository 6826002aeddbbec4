//! Tells of changes as they happen, until the reader leaves, the deadline comes or the service stops.

use std::time::Duration;

use ::rpc::{Call, Fields};
use proto::webhooks::v1 as pb;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::feed_fields::{self, From, Said};
use crate::Webhooks;
use crate::error::{Error, Result};
use crate::feed::cursor::Cursor;
use crate::feed::page::{self, Found, Wanted};

/// Events of one answer.
const LIMIT: usize = 100;
/// How long nothing is said when nothing happens; then, how far the stream came.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Answers that wait for the reader.
const WAITING_MAX: usize = 2;
/// How long an answer waits for a reader who does not read.
const READER_PATIENCE: Duration = Duration::from_secs(30);
/// How long a log that does not answer is left alone.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

pub(crate) type Changes = ReceiverStream<Result<pb::WatchFeedResponse, Status>>;

/// One stream.
struct Watch {
    webhooks: Webhooks,
    wanted: Wanted,
    answers: mpsc::Sender<Result<pb::WatchFeedResponse, Status>>,
}

pub(crate) async fn handle(
    webhooks: &Webhooks,
    call: &Call,
    request: pb::WatchFeedRequest,
) -> Result<Changes> {
    let permit = webhooks.watchers.clone().try_acquire_owned().map_err(|_| Error::TooManyWatchers)?;
    let said = Said {
        after: &request.after,
        types: &request.types,
        shop_id: &request.shop_id,
        except_own: request.except_own,
    };
    let (wanted, from) = feed_fields::read(webhooks, call, Fields::new(), &said, LIMIT)?;
    let streams = wanted.streams(&webhooks.streams);
    // Before the first look, so that nothing is missed between it and the wait.
    let mut listener = webhooks.news.listen(&streams);
    let cursor = match from {
        From::Cursor(cursor) => cursor,
        From::Nowhere | From::Latest => feed_fields::latest(webhooks).await?,
    };
    // What is refused is refused before anything is told.
    let first = page::read(&webhooks.store, &webhooks.streams, cursor, &wanted).await?;

    let (answers, changes) = mpsc::channel(WAITING_MAX);
    let watch = Watch { webhooks: webhooks.clone(), wanted, answers };
    let (deadline, stop) = (call.deadline, webhooks.stop.clone());
    tokio::spawn(async move {
        let _permit = permit;
        let telling = async {
            let mut found = first;
            while let Some(cursor) = watch.tell(&mut found).await {
                if !found.more {
                    let _ = timeout(HEARTBEAT, listener.heard()).await;
                }
                match watch.next(cursor).await {
                    Some(next) => found = next,
                    None => return,
                }
            }
        };
        let _ = stop.run_until_cancelled(tokio::time::timeout_at(deadline, telling)).await;
    });
    Ok(ReceiverStream::new(changes))
}

impl Watch {
    /// Sends what was found; none when the reader has gone.
    async fn tell(&self, found: &mut Found) -> Option<Cursor> {
        let answer = pb::WatchFeedResponse {
            events: std::mem::take(&mut found.events),
            next_cursor: found.cursor.seal(&self.webhooks.store),
        };
        timeout(READER_PATIENCE, self.answers.send(Ok(answer))).await.ok()?.ok()?;
        Some(std::mem::take(&mut found.cursor))
    }

    /// Reads on; none when that is not possible any more, which the reader is told.
    async fn next(&self, cursor: Cursor) -> Option<Found> {
        match page::read(&self.webhooks.store, &self.webhooks.streams, cursor, &self.wanted).await {
            Ok(found) => {
                if found.unread.is_some() {
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
                Some(found)
            }
            Err(error) => {
                let _ = self.answers.send(Err(error.into())).await;
                None
            }
        }
    }
}
