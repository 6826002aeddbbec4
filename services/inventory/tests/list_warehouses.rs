//! Lists of warehouses.

use proto::inventory::v1::ListWarehousesRequest;
use testing::refusal;

use crate::stockroom::Stockroom;

#[tokio::test(flavor = "multi_thread")]
async fn lists_page_by_page_oldest_first() {
    let room = Stockroom::new().await;
    for name in ["First", "Second", "Third"] {
        room.warehouse(name).await;
    }

    let mut names = Vec::new();
    let mut request = ListWarehousesRequest { page_size: 2, page_token: String::new() };
    loop {
        let page = room.client().list_warehouses(request.clone()).await.unwrap().into_inner();
        names.extend(page.warehouses.into_iter().map(|warehouse| warehouse.name));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["First", "Second", "Third"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_pages_that_are_none() {
    let room = Stockroom::new().await;
    let large = ListWarehousesRequest { page_size: 201, page_token: String::new() };
    assert_eq!(refusal(room.client().list_warehouses(large).await).fields, ["page_size"]);
    let forged = ListWarehousesRequest { page_size: 0, page_token: "bm90IHNlYWxlZA".to_owned() };
    assert_eq!(refusal(room.client().list_warehouses(forged).await).fields, ["page_token"]);
}
