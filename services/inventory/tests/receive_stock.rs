//! Goods that come.

use proto::inventory::v1::{Condition, ReceiveStockRequest, StockLevel};
use testing::refusal;
use tonic::Code;
use types::WarehouseId;

use crate::stockroom::Stockroom;

#[tokio::test(flavor = "multi_thread")]
async fn goods_that_came_are_on_hand() {
    let room = Stockroom::new().await;
    let main = room.warehouse("Main").await;
    let levels = room.receive(&main, &[("B-2", 5), ("A-1", 2), ("A-1", 3)]).await;

    let brief = |level: &StockLevel| (level.sku.clone(), level.on_hand, level.available, level.version);
    let expected = [("A-1".to_owned(), 5, 5, 1), ("B-2".to_owned(), 5, 5, 1)];
    assert_eq!(levels.iter().map(brief).collect::<Vec<_>>(), expected);

    let more = room.receive(&main, &[("A-1", 1)]).await;
    assert_eq!(more.iter().map(brief).collect::<Vec<_>>(), [("A-1".to_owned(), 6, 6, 2)]);
    assert_eq!((room.events("StockPosted").await, room.history("receive_stock").await), (2, 2));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_posts_nothing() {
    let room = Stockroom::new().await;
    let main = room.warehouse("Main").await;
    let receipt = room.receipt(&main, &[("A-1", 5)]);
    let first = room.client().receive_stock(receipt.clone()).await.unwrap().into_inner();
    let again = room.client().receive_stock(receipt.clone()).await.unwrap().into_inner();
    assert_eq!(first, again);
    assert_eq!(room.stock("A-1").await, (5, 0));
    assert_eq!(room.history("receive_stock").await, 1);

    let other = ReceiveStockRequest { note: "another".to_owned(), ..receipt };
    assert_eq!(refusal(room.client().receive_stock(other).await).reason, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_units_are_on_hand_but_never_available() {
    let room = Stockroom::new().await;
    let main = room.warehouse("Main").await;
    let damaged =
        ReceiveStockRequest { condition: Condition::Damaged.into(), ..room.receipt(&main, &[("A-1", 5)]) };
    let levels = room.client().receive_stock(damaged).await.unwrap().into_inner().levels;
    assert_eq!((levels[0].condition(), levels[0].on_hand, levels[0].available), (Condition::Damaged, 5, 0));
    assert_eq!(room.levels("A-1").await.available, 0);
    assert_eq!(refusal(room.try_reserve(room.order(&[("A-1", 1)])).await).reason, "OUT_OF_STOCK");
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_warehouse_must_exist() {
    let room = Stockroom::new().await;
    let refused = refusal(
        room.client().receive_stock(room.receipt(&WarehouseId::new().to_string(), &[("A-1", 5)])).await,
    );
    assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "WAREHOUSE_NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_has_a_limit() {
    let room = Stockroom::new().await;
    let main = room.warehouse("Main").await;
    room.adjust(
        &main,
        &[("A-1", proto::inventory::v1::stock_adjustment::Change::Counted(1_000_000_000_000_000))],
    )
    .await;
    let refused = refusal(room.client().receive_stock(room.receipt(&main, &[("A-1", 1)])).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "STOCK_TOO_LARGE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_told_at_once() {
    let room = Stockroom::new().await;
    let wrong = ReceiveStockRequest {
        warehouse_id: "main".to_owned(),
        lines: room.receipt("", &[("A-1", 0), ("", 1), ("A\u{0}", 1), ("B-2", 1_000_000_001)]).lines,
        reference: "x".repeat(129),
        note: "bell \u{7}".to_owned(),
        condition: 9,
        idempotency_key: String::new(),
    };
    let refused = refusal(room.client().receive_stock(wrong).await);
    assert_eq!(refused.code, Code::InvalidArgument);
    let expected = [
        "idempotency_key",
        "warehouse_id",
        "condition",
        "lines[0].quantity",
        "lines[1].sku",
        "lines[2].sku",
        "lines[3].quantity",
        "reference",
        "note",
    ];
    assert_eq!(refused.fields, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_wrong_lines_are_still_an_answer() {
    let room = Stockroom::new().await;
    let main = room.warehouse("Main").await;
    let refused = refusal(room.client().receive_stock(room.receipt(&main, &[("", 0); 1001])).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::InvalidArgument, "TOO_MANY"));
    assert_eq!(refused.fields.len(), rpc::VIOLATIONS_MAX);
}
