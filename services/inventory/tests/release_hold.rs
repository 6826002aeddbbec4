//! Ending the hold of a cart.

use proto::inventory::v1::{ReleaseHoldRequest, ReservationState};
use testing::refusal;
use tonic::Code;
use types::{ReservationId, ShopId};

use crate::stockroom::Stockroom;

fn named(reservation_id: &str) -> ReleaseHoldRequest {
    ReleaseHoldRequest { reservation_id: reservation_id.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_a_hold_once() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let hold = room.hold("C-1", &[("A-1", 3)]).await;
    let mut partner = room.partner(room.shop);
    let released = partner.release_hold(named(&hold.reservation_id)).await.unwrap().into_inner();
    assert_eq!(released.state(), ReservationState::Released);
    let again = partner.release_hold(named(&hold.reservation_id)).await.unwrap().into_inner();
    assert_eq!(again, released);
    assert_eq!(room.stock("A-1").await, (10, 0));
    assert_eq!((room.events("StockReleased").await, room.history("release_hold").await), (1, 1));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_callers_hold_is_not_there() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let foreign = room.hold("C-1", &[("A-1", 3)]).await.reservation_id;
    let order = room.reserve(&room.order(&[("A-1", 3)])).await.reservation_id;
    let absent = ReservationId::new().to_string();
    for (shop, id) in [(ShopId::new(), &foreign), (room.shop, &order), (room.shop, &absent)] {
        let refused = refusal(room.partner(shop).release_hold(named(id)).await);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "RESERVATION_NOT_FOUND"));
    }
    assert_eq!(room.stock("A-1").await, (10, 6));
    assert_eq!(refusal(room.client().release_hold(named("x")).await).fields, ["reservation_id"]);
}
