//! Giving held units back, even before they were held.

use futures_util::future::join;
use proto::inventory::v1::{ReleaseReservationRequest, ReservationState};
use testing::refusal;
use tonic::Code;

use crate::stockroom::{Stockroom, held};

#[tokio::test(flavor = "multi_thread")]
async fn gives_the_units_back_once() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let reservation = room.reserve(&room.order(&[("A-1", 3)])).await;
    let released = room.release(&reservation.reservation_id).await;
    assert_eq!((released.state(), held(&released)), (ReservationState::Released, vec![("A-1", 3)]));
    assert_eq!(room.release(&reservation.reservation_id).await, released);
    assert_eq!(room.stock("A-1").await, (10, 0));
    assert_eq!((room.events("StockReleased").await, room.history("release_reservation").await), (1, 1));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_id_is_remembered() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let order = room.order(&[("A-1", 3)]);
    let tombstone = room.release(&order.reservation_id).await;
    assert_eq!((tombstone.state(), tombstone.owner.as_str()), (ReservationState::Released, ""));
    assert_eq!(room.release(&order.reservation_id).await, tombstone);
    assert_eq!((room.events("StockReleased").await, room.history("release_reservation").await), (0, 1));

    let late = refusal(room.try_reserve(order).await);
    assert_eq!((late.code, late.reason.as_str()), (Code::FailedPrecondition, "RESERVATION_RELEASED"));
    assert_eq!(room.stock("A-1").await, (10, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_meets_its_reserve_leaves_nothing_held() {
    let (room, _) = Stockroom::with(&[("A-1", 1000)]).await;
    for _ in 0..30 {
        let order = room.order(&[("A-1", 1)]);
        let (reserved, released) =
            join(room.try_reserve(order.clone()), room.try_release(&order.reservation_id)).await;
        assert_eq!(released.unwrap().into_inner().state(), ReservationState::Released);
        if let Err(status) = reserved {
            assert_eq!(rpc::reason(&status).as_deref(), Some("RESERVATION_RELEASED"));
        }
    }
    assert_eq!(room.stock("A-1").await, (1000, 0));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shipped_cannot_be_given_back() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let reservation = room.reserve(&room.order(&[("A-1", 3)])).await;
    room.ship(&reservation.reservation_id).await;
    let refused = refusal(room.try_release(&reservation.reservation_id).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "RESERVATION_SHIPPED"));
    assert_eq!(room.stock("A-1").await, (7, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_is_not_an_id() {
    let room = Stockroom::new().await;
    let wrong = ReleaseReservationRequest { reservation_id: "ord_1".to_owned(), note: "\0".to_owned() };
    assert_eq!(refusal(room.client().release_reservation(wrong).await).fields, ["reservation_id", "note"]);
}
