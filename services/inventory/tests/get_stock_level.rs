//! How much of a SKU there is.

use proto::inventory::v1::GetStockLevelRequest;
use testing::refusal;

use crate::stockroom::Stockroom;

#[tokio::test(flavor = "multi_thread")]
async fn tells_every_warehouse_and_what_can_be_sold() {
    let (room, main) = Stockroom::with(&[("A-1", 10)]).await;
    let second = room.warehouse("Second").await;
    room.receive(&second, &[("A-1", 5)]).await;
    room.reserve(&room.order(&[("A-1", 4)])).await;

    let answer = room.levels("A-1").await;
    let levels: Vec<_> =
        answer.levels.iter().map(|level| (level.warehouse_id.as_str(), level.available)).collect();
    assert_eq!((levels, answer.available), (vec![(main.as_str(), 6), (second.as_str(), 5)], 11));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sku_never_seen_has_none() {
    let room = Stockroom::new().await;
    let answer = room.levels("NEW").await;
    assert_eq!((answer.levels.len(), answer.available), (0, 0));
    let empty = refusal(room.client().get_stock_level(GetStockLevelRequest::default()).await);
    assert_eq!(empty.fields, ["sku"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn archived_warehouses_sell_nothing() {
    let room = Stockroom::new().await;
    let closed = room.archived_warehouse("Closed").await;
    room.receive(&closed, &[("A-1", 5)]).await;
    let answer = room.levels("A-1").await;
    assert_eq!((answer.levels[0].on_hand, answer.available), (5, 0));
    assert_eq!(refusal(room.try_reserve(room.order(&[("A-1", 1)])).await).reason, "OUT_OF_STOCK");
}
