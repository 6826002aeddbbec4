//! Corrections: the truth wins, and whose units are gone learns it at once.

use proto::inventory::v1::stock_adjustment::Change::{Counted, Delta};
use proto::inventory::v1::{AdjustStockRequest, ReservationState, StockAdjustment};
use testing::refusal;
use tonic::Code;
use types::WarehouseId;

use crate::stockroom::{Stockroom, held, short};

#[tokio::test(flavor = "multi_thread")]
async fn counts_and_differences_become_the_level() {
    let (room, main) = Stockroom::with(&[("A-1", 10), ("B-2", 10)]).await;
    let adjusted = room.adjust(&main, &[("A-1", Counted(7)), ("B-2", Delta(-4)), ("C-3", Delta(2))]).await;
    let levels: Vec<_> = adjusted.levels.iter().map(|level| (level.sku.as_str(), level.on_hand)).collect();
    assert_eq!(levels, [("A-1", 7), ("B-2", 6), ("C-3", 2)]);
    assert!(adjusted.short_reservation_ids.is_empty());
    assert_eq!(room.history("adjust_stock").await, 1);
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_confirms_is_only_history() {
    let (room, main) = Stockroom::with(&[("A-1", 10)]).await;
    let adjusted = room.adjust(&main, &[("A-1", Counted(10))]).await;
    assert_eq!((adjusted.levels[0].on_hand, adjusted.levels[0].version), (10, 1));
    assert_eq!(room.events("StockPosted").await, 1, "that of the receipt");
    assert_eq!(room.history("adjust_stock").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_reservations_lose_what_is_gone() {
    let (room, main) = Stockroom::with(&[("A-1", 10), ("B-2", 10)]).await;
    let oldest = room.reserve(&room.order(&[("A-1", 4)])).await;
    let middle = room.reserve(&room.order(&[("A-1", 3), ("B-2", 1)])).await;
    let newest = room.reserve(&room.order(&[("A-1", 2)])).await;

    let adjusted = room.adjust(&main, &[("A-1", Counted(5))]).await;

    assert_eq!(
        adjusted.short_reservation_ids,
        [newest.reservation_id.as_str(), middle.reservation_id.as_str()]
    );
    assert_eq!(room.stock("A-1").await, (5, 5));
    let newest = room.reservation(&newest.reservation_id).await;
    assert_eq!((held(&newest), short(&newest)), (vec![], vec![("A-1", 2, 0)]));
    let middle = room.reservation(&middle.reservation_id).await;
    assert_eq!((held(&middle), short(&middle)), (vec![("A-1", 1), ("B-2", 1)], vec![("A-1", 3, 1)]));
    let oldest = room.reservation(&oldest.reservation_id).await;
    assert_eq!((held(&oldest), short(&oldest)), (vec![("A-1", 4)], vec![]));
    assert_eq!(room.events("StockShort").await, 2);
    room.assert_books_balance().await;

    let twice = room.adjust(&main, &[("A-1", Counted(4))]).await;
    assert_eq!(twice.short_reservation_ids, [middle.reservation_id.as_str()]);
    assert_eq!(short(&room.reservation(&middle.reservation_id).await), [("A-1", 3, 0)]);
    assert_eq!(room.ship(&oldest.reservation_id).await.state(), ReservationState::Shipped);
    for reservation in [&middle, &newest] {
        let waiting = room.ship(&reservation.reservation_id).await;
        assert_eq!(
            (waiting.state(), waiting.lines.len()),
            (ReservationState::Held, 0),
            "waits for what is short"
        );
    }
    assert_eq!((room.stock("A-1").await, room.stock("B-2").await), ((0, 0), (9, 0)));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_that_lost_units_is_still_the_one_that_was_asked_for() {
    let (room, main) = Stockroom::with(&[("A-1", 10)]).await;
    let order = room.order(&[("A-1", 4)]);
    room.reserve(&order).await;
    room.adjust(&main, &[("A-1", Counted(1))]).await;
    let again = room.reserve(&order).await;
    assert_eq!((held(&again), short(&again)), (vec![("A-1", 1)], vec![("A-1", 4, 1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_adjusts_nothing() {
    let (room, main) = Stockroom::with(&[("A-1", 10)]).await;
    let correction = room.correction(&main, &[("A-1", Delta(-3))]);
    let first = room.client().adjust_stock(correction.clone()).await.unwrap().into_inner();
    let again = room.client().adjust_stock(correction.clone()).await.unwrap().into_inner();
    assert_eq!(first, again);
    assert_eq!(room.stock("A-1").await, (7, 0));

    let other = AdjustStockRequest { note: "another".to_owned(), ..correction };
    assert_eq!(refusal(room.client().adjust_stock(other).await).reason, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn less_than_nothing_is_refused_as_a_whole() {
    let (room, main) = Stockroom::with(&[("A-1", 3), ("B-2", 3)]).await;
    let correction = room.correction(&main, &[("A-1", Delta(-1)), ("B-2", Delta(-4))]);
    let status = room.client().adjust_stock(correction).await.unwrap_err();
    let facts = rpc::metadata(&status);
    assert_eq!(
        (status.code(), rpc::reason(&status).unwrap().as_str()),
        (Code::FailedPrecondition, "STOCK_BELOW_ZERO")
    );
    assert_eq!(
        (facts["sku"].as_str(), facts["on_hand"].as_str(), facts["delta"].as_str()),
        ("B-2", "3", "-4")
    );
    assert_eq!(room.stock("A-1").await, (3, 0));

    let huge = room.correction(&main, &[("A-1", Delta(1_000_000_000_000_000))]);
    assert_eq!(refusal(room.client().adjust_stock(huge).await).reason, "STOCK_TOO_LARGE");
    let nowhere = room.correction(&WarehouseId::new().to_string(), &[("A-1", Counted(1))]);
    assert_eq!(refusal(room.client().adjust_stock(nowhere).await).reason, "WAREHOUSE_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_is_not_a_correction() {
    let (room, main) = Stockroom::with(&[("A-1", 3)]).await;
    let mut wrong = room.correction(
        &main,
        &[
            ("A-1", Counted(-1)),
            ("B-2", Delta(0)),
            ("C-3", Delta(i64::MIN)),
            ("D-4", Counted(1)),
            ("D-4", Counted(2)),
        ],
    );
    wrong.lines.push(StockAdjustment { sku: "E-5".to_owned(), change: None });
    wrong.note.clear();
    let refused = refusal(room.client().adjust_stock(wrong).await);
    let expected =
        ["lines[0].counted", "lines[1].delta", "lines[2].delta", "lines[4].sku", "lines[5]", "note"];
    assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, expected.map(str::to_owned).to_vec()));
}
