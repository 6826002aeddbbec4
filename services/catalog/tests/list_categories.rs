//! Listing the tree.

use proto::catalog::v1 as pb;
use types::CategoryId;

use crate::desk::{Desk, reason};

#[tokio::test(flavor = "multi_thread")]
async fn parents_come_before_their_children_on_every_page() {
    let mut desk = Desk::open().await;
    let cups = desk.category("Cups", None).await;
    let gifts = desk.category("Gifts", None).await;
    let small = desk.category("Small", Some(&cups)).await;
    desk.category("Tiny", Some(&small)).await;
    let dishes = desk.category("Dishes", None).await;
    desk.move_category(&cups, &dishes).await.expect("moved");

    let mut request = pb::ListCategoriesRequest { page_size: 2, ..Default::default() };
    let mut names = Vec::new();
    loop {
        let page = desk.catalog.list_categories(request.clone()).await.expect("a page").into_inner();
        names.extend(page.categories.into_iter().map(|category| category.name));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let children = pb::ListCategoriesRequest { parent_id: dishes.category_id, ..Default::default() };
    let children = desk.catalog.list_categories(children).await.expect("children").into_inner();
    let none = pb::ListCategoriesRequest { parent_id: gifts.category_id, ..Default::default() };
    let none = desk.catalog.list_categories(none).await.expect("no children").into_inner();
    let absent = pb::ListCategoriesRequest { parent_id: CategoryId::new().to_string(), ..Default::default() };

    assert_eq!(names, ["Gifts", "Dishes", "Cups", "Small", "Tiny"]);
    assert_eq!(children.categories.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["Cups"]);
    assert!(none.categories.is_empty());
    assert_eq!(reason(desk.catalog.list_categories(absent).await), "CATEGORY_NOT_FOUND");
}
