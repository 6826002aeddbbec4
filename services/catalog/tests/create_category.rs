//! Adding categories.

use proto::catalog::v1 as pb;
use types::{CategoryId, SourceId};

use crate::desk::{Desk, key, reason};

fn request(category: pb::Category) -> pb::CreateCategoryRequest {
    pb::CreateCategoryRequest { category: Some(category), idempotency_key: key() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_category_is_added_once_however_often_it_is_asked_for() {
    let mut desk = Desk::open().await;
    let request = request(pb::Category { name: "Cups".to_owned(), ..Default::default() });

    let first = desk.catalog.create_category(request.clone()).await.expect("added").into_inner();
    let again = desk.catalog.create_category(request.clone()).await.expect("repeated").into_inner();
    let other = pb::Category { name: "Pots".to_owned(), ..Default::default() };
    let reused = pb::CreateCategoryRequest { category: Some(other), ..request };

    assert_eq!(again, first);
    assert_eq!(reason(desk.catalog.create_category(reused).await), "IDEMPOTENCY_KEY_REUSED");
    let events = desk.events::<pb::CategoryChanged>().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].2.category.as_ref(), Some(&first));
    assert_eq!(desk.audit(&first.category_id).await, ["catalog.create_category"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_parent_a_taken_id_and_a_blank_name_are_refused() {
    let mut desk = Desk::open().await;
    let id = pb::ExternalId { source_id: SourceId::new().to_string(), id: "1".to_owned() };
    let cups = pb::Category { name: "Cups".to_owned(), external_ids: vec![id], ..Default::default() };
    desk.catalog.create_category(request(cups.clone())).await.expect("added");

    let stray = pb::Category {
        parent_id: CategoryId::new().to_string(),
        name: "Pots".to_owned(),
        ..Default::default()
    };

    assert_eq!(reason(desk.catalog.create_category(request(stray)).await), "CATEGORY_NOT_FOUND");
    assert_eq!(reason(desk.catalog.create_category(request(cups)).await), "EXTERNAL_ID_TAKEN");
    assert_eq!(reason(desk.catalog.create_category(request(pb::Category::default())).await), "REQUIRED");
}
