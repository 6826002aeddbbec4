//! Listing products.

use std::time::Duration;

use proto::catalog::v1 as pb;
use types::CategoryId;

use crate::desk::{Desk, product, reason};

fn text(text: &str) -> pb::ListProductsRequest {
    pb::ListProductsRequest { text: text.to_owned(), ..Default::default() }
}

fn below(category: &pb::Category) -> pb::ListProductsRequest {
    pb::ListProductsRequest { category_id: category.category_id.clone(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn newest_first_page_by_page_each_once() {
    let mut desk = Desk::open().await;
    for at in 0..7 {
        desk.add(product(&format!("Cup {at}"), &[&format!("CUP-{at}")])).await;
        desk.world.clock.advance(Duration::from_secs(1));
    }

    let mut request = pb::ListProductsRequest { page_size: 3, ..Default::default() };
    let mut names = Vec::new();
    loop {
        let page = desk.catalog.list_products(request.clone()).await.expect("a page").into_inner();
        names.extend(page.products.into_iter().map(|product| product.name));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }

    let expected: Vec<String> = (0..7).rev().map(|at| format!("Cup {at}")).collect();
    assert_eq!(names, expected);
    let other_filter = pb::ListProductsRequest { text: "cup".to_owned(), ..request };
    assert_eq!(reason(desk.catalog.list_products(other_filter).await), "MALFORMED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_category_lists_everything_below_it_once() {
    let mut desk = Desk::open().await;
    let dishes = desk.category("Dishes", None).await;
    let cups = desk.category("Cups", Some(&dishes)).await;
    let small = desk.category("Small cups", Some(&cups)).await;
    let plates = desk.category("Plates", Some(&dishes)).await;
    let gifts = desk.category("Gifts", None).await;
    let in_all = [&small, &cups, &dishes, &plates, &gifts].map(|category| category.category_id.clone());
    desk.add(pb::Product { category_ids: in_all.to_vec(), ..product("Espresso cup", &["ESP"]) }).await;
    desk.add(pb::Product { category_ids: vec![gifts.category_id.clone()], ..product("Card", &["CARD"]) })
        .await;

    for (category, expected) in [(&dishes, 1), (&cups, 1), (&small, 1), (&plates, 1), (&gifts, 2)] {
        assert_eq!(desk.products(below(category)).await.len(), expected, "{}", category.name);
    }
    let absent = pb::ListProductsRequest { category_id: CategoryId::new().to_string(), ..Default::default() };
    assert_eq!(reason(desk.catalog.list_products(absent).await), "CATEGORY_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_the_name_in_any_case_and_order_or_the_exact_sku() {
    let mut desk = Desk::open().await;
    desk.add(product("Кружка «Изморозь», 250 мл", &["MUG-250"])).await;
    let grouped = pb::Product {
        variants: vec![pb::Variant {
            name: "синяя".to_owned(),
            sku: "MUG-350".to_owned(),
            ..Default::default()
        }],
        ..product("Кружка «Волна»", &[])
    };
    desk.add(grouped).await;
    desk.add(product("MUG-250 cover", &["!?"])).await;

    let found = async |desk: &mut Desk, words: &str| desk.products(text(words)).await;
    assert_eq!(found(&mut desk, "КРУЖКА").await, ["Кружка «Волна»", "Кружка «Изморозь», 250 мл"]);
    assert_eq!(found(&mut desk, "250 изморозь").await, ["Кружка «Изморозь», 250 мл"]);
    assert_eq!(found(&mut desk, "Синяя").await, ["Кружка «Волна»"]);
    assert_eq!(found(&mut desk, "MUG-350").await, ["Кружка «Волна»"]);
    assert_eq!(found(&mut desk, "MUG-250").await, ["MUG-250 cover", "Кружка «Изморозь», 250 мл"]);
    assert_eq!(found(&mut desk, "!?").await, ["MUG-250 cover"]);
    assert!(found(&mut desk, "!").await.is_empty());
    assert!(found(&mut desk, "%' OR 1=1 --").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn archived_products_are_hidden_unless_asked_for() {
    let mut desk = Desk::open().await;
    let cup = desk.add(product("Cup", &["CUP"])).await;
    desk.update(pb::Product { archived: true, ..cup }, &["archived"]).await.expect("archived");

    assert!(desk.products(text("cup")).await.is_empty());
    assert_eq!(
        desk.products(pb::ListProductsRequest { include_archived: true, ..text("cup") }).await,
        ["Cup"]
    );
}
