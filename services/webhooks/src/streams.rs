//! The logs of the services, which are read and never copied.

use std::time::Duration;

use proto::events::v1::{ReadEventsRequest, ReadEventsResponse};
use rpc::{Call, Caller, Channel, Directory};
use tonic::Status;

/// Events of one page.
pub(crate) const PAGE_LENGTH: usize = 200;
/// A page is cut when its events have so many bytes; what comes close may have been cut.
const PAGE_BYTES_FULL: usize = 512 * 1024;
/// How long an answer may take beyond what it was asked to wait.
const PATIENCE: Duration = Duration::from_secs(5);

/// One log.
#[derive(Clone)]
pub(crate) struct Stream {
    /// The service that writes it.
    pub(crate) name: &'static str,
    channel: Channel,
}

/// All of them. Their order never changes: cursors name them by it, new ones come last.
#[derive(Clone)]
pub(crate) struct Streams(Vec<Stream>);

/// A place in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which log it is; another one after it was restored.
    pub(crate) epoch: String,
    pub(crate) position: i64,
}

impl Streams {
    pub(crate) fn new(directory: &Directory) -> Self {
        let channels = [
            ("access", directory.channel("access")),
            ("catalog", directory.channel("catalog")),
            ("customers", directory.channel("customers")),
            ("delivery", directory.channel("delivery")),
            ("inventory", directory.channel("inventory")),
            ("orders", directory.channel("orders")),
            ("payments", directory.channel("payments")),
        ];
        Self(channels.into_iter().map(|(name, channel)| Stream { name, channel }).collect())
    }

    pub(crate) fn all(&self) -> &[Stream] {
        &self.0
    }

    pub(crate) fn index_of(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|stream| stream.name == name)
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Stream> {
        self.0.iter().find(|stream| stream.name == name)
    }
}

impl Stream {
    /// Events after `position`, of `types`, waiting up to `wait` for the first.
    pub(crate) async fn read(
        &self,
        position: i64,
        types: Vec<String>,
        wait: Duration,
    ) -> Result<ReadEventsResponse, Status> {
        let request = ReadEventsRequest {
            after_position: position,
            types,
            limit: PAGE_LENGTH as i32,
            wait_ms: wait.as_millis() as i32,
        };
        self.ask(request, wait + PATIENCE).await
    }

    /// The place behind the newest event.
    pub(crate) async fn end(&self) -> Result<Place, Status> {
        // Nothing is behind the highest number there can be, and what was looked at ends with the newest.
        let request =
            ReadEventsRequest { after_position: i64::MAX, limit: 1, ..ReadEventsRequest::default() };
        let page = self.ask(request, PATIENCE).await?;
        Ok(Place { epoch: page.epoch, position: page.read_position })
    }

    /// The place before the first event that was told at `time` or later, found by halving; a moment too early rather than
    /// too late.
    pub(crate) async fn place_at(&self, time: &prost_types::Timestamp) -> Result<Place, Status> {
        let end = self.end().await?;
        let first =
            self.ask(ReadEventsRequest { limit: 1, ..ReadEventsRequest::default() }, PATIENCE).await?;
        let (mut low, mut high) = (first.trimmed_position, end.position);
        while low < high {
            let middle = low + (high - low) / 2;
            let request =
                ReadEventsRequest { after_position: middle, limit: 1, ..ReadEventsRequest::default() };
            let page = self.ask(request, PATIENCE).await?;
            let told = page.events.first().and_then(|event| event.create_time);
            let before = told.is_some_and(|told| (told.seconds, told.nanos) < (time.seconds, time.nanos));
            (low, high) = if before { (middle + 1, high) } else { (low, middle) };
        }
        Ok(Place { position: low, ..end })
    }

    async fn ask(
        &self,
        request: ReadEventsRequest,
        patience: Duration,
    ) -> Result<ReadEventsResponse, Status> {
        let call = Call::begin(Caller::service("webhooks"), patience);
        Ok(events::log_client(&self.channel, &call).read_events(request).await?.into_inner())
    }
}

/// Whether there is probably more behind a page.
pub(crate) fn is_full(page: &ReadEventsResponse) -> bool {
    let bytes: usize = page.events.iter().map(|event| event.body.len()).sum();
    page.events.len() >= PAGE_LENGTH || bytes >= PAGE_BYTES_FULL
}
