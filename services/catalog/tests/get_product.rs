//! Reading a product and its history.

use proto::catalog::v1 as pb;
use testing::refusal;
use tonic::Code;
use types::ProductId;

use crate::desk::{Desk, product, reason};

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_product_has_neither_content_nor_history() {
    let mut desk = Desk::open().await;
    let product_id = ProductId::new().to_string();

    let get = desk.catalog.get_product(pb::GetProductRequest { product_id: product_id.clone() }).await;
    let history = pb::ListProductHistoryRequest { product_id, ..Default::default() };
    let malformed = desk.catalog.get_product(pb::GetProductRequest { product_id: "prd_1".to_owned() }).await;

    let get = refusal(get);
    assert_eq!((get.code, get.reason.as_str()), (Code::NotFound, "PRODUCT_NOT_FOUND"));
    assert_eq!(reason(desk.catalog.list_product_history(history).await), "PRODUCT_NOT_FOUND");
    assert_eq!(reason(malformed), "MALFORMED");
}

#[tokio::test(flavor = "multi_thread")]
async fn history_tells_who_changed_what_newest_first_in_pages() {
    let mut desk = Desk::open().await;
    let cup = desk.add(product("Cup", &["CUP"])).await;
    let renamed = pb::Product { name: "Mug".to_owned(), ..cup.clone() };
    desk.update(renamed, &["name"]).await.expect("renamed");

    let mut request =
        pb::ListProductHistoryRequest { product_id: cup.product_id, page_size: 1, ..Default::default() };
    let newest = desk.catalog.list_product_history(request.clone()).await.expect("history").into_inner();
    request.page_token = newest.next_page_token.clone();
    let oldest = desk.catalog.list_product_history(request).await.expect("history").into_inner();

    let [entry] = newest.entries.as_slice() else { panic!("one entry") };
    assert_eq!((entry.action.as_str(), entry.actor.as_str()), ("catalog.update_product", "operator:test"));
    let [change] = entry.changes.as_slice() else { panic!("one change") };
    assert_eq!(
        (change.field.as_str(), change.old_value.as_str(), change.new_value.as_str()),
        ("name", "\"Cup\"", "\"Mug\"")
    );
    assert_eq!(oldest.entries[0].action, "catalog.create_product");
    assert!(oldest.next_page_token.is_empty());
}
