//! Goods that leave.

use futures_util::future::join_all;
use proto::inventory::v1::{Condition, ReservationState, ShipReservationRequest};
use testing::refusal;
use tonic::Code;
use types::ReservationId;

use crate::stockroom::{Stockroom, held, sources};

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

    let wrong = ShipReservationRequest { reference: "x".repeat(129), ..Default::default() };
    assert_eq!(refusal(room.client().ship_reservation(wrong).await).fields, ["reservation_id", "reference"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_leaves_in_parts() {
    let (room, _) = Stockroom::with(&[("A-1", 10), ("B-2", 5)]).await;
    let order = room.reserve(&room.order(&[("A-1", 4), ("B-2", 2)])).await;
    let parcel = room.parcel(&order, "shm_1", &[("A-1", 1), ("A-1", 2)]);
    let part = room.ship_part(&parcel).await;
    assert_eq!((part.state(), held(&part)), (ReservationState::Held, vec![("A-1", 1), ("B-2", 2)]));
    assert_eq!((part.shipped_lines[0].sku.as_str(), part.shipped_lines[0].quantity), ("A-1", 3));
    assert_eq!((room.stock("A-1").await, room.stock("B-2").await), ((7, 1), (5, 2)));
    assert_eq!(room.ship_part(&parcel).await, part, "a repeat of the shipment posts nothing");
    room.assert_books_balance().await;

    let rest = room.ship_part(&room.parcel(&order, "shm_2", &[])).await;
    assert_eq!((rest.state(), held(&rest)), (ReservationState::Shipped, vec![]));
    assert_eq!((room.stock("A-1").await, room.stock("B-2").await), ((6, 0), (3, 0)));
    assert_eq!(room.ship_part(&parcel).await, rest);
    assert_eq!((room.events("StockShipped").await, room.history("ship_reservation").await), (2, 2));
    room.assert_books_balance().await;
    let documents =
        "SELECT count(*) FROM stock_documents WHERE kind = 'shipment' AND reference LIKE 'shm\\__'";
    assert_eq!(room.number(documents).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_leaves_than_the_order_holds() {
    let (room, _) = Stockroom::with(&[("A-1", 10), ("B-2", 5)]).await;
    let order = room.reserve(&room.order(&[("A-1", 2), ("B-2", 2)])).await;
    let too_much = room.parcel(&order, "shm_1", &[("B-2", 1), ("A-1", 3)]);
    let status = room.client().ship_reservation(too_much).await.unwrap_err();
    assert_eq!(
        (status.code(), rpc::reason(&status).unwrap().as_str()),
        (Code::FailedPrecondition, "OVER_SHIPMENT")
    );
    let facts = rpc::metadata(&status);
    assert_eq!((facts["sku"].as_str(), facts["wanted"].as_str(), facts["held"].as_str()), ("A-1", "3", "2"));
    assert_eq!(room.stock("B-2").await, (5, 2));

    room.ship(&order.reservation_id).await;
    let more = room.parcel(&order, "shm_2", &[("A-1", 1)]);
    assert_eq!(refusal(room.client().ship_reservation(more).await).reason, "OVER_SHIPMENT");
    let nameless = room.parcel(&order, "", &[("A-1", 1)]);
    assert_eq!(refusal(room.client().ship_reservation(nameless).await).fields, ["reference"]);
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_leaves_from_the_warehouse_that_is_named() {
    let room = Stockroom::new().await;
    let (first, second) = (room.warehouse("First").await, room.warehouse("Second").await);
    room.receive(&first, &[("A-1", 2)]).await;
    room.receive(&second, &[("A-1", 2)]).await;
    let order = room.reserve(&room.order(&[("A-1", 4)])).await;
    let from = |lines| ShipReservationRequest {
        warehouse_id: second.clone(),
        ..room.parcel(&order, "shm_1", lines)
    };
    let over = room.client().ship_reservation(from(&[("A-1", 3)])).await;
    assert_eq!(refusal(over).reason, "OVER_SHIPMENT");
    let part = room.ship_part(&from(&[])).await;
    assert_eq!(sources(&part), [(first.as_str(), 2)]);
    assert_eq!(room.there("A-1", &second, Condition::Sellable).await, 0);
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_an_order_can_be_given_back() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let order = room.accept(&[("A-1", 12)]).await;
    room.ship_part(&room.parcel(&order, "shm_1", &[("A-1", 4)])).await;
    let released = room.release(&order.reservation_id).await;
    assert_eq!((released.state(), released.shipped_lines[0].quantity), (ReservationState::Released, 4));
    assert_eq!(room.release(&order.reservation_id).await, released);
    assert_eq!((room.stock("A-1").await, room.events("ShortageClosed").await), ((6, 0), 1));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_repeats_at_once_post_once() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let order = room.reserve(&room.order(&[("A-1", 6)])).await;
    let parcel = room.parcel(&order, "shm_1", &[("A-1", 2)]);
    let answers = join_all((0..20).map(|_| room.ship_part(&parcel))).await;
    assert!(answers.iter().all(|answer| held(answer) == [("A-1", 4)]));
    assert_eq!(room.stock("A-1").await, (8, 4));
    assert_eq!(room.events("StockShipped").await, 1);
    room.assert_books_balance().await;
}
