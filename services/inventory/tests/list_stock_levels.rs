//! Lists of levels.

use proto::inventory::v1::ListStockLevelsRequest;
use testing::refusal;

use crate::stockroom::Stockroom;

async fn skus(room: &Stockroom, mut request: ListStockLevelsRequest) -> Vec<String> {
    let mut skus = Vec::new();
    loop {
        let page = room.client().list_stock_levels(request.clone()).await.unwrap().into_inner();
        skus.extend(page.levels.into_iter().map(|level| level.sku));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return skus;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_by_sku_page_by_page() {
    let (room, main) = Stockroom::with(&[("b", 1), ("A-2", 1), ("A-1", 1), ("A_1", 1), ("A%", 1)]).await;
    let second = room.warehouse("Second").await;
    room.receive(&second, &[("A-1", 1), ("Я", 1)]).await;

    let all = ListStockLevelsRequest { page_size: 2, ..Default::default() };
    assert_eq!(skus(&room, all.clone()).await, ["A%", "A-1", "A-1", "A-2", "A_1", "b", "Я"]);
    let dashed = ListStockLevelsRequest { sku_prefix: "A-".to_owned(), ..all.clone() };
    assert_eq!(skus(&room, dashed).await, ["A-1", "A-1", "A-2"]);
    let percent = ListStockLevelsRequest { sku_prefix: "A%".to_owned(), ..all.clone() };
    assert_eq!(skus(&room, percent).await, ["A%"]);
    let here = ListStockLevelsRequest { warehouse_id: main, sku_prefix: "A-".to_owned(), ..all };
    assert_eq!(skus(&room, here).await, ["A-1", "A-2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_belongs_to_its_filter() {
    let (room, _) = Stockroom::with(&[("A-1", 1), ("A-2", 1)]).await;
    let first = ListStockLevelsRequest { page_size: 1, ..Default::default() };
    let token = room.client().list_stock_levels(first).await.unwrap().into_inner().next_page_token;
    let other =
        ListStockLevelsRequest { sku_prefix: "A".to_owned(), page_token: token, ..Default::default() };
    assert_eq!(refusal(room.client().list_stock_levels(other).await).fields, ["page_token"]);
    let wrong = ListStockLevelsRequest {
        warehouse_id: "x".to_owned(),
        sku_prefix: "\0".to_owned(),
        ..Default::default()
    };
    assert_eq!(refusal(room.client().list_stock_levels(wrong).await).fields, ["warehouse_id", "sku_prefix"]);
}
