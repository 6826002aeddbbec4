//! Holds whose time runs out.

use std::time::Duration;

use proto::inventory::v1::ReservationState;
use testing::{eventually, refusal};

use crate::stockroom::Stockroom;

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_whose_time_ran_out_gives_its_units_back() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let hold = room.hold("C-1", &[("A-1", 3)]).await;
    let order = room.reserve(&room.order(&[("A-1", 2)])).await;
    room.world.clock.advance(Duration::from_secs(901));

    eventually("the units are given back", async || (room.stock("A-1").await == (10, 2)).then_some(())).await;
    assert_eq!(room.reservation(&hold.reservation_id).await.state(), ReservationState::Expired);
    assert_eq!(
        room.reservation(&order.reservation_id).await.state(),
        ReservationState::Held,
        "orders never expire"
    );
    assert_eq!((room.events("StockReleased").await, room.history("expire_holds").await), (1, 1));
    let refused = refusal(room.try_ship(&hold.reservation_id).await);
    assert_eq!(refused.reason, "RESERVATION_RELEASED");
    room.assert_books_balance().await;
}
