//! Tells the caller how far the import is.

use std::time::Duration;

use proto::catalog::v1 as pb;
use tokio::sync::mpsc;
use tonic::Status;
use types::Sku;

use crate::error::{Error, Result};
use crate::feed::Refusal;

/// Messages that wait for the caller.
pub(crate) const MESSAGES_WAITING_MAX: usize = 16;
/// How long a message waits for a caller who does not read.
const CALLER_PATIENCE: Duration = Duration::from_secs(60);
/// Refused rows of one message.
const ROWS_MAX: usize = 500;

/// What an import did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) read_bytes: u64,
    pub(crate) rows: u64,
    pub(crate) created: u64,
    pub(crate) updated: u64,
    pub(crate) unchanged: u64,
    pub(crate) categories: u64,
    pub(crate) prices_changed: u64,
    pub(crate) errors: u64,
}

/// What a row would do, as a dry run tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rehearsed {
    pub(crate) line: u64,
    pub(crate) offer_id: String,
    pub(crate) sku: Sku,
    pub(crate) created: bool,
}

/// The way to the caller.
pub(crate) struct Report {
    messages: mpsc::Sender<Result<pb::ImportFeedProgress, Status>>,
}

impl Report {
    pub(crate) fn new(messages: mpsc::Sender<Result<pb::ImportFeedProgress, Status>>) -> Self {
        Self { messages }
    }

    /// Tells how far it is and which rows were refused since. Mere progress is skipped while the caller does not read;
    /// refused and rehearsed rows wait for him.
    pub(crate) async fn tell(
        &self,
        progress: &Progress,
        refused: Vec<Refusal>,
        rehearsed: Vec<Rehearsed>,
    ) -> Result<()> {
        if refused.is_empty() && rehearsed.is_empty() {
            return match self.messages.try_send(Ok(progress.message(Vec::new()))) {
                Err(mpsc::error::TrySendError::Closed(_)) => Err(Error::CallerGone),
                Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => Ok(()),
            };
        }
        let mut refused = refused.into_iter().peekable();
        let mut rehearsed = rehearsed.into_iter().peekable();
        while refused.peek().is_some() || rehearsed.peek().is_some() {
            let message = pb::ImportFeedProgress {
                outcomes: rehearsed.by_ref().take(ROWS_MAX).map(Rehearsed::into_wire).collect(),
                ..progress.message(refused.by_ref().take(ROWS_MAX).collect())
            };
            let sent = tokio::time::timeout(CALLER_PATIENCE, self.messages.send(Ok(message)));
            sent.await.map_err(|_| Error::CallerGone)?.map_err(|_| Error::CallerGone)?;
        }
        Ok(())
    }

    /// The last message of an import that ran to its end.
    pub(crate) async fn finish(&self, progress: &Progress) {
        let message = pb::ImportFeedProgress { finished: true, ..progress.message(Vec::new()) };
        // What was done stays done, whether or not the caller still listens.
        let _ = tokio::time::timeout(CALLER_PATIENCE, self.messages.send(Ok(message))).await;
    }

    /// The last message of an import that ended early.
    pub(crate) async fn fail(&self, error: Error) {
        let _ = tokio::time::timeout(CALLER_PATIENCE, self.messages.send(Err(error.into()))).await;
    }
}

impl Rehearsed {
    fn into_wire(self) -> pb::RowOutcome {
        pb::RowOutcome {
            line: i64::try_from(self.line).unwrap_or(i64::MAX),
            offer_id: self.offer_id,
            sku: self.sku.into(),
            created: self.created,
        }
    }
}

impl Progress {
    fn message(&self, refused: Vec<Refusal>) -> pb::ImportFeedProgress {
        let count = |number: u64| i32::try_from(number).unwrap_or(i32::MAX);
        pb::ImportFeedProgress {
            read_bytes: i64::try_from(self.read_bytes).unwrap_or(i64::MAX),
            row_count: count(self.rows),
            created_count: count(self.created),
            updated_count: count(self.updated),
            unchanged_count: count(self.unchanged),
            category_count: count(self.categories),
            price_changed_count: count(self.prices_changed),
            errors: refused.into_iter().map(Refusal::into_wire).collect(),
            finished: false,
            error_count: count(self.errors),
            outcomes: Vec::new(),
        }
    }
}
