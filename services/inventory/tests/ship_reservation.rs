//! Goods that leave.

use proto::inventory::v1::{ReservationState, ShipReservationRequest};
use testing::refusal;
use tonic::Code;
use types::ReservationId;

use crate::stockroom::Stockroom;

#[tokio::test(flavor = "multi_thread")]
async fn on_hand_and_reserved_fall_together() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let reservation = room.reserve(&room.order(&[("A-1", 3)])).await;
    let shipped = room.ship(&reservation.reservation_id).await;
    assert_eq!(shipped.state(), ReservationState::Shipped);
    assert_eq!(room.ship(&reservation.reservation_id).await, shipped);
    assert_eq!(room.stock("A-1").await, (7, 0));
    assert_eq!((room.events("StockShipped").await, room.history("ship_reservation").await), (1, 1));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_held_can_leave() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let unknown = refusal(room.try_ship(&ReservationId::new().to_string()).await);
    assert_eq!((unknown.code, unknown.reason.as_str()), (Code::NotFound, "RESERVATION_NOT_FOUND"));

    let reservation = room.reserve(&room.order(&[("A-1", 3)])).await;
    room.release(&reservation.reservation_id).await;
    let released = refusal(room.try_ship(&reservation.reservation_id).await);
    assert_eq!((released.code, released.reason.as_str()), (Code::FailedPrecondition, "RESERVATION_RELEASED"));
    assert_eq!(room.stock("A-1").await, (10, 0));

    let wrong = ShipReservationRequest { reservation_id: String::new(), reference: "x".repeat(129) };
    assert_eq!(refusal(room.client().ship_reservation(wrong).await).fields, ["reservation_id", "reference"]);
}
