//! Stand-ins for the services that customers talks to: the shops of access, the events of orders.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use proto::access::v1::{GetShopRequest, Shop};
use proto::events::v1::event_log_service_server::EventLogService;
use proto::events::v1::{
    Event, ListParkedEventsRequest, ListParkedEventsResponse, ReadEventsRequest, ReadEventsResponse,
    ReplayParkedEventRequest, ReplayParkedEventResponse,
};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};

/// Every shop is in this country.
#[derive(Clone)]
pub struct ShopsIn(pub &'static str);

impl NamedService for ShopsIn {
    const NAME: &'static str = "korob.access.v1.AccessService";
}

impl tower::Service<http::Request<Body>> for ShopsIn {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let shops = self.clone();
        assert!(request.uri().path().ends_with("/GetShop"));
        Box::pin(async move { Ok(Grpc::new(tonic_prost::ProstCodec::default()).unary(shops, request).await) })
    }
}

impl UnaryService<GetShopRequest> for ShopsIn {
    type Response = Shop;
    type Future = BoxFuture<'static, Result<Response<Shop>, Status>>;

    fn call(&mut self, request: Request<GetShopRequest>) -> Self::Future {
        let shop_id = request.into_inner().shop_id;
        let shop = Shop { shop_id, country_code: self.0.to_owned(), ..Default::default() };
        Box::pin(async move { Ok(Response::new(shop)) })
    }
}

/// A log of orders that a test writes.
#[derive(Clone, Default)]
pub struct OrderLog {
    events: Arc<Mutex<Vec<Event>>>,
}

impl OrderLog {
    /// Appends an event as it is; the position is the log's.
    pub fn append(&self, mut event: Event) {
        let mut events = self.events.lock().unwrap();
        event.position = events.len() as i64 + 1;
        events.push(event);
    }

    pub fn last_position(&self) -> i64 {
        self.events.lock().unwrap().len() as i64
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
            let after = request.after_position;
            let (events, last) = {
                let all = self.events.lock().unwrap();
                let wanted = all
                    .iter()
                    .filter(|event| event.position > after && request.types.contains(&event.r#type));
                (wanted.take(request.limit as usize).cloned().collect::<Vec<_>>(), all.len() as i64)
            };
            if !events.is_empty() {
                let full = events.len() == request.limit as usize;
                let read_position = if full { events.last().unwrap().position } else { last };
                let epoch = "epoch".to_owned();
                return Ok(Response::new(ReadEventsResponse {
                    events,
                    read_position,
                    epoch,
                    trimmed_position: 0,
                }));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let epoch = "epoch".to_owned();
        let read_position = request.after_position;
        Ok(Response::new(ReadEventsResponse {
            events: Vec::new(),
            read_position,
            epoch,
            trimmed_position: 0,
        }))
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
