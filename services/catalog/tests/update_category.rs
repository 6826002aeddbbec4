//! Renaming and moving categories.

use proto::catalog::v1 as pb;
use testing::refusal;
use tonic::Code;
use types::CategoryId;

use crate::desk::{Desk, mask, reason};

#[tokio::test(flavor = "multi_thread")]
async fn a_category_never_lies_below_itself() {
    let mut desk = Desk::open().await;
    let top = desk.category("Top", None).await;
    let middle = desk.category("Middle", Some(&top)).await;
    let bottom = desk.category("Bottom", Some(&middle)).await;

    for parent in [&top, &middle, &bottom] {
        let refusal = refusal(desk.move_category(&top, parent).await);
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::FailedPrecondition, "CATEGORY_CYCLE"));
    }
    desk.move_category(&bottom, &top).await.expect("a move sideways is fine");
}

#[tokio::test(flavor = "multi_thread")]
async fn moves_at_the_same_moment_close_no_circle() {
    let mut desk = Desk::open().await;
    for round in 0..10 {
        let left = desk.category(&format!("Left {round}"), None).await;
        let right = desk.category(&format!("Right {round}"), None).await;
        let mut other = Desk {
            world: testing::World::new().await,
            catalog: desk.catalog.clone(),
            neighbours: desk.neighbours.clone(),
        };

        let (one, two) = tokio::join!(desk.move_category(&left, &right), other.move_category(&right, &left));

        assert!(one.is_ok() != two.is_ok(), "exactly one move wins");
        assert_eq!(reason(if one.is_ok() { two } else { one }), "CATEGORY_CYCLE");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_is_told_and_a_repeat_is_silent() {
    let mut desk = Desk::open().await;
    let cups = desk.category("Cups", None).await;
    let mugs = pb::Category { name: "Mugs".to_owned(), ..cups.clone() };
    let rename = |category: &pb::Category| pb::UpdateCategoryRequest {
        category: Some(category.clone()),
        update_mask: Some(mask(&["name"])),
    };

    let renamed = desk.catalog.update_category(rename(&mugs)).await.expect("renamed").into_inner();
    let again = desk.catalog.update_category(rename(&mugs)).await.expect("repeated").into_inner();
    let late = pb::Category { name: "Pots".to_owned(), ..cups.clone() };
    let absent =
        pb::Category { category_id: CategoryId::new().to_string(), etag: String::new(), ..cups.clone() };

    assert_eq!((renamed.name.as_str(), renamed.etag.as_str()), ("Mugs", "2"));
    assert_eq!(again, renamed);
    assert_eq!(reason(desk.catalog.update_category(rename(&late)).await), "ETAG_MISMATCH");
    assert_eq!(reason(desk.catalog.update_category(rename(&absent)).await), "CATEGORY_NOT_FOUND");
    let events = desk.events::<pb::CategoryChanged>().await;
    assert_eq!(events.iter().map(|event| event.1).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(events[1].2.changed_fields, ["name"]);
    assert_eq!(desk.audit(&cups.category_id).await, ["catalog.create_category", "catalog.update_category"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_parent_is_refused() {
    let mut desk = Desk::open().await;
    let cups = desk.category("Cups", None).await;
    let nowhere = pb::Category { category_id: CategoryId::new().to_string(), ..Default::default() };

    assert_eq!(reason(desk.move_category(&cups, &nowhere).await), "CATEGORY_NOT_FOUND");
}
