//! The logs of the other services, written by a test.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use prost::{Message, Name};
use proto::events::v1::event_log_service_server::{EventLogService, EventLogServiceServer};
use proto::events::v1::{
    Event, ListParkedEventsRequest, ListParkedEventsResponse, ReadEventsRequest, ReadEventsResponse,
    ReplayParkedEventRequest, ReplayParkedEventResponse,
};
use testing::World;
use tonic::{Request, Response, Status};
use types::ShopId;
use uuid::Uuid;

const POLL: Duration = Duration::from_millis(10);
pub const STREAMS: [&str; 7] =
    ["access", "catalog", "customers", "delivery", "inventory", "orders", "payments"];

/// One log.
#[derive(Clone)]
pub struct Log(Arc<Mutex<Written>>);

struct Written {
    epoch: Uuid,
    events: Vec<Event>,
    trimmed: i64,
    /// Answers nothing.
    away: bool,
    reads: u64,
}

/// All of them.
#[derive(Clone)]
pub struct Logs(Vec<Log>);

/// What a test tells.
pub struct Fact<'a> {
    pub resource: &'a str,
    pub version: i64,
    pub shop: Option<ShopId>,
    pub actor: &'a str,
    pub time: DateTime<Utc>,
}

impl Logs {
    pub fn new() -> Self {
        let written =
            || Written { epoch: Uuid::new_v4(), events: Vec::new(), trimmed: 0, away: false, reads: 0 };
        Self(STREAMS.iter().map(|_| Log(Arc::new(Mutex::new(written())))).collect())
    }

    pub fn move_into(&self, world: World) -> World {
        STREAMS
            .iter()
            .zip(&self.0)
            .fold(world, |world, (name, log)| world.stand_in(name, EventLogServiceServer::new(log.clone())))
    }

    pub fn of(&self, stream: &str) -> &Log {
        &self.0[STREAMS.iter().position(|name| *name == stream).unwrap()]
    }
}

impl Log {
    /// Appends an event; answers its position.
    pub fn tell<E: Message + Name>(&self, fact: &Fact<'_>, event: &E) -> i64 {
        let mut written = self.0.lock().unwrap();
        let position = written.trimmed.max(written.events.last().map_or(0, |last| last.position)) + 1;
        written.events.push(Event {
            position,
            event_id: Uuid::now_v7().to_string(),
            aggregate_id: fact.resource.to_owned(),
            aggregate_version: fact.version,
            r#type: E::full_name(),
            body: event.encode_to_vec().into(),
            shop_id: fact.shop.map(|shop| shop.to_string()).unwrap_or_default(),
            actor: fact.actor.to_owned(),
            create_time: Some(rpc::wire::time(fact.time)),
            ..Event::default()
        });
        position
    }

    /// Forgets all up to `position`.
    pub fn trim(&self, position: i64) {
        let mut written = self.0.lock().unwrap();
        written.events.retain(|event| event.position > position);
        written.trimmed = position;
    }

    /// As after a restore: another epoch, without what came last.
    pub fn restore_to(&self, position: i64) {
        let mut written = self.0.lock().unwrap();
        written.events.retain(|event| event.position <= position);
        written.epoch = Uuid::new_v4();
    }

    pub fn is_away(&self, away: bool) {
        self.0.lock().unwrap().away = away;
    }

    /// How often somebody read.
    pub fn reads(&self) -> u64 {
        self.0.lock().unwrap().reads
    }

    fn read(&self, request: &ReadEventsRequest) -> Result<ReadEventsResponse, Status> {
        let written = self.0.lock().unwrap();
        if written.away {
            return Err(Status::unavailable("away"));
        }
        let last = written.events.last().map_or(written.trimmed, |last| last.position);
        let wanted = written.events.iter().filter(|event| {
            event.position > request.after_position
                && (request.types.is_empty() || request.types.contains(&event.r#type))
        });
        let limit = request.limit.max(1) as usize;
        let events: Vec<Event> = wanted.take(limit).cloned().collect();
        let read_position = if events.len() == limit { events[limit - 1].position } else { last };
        let (epoch, trimmed_position) = (written.epoch.to_string(), written.trimmed);
        Ok(ReadEventsResponse { events, read_position, epoch, trimmed_position })
    }
}

#[tonic::async_trait]
impl EventLogService for Log {
    async fn read_events(
        &self,
        request: Request<ReadEventsRequest>,
    ) -> Result<Response<ReadEventsResponse>, Status> {
        let request = request.into_inner();
        self.0.lock().unwrap().reads += 1;
        let until = tokio::time::Instant::now() + Duration::from_millis(request.wait_ms as u64);
        loop {
            let page = self.read(&request)?;
            if !page.events.is_empty() || tokio::time::Instant::now() >= until {
                return Ok(Response::new(page));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn list_parked_events(
        &self,
        _: Request<ListParkedEventsRequest>,
    ) -> Result<Response<ListParkedEventsResponse>, Status> {
        Err(Status::unimplemented("not in these tests"))
    }

    async fn replay_parked_event(
        &self,
        _: Request<ReplayParkedEventRequest>,
    ) -> Result<Response<ReplayParkedEventResponse>, Status> {
        Err(Status::unimplemented("not in these tests"))
    }
}
