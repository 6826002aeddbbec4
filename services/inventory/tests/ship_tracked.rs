//! Goods that leave because their parcel moves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use prost::{Message, Name};
use proto::delivery::v1::{Shipment, ShipmentTracked, TrackingStatus};
use proto::events::v1::event_log_service_server::{EventLogService, EventLogServiceServer};
use proto::events::v1::*;
use proto::inventory::v1::ReservationState;
use testing::{World, eventually};
use tonic::{Request, Response, Status};
use types::OrderId;
use uuid::Uuid;

use crate::stockroom::Stockroom;

/// Delivery's log, written by the test.
#[derive(Clone, Default)]
struct DeliveryLog(Arc<Mutex<Vec<Event>>>);

impl DeliveryLog {
    fn tracked(&self, order_id: &str, status: TrackingStatus) {
        let shipment = Shipment {
            shipment_id: format!("shm of {order_id}"),
            order_id: order_id.to_owned(),
            status: status.into(),
            ..Shipment::default()
        };
        let body = ShipmentTracked { shipment: Some(shipment), previous_status: 0 }.encode_to_vec().into();
        let mut events = self.0.lock().unwrap();
        let position = events.len() as i64 + 1;
        events.push(Event {
            position,
            event_id: Uuid::new_v4().to_string(),
            aggregate_id: format!("shm of {order_id}"),
            aggregate_version: position,
            r#type: ShipmentTracked::full_name(),
            body,
            actor: "service:delivery".to_owned(),
            ..Event::default()
        });
    }
}

#[tonic::async_trait]
impl EventLogService for DeliveryLog {
    async fn read_events(
        &self,
        request: Request<ReadEventsRequest>,
    ) -> Result<Response<ReadEventsResponse>, Status> {
        let after = request.into_inner().after_position;
        let events: Vec<Event> =
            self.0.lock().unwrap().iter().filter(|event| event.position > after).cloned().collect();
        if events.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let read_position = events.last().map_or(after, |event| event.position);
        let epoch = "one".to_owned();
        Ok(Response::new(ReadEventsResponse {
            events,
            read_position,
            epoch,
            ..ReadEventsResponse::default()
        }))
    }

    async fn list_parked_events(
        &self,
        _: Request<ListParkedEventsRequest>,
    ) -> Result<Response<ListParkedEventsResponse>, Status> {
        Err(Status::unimplemented("a stand-in"))
    }

    async fn replay_parked_event(
        &self,
        _: Request<ReplayParkedEventRequest>,
    ) -> Result<Response<ReplayParkedEventResponse>, Status> {
        Err(Status::unimplemented("a stand-in"))
    }
}

async fn room_with(log: &DeliveryLog) -> Stockroom {
    let world = World::new().await.stand_in("delivery", EventLogServiceServer::new(log.clone()));
    let room = Stockroom::of(world).await;
    let main = room.warehouse("Main").await;
    room.receive(&main, &[("A-1", 10)]).await;
    room
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_leave_when_their_parcel_first_moves() {
    let log = DeliveryLog::default();
    let room = room_with(&log).await;
    let order = room.reserve(&room.order(&[("A-1", 3)])).await;
    let waiting = room.reserve(&room.order(&[("A-1", 1)])).await;

    for status in [TrackingStatus::Pending, TrackingStatus::OnHold, TrackingStatus::Cancelled] {
        log.tracked(&waiting.owner, status);
    }
    for status in [TrackingStatus::PickedUp, TrackingStatus::InTransit, TrackingStatus::Delivered] {
        log.tracked(&order.owner, status);
    }

    eventually("the goods leave", async || (room.stock("A-1").await == (7, 1)).then_some(())).await;
    assert_eq!(room.reservation(&order.reservation_id).await.state(), ReservationState::Shipped);
    assert_eq!(room.reservation(&waiting.reservation_id).await.state(), ReservationState::Held);
    assert_eq!((room.events("StockShipped").await, room.history("ship_tracked").await), (1, 1));
    assert_eq!(room.number("SELECT count(*) FROM event_log WHERE causation_id IS NOT NULL").await, 1);
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parcels_without_held_units_change_nothing() {
    let log = DeliveryLog::default();
    let room = room_with(&log).await;
    let released = room.reserve(&room.order(&[("A-1", 3)])).await;
    room.release(&released.reservation_id).await;
    let shipped = room.reserve(&room.order(&[("A-1", 1)])).await;
    room.ship(&shipped.reservation_id).await;
    let last = room.reserve(&room.order(&[("A-1", 2)])).await;

    for owner in [&OrderId::new().to_string(), &released.owner, &shipped.owner, &last.owner] {
        log.tracked(owner, TrackingStatus::PickedUp);
    }

    eventually("the last parcel is seen", async || (room.stock("A-1").await == (7, 0)).then_some(())).await;
    assert_eq!(room.reservation(&released.reservation_id).await.state(), ReservationState::Released);
    assert_eq!(room.number("SELECT count(*) FROM parked_events").await, 0);
    room.assert_books_balance().await;
}
