//! Serves this service's log and its parked events.

use std::time::Duration;

use proto::events::v1::event_log_service_server::EventLogService;
use proto::events::v1::{
    ListParkedEventsRequest, ListParkedEventsResponse, ReadEventsRequest, ReadEventsResponse,
    ReplayParkedEventRequest, ReplayParkedEventResponse,
};
use rpc::{Fault, Fields};
use store::{Page, Store};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use crate::{log, parked};

const LIMIT_DEFAULT: i32 = 100;
const LIMIT_MAX: i32 = 500;
const WAIT_MS_MAX: i32 = 20_000;
/// Types that one reader can ask for.
const TYPES_MAX: usize = 100;
/// The longest name of a type or a consumer, in characters.
const NAME_LENGTH_MAX: usize = 200;
/// What is committed within a moment is read together.
const GATHER: Duration = Duration::from_millis(2);

/// The event log of one service, as a gRPC service.
#[derive(Clone)]
pub struct EventLog {
    store: Store,
    stop: CancellationToken,
}

impl EventLog {
    /// The log in `store`. Readers that wait are answered at once when `stop` is cancelled.
    pub fn new(store: Store, stop: CancellationToken) -> Self {
        Self { store, stop }
    }

    async fn read_or_wait(&self, request: &ReadEventsRequest) -> Result<ReadEventsResponse, Status> {
        let limit = if request.limit == 0 { LIMIT_DEFAULT } else { request.limit } as usize;
        let until = Instant::now() + Duration::from_millis(request.wait_ms as u64);
        let mut appended = self.store.appended();
        let mut after = request.after_position;
        loop {
            appended.borrow_and_update();
            let page = log::read(&self.store, after, &request.types, limit).await.map_err(refusal)?;
            let left = until.saturating_duration_since(Instant::now());
            let went_back = page.read_position < request.after_position;
            if went_back || !page.events.is_empty() || left.is_zero() || self.stop.is_cancelled() {
                return Ok(page);
            }
            // What was looked at and is of other types is not looked at again.
            after = page.read_position;
            // Ends early only when the store is gone, which outlives this call.
            let wait = async {
                let _ = tokio::time::timeout(left.min(log::POLL_PERIOD), appended.changed()).await;
                tokio::time::sleep(GATHER).await;
            };
            let _ = self.stop.run_until_cancelled(wait).await;
        }
    }
}

#[tonic::async_trait]
impl EventLogService for EventLog {
    async fn read_events(
        &self,
        request: Request<ReadEventsRequest>,
    ) -> Result<Response<ReadEventsResponse>, Status> {
        let (_, request) = rpc::open(request)?;
        let mut fields = Fields::new();
        fields.check(request.after_position >= 0, "after_position", "OUT_OF_RANGE", "0 or more");
        fields.check(
            (0..=LIMIT_MAX).contains(&request.limit),
            "limit",
            "OUT_OF_RANGE",
            "0 to 500; 0 means 100",
        );
        fields.check((0..=WAIT_MS_MAX).contains(&request.wait_ms), "wait_ms", "OUT_OF_RANGE", "0 to 20000");
        fields.check(request.types.len() <= TYPES_MAX, "types", "TOO_MANY", "at most 100 entries");
        for (at, name) in request.types.iter().enumerate().take(TYPES_MAX) {
            fields.text(&format!("types[{at}]"), name, NAME_LENGTH_MAX);
        }
        fields.finish().map_err(|invalid| Fault::invalid(&invalid))?;
        Ok(Response::new(self.read_or_wait(&request).await?))
    }

    async fn list_parked_events(
        &self,
        request: Request<ListParkedEventsRequest>,
    ) -> Result<Response<ListParkedEventsResponse>, Status> {
        let (_, request) = rpc::open(request)?;
        let page = Page::parse(&self.store, request.page_size, &request.page_token, b"parked")
            .map_err(|invalid| Fault::invalid(&invalid))?;
        let (parked_events, next_page_token) = parked::list(&self.store, &page).await.map_err(refusal)?;
        Ok(Response::new(ListParkedEventsResponse { parked_events, next_page_token }))
    }

    async fn replay_parked_event(
        &self,
        request: Request<ReplayParkedEventRequest>,
    ) -> Result<Response<ReplayParkedEventResponse>, Status> {
        let (_, request) = rpc::open(request)?;
        let mut fields = Fields::new();
        let event_id: Option<Uuid> = fields.parse("event_id", &request.event_id);
        fields.text("consumer", &request.consumer, NAME_LENGTH_MAX);
        let event_id = fields.finish_with(event_id).map_err(|invalid| Fault::invalid(&invalid))?;
        // The subscription's own loop applies it within a second, in the order of its aggregate.
        let released = parked::release(&self.store, &request.consumer, event_id).await.map_err(refusal)?;
        match released {
            Some(aggregate_id) => Ok(Response::new(ReplayParkedEventResponse { aggregate_id })),
            None => {
                Err(Fault::new(Code::NotFound, "PARKED_EVENT_NOT_FOUND", "no such event is parked").into())
            }
        }
    }
}

fn refusal(error: store::Error) -> Status {
    error.fault().into()
}
