//! Orders that change: what is held follows, all of it or nothing.

use proto::inventory::v1::{ChangeReservationRequest, ReservationState, ReserveStockRequest, SplitPolicy};
use testing::refusal;
use tonic::Code;
use types::ReservationId;

use crate::stockroom::{Stockroom, held, short, sources};

#[tokio::test(flavor = "multi_thread")]
async fn holds_what_is_wanted_now() {
    let (room, _) = Stockroom::with(&[("A-1", 10), ("B-2", 5), ("C-3", 5)]).await;
    let order = room.reserve(&room.order(&[("A-1", 4), ("B-2", 2)])).await;
    let changed = room.change(&room.rewrite(&order, &[("A-1", 6), ("C-3", 1)])).await;

    assert_eq!((changed.revision, changed.state()), (1, ReservationState::Held));
    assert_eq!(held(&changed), [("A-1", 6), ("C-3", 1)]);
    assert!(changed.version > order.version);
    assert_eq!((room.stock("A-1").await, room.stock("B-2").await), ((10, 6), (5, 0)));
    assert_eq!(room.reservation(&order.reservation_id).await, changed);
    assert_eq!((room.events("ReservationChanged").await, room.history("change_reservation").await), (1, 1));
    room.assert_books_balance().await;

    let nothing = room.change(&room.rewrite(&changed, &[])).await;
    assert_eq!((nothing.state(), held(&nothing)), (ReservationState::Held, vec![]));
    assert_eq!(room.stock("A-1").await, (10, 0));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_is_applied_once_and_in_order() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let order = room.reserve(&room.order(&[("A-1", 4)])).await;
    let third = ChangeReservationRequest { revision: 3, ..room.rewrite(&order, &[("A-1", 6)]) };
    let changed = room.change(&third).await;
    assert_eq!(room.change(&third).await, changed);

    let late = ChangeReservationRequest { revision: 2, ..room.rewrite(&order, &[("A-1", 1)]) };
    let refused = refusal(room.client().change_reservation(late).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Aborted, "STALE_REVISION"));
    assert_eq!(room.stock("A-1").await, (10, 6));
    assert_eq!(room.events("ReservationChanged").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_reservation_is_still_the_one_that_was_asked_for() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let order = room.order(&[("A-1", 4)]);
    let reserved = room.reserve(&order).await;
    let changed = room.change(&room.rewrite(&reserved, &[("A-1", 2)])).await;
    assert_eq!(room.reserve(&order).await, changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_changes_when_something_is_missing() {
    let (room, _) = Stockroom::with(&[("A-1", 10), ("B-2", 1)]).await;
    let order = room.reserve(&room.order(&[("A-1", 4)])).await;
    let too_much = room.rewrite(&order, &[("A-1", 2), ("B-2", 2)]);
    let status = room.client().change_reservation(too_much.clone()).await.unwrap_err();
    assert_eq!(rpc::reason(&status).as_deref(), Some("OUT_OF_STOCK"));
    assert_eq!(rpc::metadata(&status)["B-2"], "2/1");
    assert_eq!(room.reservation(&order.reservation_id).await, order);

    let accepted = room.change(&ChangeReservationRequest { accept_shortage: true, ..too_much }).await;
    assert_eq!((held(&accepted), short(&accepted)), (vec![("A-1", 2), ("B-2", 1)], vec![("B-2", 2, 1)]));
    assert_eq!(room.events("ShortageOpened").await, 1);
    let less = room.change(&room.rewrite(&accepted, &[("A-1", 2)])).await;
    assert_eq!((held(&less), short(&less)), (vec![("A-1", 2)], vec![]));
    assert_eq!(room.events("ShortageClosed").await, 1);
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_back_goes_to_who_waits() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let order = room.reserve(&room.order(&[("A-1", 10)])).await;
    let waiting = room.accept(&[("A-1", 3)]).await;
    room.change(&room.rewrite(&order, &[("A-1", 8)])).await;
    let waiting = room.reservation(&waiting.reservation_id).await;
    assert_eq!((held(&waiting), short(&waiting)), (vec![("A-1", 2)], vec![("A-1", 3, 2)]));
    assert_eq!(room.stock("A-1").await, (10, 10));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn units_stay_where_they_are_held() {
    let room = Stockroom::new().await;
    let (first, second) = (room.warehouse("First").await, room.warehouse("Second").await);
    room.receive(&second, &[("A-1", 3)]).await;
    let order = room.reserve(&room.order(&[("A-1", 2)])).await;
    room.receive(&first, &[("A-1", 9), ("B-2", 9)]).await;

    let more = room.change(&room.rewrite(&order, &[("A-1", 3)])).await;
    assert_eq!(sources(&more), [(second.as_str(), 3)], "the second has all of it");
    let whole = room.change(&room.rewrite(&more, &[("A-1", 5)])).await;
    assert_eq!(sources(&whole), [(first.as_str(), 5)], "only the first has all of it");
    let one = SplitPolicy::OneWarehouse.into();
    let moved = ChangeReservationRequest { split: one, ..room.rewrite(&whole, &[("A-1", 1), ("B-2", 1)]) };
    assert_eq!(sources(&room.change(&moved).await), [(first.as_str(), 1), (first.as_str(), 1)]);
    room.assert_books_balance().await;

    let spread = room.reserve(&room.order(&[("A-1", 10)])).await;
    assert_eq!(sources(&spread), [(first.as_str(), 8), (second.as_str(), 2)]);
    room.receive(&first, &[("A-1", 1)]).await;
    let kept = room.change(&room.rewrite(&spread, &[("A-1", 11)])).await;
    assert_eq!(sources(&kept), [(first.as_str(), 9), (second.as_str(), 2)]);
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shipped_is_not_wanted_again() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let order = room.reserve(&room.order(&[("A-1", 4)])).await;
    let left = room.ship_part(&room.parcel(&order, "shm_1", &[("A-1", 3)])).await;
    let more = room.change(&room.rewrite(&left, &[("A-1", 2)])).await;
    assert_eq!((held(&more), more.shipped_lines[0].quantity), (vec![("A-1", 2)], 3));
    let done = room.change(&room.rewrite(&more, &[])).await;
    assert_eq!(done.state(), ReservationState::Shipped);
    assert_eq!(room.stock("A-1").await, (7, 0));

    let again = ChangeReservationRequest { revision: 9, ..room.rewrite(&done, &[("A-1", 1)]) };
    assert_eq!(refusal(room.client().change_reservation(again).await).reason, "RESERVATION_SHIPPED");
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_held_can_be_changed() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let order = room.reserve(&room.order(&[("A-1", 4)])).await;
    let rewrite = room.rewrite(&order, &[("A-1", 1)]);
    room.release(&order.reservation_id).await;
    let released = refusal(room.client().change_reservation(rewrite.clone()).await);
    assert_eq!((released.code, released.reason.as_str()), (Code::FailedPrecondition, "RESERVATION_RELEASED"));
    let reservation_id = ReservationId::new().to_string();
    let unknown = ChangeReservationRequest { reservation_id, ..rewrite };
    assert_eq!(refusal(room.client().change_reservation(unknown).await).reason, "RESERVATION_NOT_FOUND");
    let wrong = ChangeReservationRequest { split: 9, ..ChangeReservationRequest::default() };
    let refused = refusal(room.client().change_reservation(wrong).await);
    assert_eq!(refused.fields, ["reservation_id", "revision", "split"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_warehouse_or_nothing() {
    let room = Stockroom::new().await;
    let (first, second) = (room.warehouse("First").await, room.warehouse("Second").await);
    room.receive(&first, &[("A-1", 2)]).await;
    room.receive(&second, &[("A-1", 3)]).await;
    let one = ReserveStockRequest { split: SplitPolicy::OneWarehouse.into(), ..room.order(&[("A-1", 5)]) };
    let status = room.try_reserve(one.clone()).await.unwrap_err();
    assert_eq!(rpc::metadata(&status)["A-1"], "5/3", "what the best one has");

    let accepted = room.reserve(&ReserveStockRequest { accept_shortage: true, ..one }).await;
    assert_eq!((sources(&accepted), short(&accepted)), (vec![(second.as_str(), 3)], vec![("A-1", 5, 3)]));
    room.receive(&first, &[("A-1", 9)]).await;
    assert_eq!(
        short(&room.reservation(&accepted.reservation_id).await),
        [("A-1", 5, 3)],
        "not from the first"
    );
    room.receive(&second, &[("A-1", 9)]).await;
    let covered = room.reservation(&accepted.reservation_id).await;
    assert_eq!((sources(&covered), covered.shortages.len()), (vec![(second.as_str(), 5)], 0));
    room.assert_books_balance().await;
}
