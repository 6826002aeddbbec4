//! A stand-in for the events of orders.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use prost::{Message, Name};
use proto::events::v1::event_log_service_server::EventLogService;
use proto::events::v1::{
    Event, ListParkedEventsRequest, ListParkedEventsResponse, ReadEventsRequest, ReadEventsResponse,
    ReplayParkedEventRequest, ReplayParkedEventResponse,
};
use proto::orders::v1::{OrderChanged, OrderLine, OrderSnapshot};
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// A log that a test writes. Cheap to clone.
#[derive(Clone, Default)]
pub struct OrderLog(Arc<Mutex<Vec<Event>>>);

impl OrderLog {
    /// The order has changed so, of `ordered` units of which `shipped` have left.
    pub fn changed(&self, order_id: &str, changed_fields: &[&str], (ordered, shipped): (i32, i32)) {
        let line = OrderLine { ordered, shipped, ..Default::default() };
        let order = OrderSnapshot { order_id: order_id.to_owned(), lines: vec![line], ..Default::default() };
        let changed_fields = changed_fields.iter().map(|field| (*field).to_owned()).collect();
        self.append(order_id, &OrderChanged { order: Some(order), changed_fields });
    }

    /// Its goods leave: `shipped` of two units have.
    pub fn left(&self, order_id: &str, shipped: i32) {
        self.changed(order_id, &["fulfilment_status", "lines", "fulfilments"], (2, shipped));
    }

    /// The position of the last event.
    pub fn last_position(&self) -> i64 {
        self.0.lock().expect("nobody panicked").len() as i64
    }

    fn append<E: Message + Name>(&self, aggregate_id: &str, event: &E) {
        let mut log = self.0.lock().expect("nobody panicked");
        let version = log.iter().filter(|known| known.aggregate_id == aggregate_id).count() as i64 + 1;
        let position = log.len() as i64 + 1;
        log.push(Event {
            position,
            event_id: Uuid::new_v4().to_string(),
            aggregate_id: aggregate_id.to_owned(),
            aggregate_version: version,
            r#type: E::full_name(),
            body: event.encode_to_vec().into(),
            actor: "service:orders".to_owned(),
            create_time: Some(prost_types::Timestamp::default()),
            ..Default::default()
        });
    }
}

#[tonic::async_trait]
impl EventLogService for OrderLog {
    async fn read_events(
        &self,
        request: Request<ReadEventsRequest>,
    ) -> Result<Response<ReadEventsResponse>, Status> {
        let request = request.into_inner();
        for _ in 0..20 {
            let (events, last) = {
                let log = self.0.lock().expect("nobody panicked");
                let after = log.iter().filter(|event| event.position > request.after_position);
                let wanted = after.filter(|event| request.types.contains(&event.r#type));
                (wanted.cloned().collect::<Vec<_>>(), log.len() as i64)
            };
            if !events.is_empty() {
                return Ok(Response::new(page(events, last)));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Response::new(page(Vec::new(), request.after_position)))
    }

    async fn list_parked_events(
        &self,
        _: Request<ListParkedEventsRequest>,
    ) -> Result<Response<ListParkedEventsResponse>, Status> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn replay_parked_event(
        &self,
        _: Request<ReplayParkedEventRequest>,
    ) -> Result<Response<ReplayParkedEventResponse>, Status> {
        Err(Status::unimplemented("not in this test"))
    }
}

fn page(events: Vec<Event>, read_position: i64) -> ReadEventsResponse {
    ReadEventsResponse { events, read_position, epoch: "one".to_owned(), trimmed_position: 0 }
}
