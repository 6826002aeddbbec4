//! Brands, and the vendors that become them.

use proto::catalog::v1 as pb;
use types::{BrandId, SourceId};

use crate::desk::{Answer, Desk, facts, key, mask, product, reason, skus};
use crate::feeds::{Import, feed, offer};

async fn try_brand(desk: &mut Desk, name: &str, aliases: &[&str]) -> Answer<pb::Brand> {
    let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
    let brand = pb::Brand { name: name.to_owned(), aliases, ..Default::default() };
    desk.catalog.create_brand(pb::CreateBrandRequest { brand: Some(brand), idempotency_key: key() }).await
}

async fn brand(desk: &mut Desk, name: &str, aliases: &[&str]) -> pb::Brand {
    try_brand(desk, name, aliases).await.expect("the brand is added").into_inner()
}

async fn update(desk: &mut Desk, brand: pb::Brand, paths: &[&str]) -> Answer<pb::Brand> {
    desk.catalog
        .update_brand(pb::UpdateBrandRequest { brand: Some(brand), update_mask: Some(mask(paths)) })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_leads_to_one_brand() {
    let mut desk = Desk::open().await;
    let bosch = brand(&mut desk, "Bosch", &["БОШ", "bosch ", "Bosch  GmbH"]).await;
    assert_eq!(bosch.aliases, ["БОШ", "Bosch  GmbH"]);
    let makita = brand(&mut desk, "Makita", &[]).await;

    for name in ["BOSCH", "бош", " bosch gmbh "] {
        assert_eq!(facts(try_brand(&mut desk, name, &[]).await)["owner"], bosch.brand_id, "{name}");
    }
    let taken = pb::Brand { aliases: vec!["Bosch".to_owned()], ..makita.clone() };
    assert_eq!(reason(update(&mut desk, taken, &["aliases"]).await), "BRAND_NAME_TAKEN");
    let renamed = pb::Brand { name: "Robert Bosch".to_owned(), aliases: vec![], ..bosch.clone() };
    let renamed = update(&mut desk, renamed, &["name", "aliases"]).await.expect("renamed").into_inner();
    // The spellings it had are free again.
    let bosch = brand(&mut desk, "Bosch", &[]).await;

    let listed = desk.catalog.list_brands(pb::ListBrandsRequest { page_size: 2, ..Default::default() }).await;
    let listed = listed.expect("a page").into_inner();
    assert_eq!(listed.brands, [bosch.clone(), makita]);
    let rest =
        pb::ListBrandsRequest { page_size: 2, page_token: listed.next_page_token, ..Default::default() };
    assert_eq!(
        desk.catalog.list_brands(rest).await.expect("a page").into_inner().brands,
        std::slice::from_ref(&renamed)
    );
    update(&mut desk, pb::Brand { archived: true, ..bosch.clone() }, &["archived"]).await.expect("archived");
    let listed =
        desk.catalog.list_brands(pb::ListBrandsRequest::default()).await.expect("a page").into_inner();
    assert_eq!(listed.brands.len(), 2);
    assert_eq!(reason(try_brand(&mut desk, " ", &[]).await), "REQUIRED");
    assert_eq!(
        reason(
            update(&mut desk, pb::Brand { brand_id: BrandId::new().to_string(), ..bosch }, &["name"]).await
        ),
        "BRAND_NOT_FOUND"
    );
    assert_eq!(desk.audit(&renamed.brand_id).await, ["catalog.create_brand", "catalog.update_brand"]);
    assert_eq!(desk.events::<pb::BrandChanged>().await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_lies_in_trees_that_know_nothing_of_each_other() {
    let mut desk = Desk::open().await;
    let bosch = brand(&mut desk, "Bosch", &[]).await;
    let tools = desk.category("Tools", None).await;
    let drills = desk.category("Drills", Some(&tools)).await;
    let sale = desk.category("Sale", None).await;
    let drill = pb::Product {
        brand_id: bosch.brand_id.clone(),
        category_ids: vec![drills.category_id.clone(), tools.category_id.clone(), sale.category_id.clone()],
        ..product("Drill", &["DRILL"])
    };
    let drill = desk.add(drill).await;
    desk.add(product("Saw", &["SAW"])).await;

    let of = |category_id: &str, brand_id: &str| pb::ListProductsRequest {
        category_id: category_id.to_owned(),
        brand_id: brand_id.to_owned(),
        ..Default::default()
    };
    for (category, brand) in [
        (tools.category_id.as_str(), ""),
        (drills.category_id.as_str(), ""),
        (sale.category_id.as_str(), bosch.brand_id.as_str()),
        ("", bosch.brand_id.as_str()),
    ] {
        assert_eq!(desk.products(of(category, brand)).await, ["Drill"]);
    }
    let found = |text: &str| pb::SearchVariantsRequest {
        brand_id: bosch.brand_id.clone(),
        text: text.to_owned(),
        ..Default::default()
    };
    for (text, expected) in [("", vec!["DRILL"]), ("drills", vec!["DRILL"]), ("saw", vec![])] {
        assert_eq!(skus(desk.search(found(text)).await), expected, "{text}");
    }
    let absent = pb::Product { brand_id: BrandId::new().to_string(), ..product("Other", &["OTHER"]) };
    assert_eq!(reason(desk.try_add(absent).await), "BRAND_NOT_FOUND");
    // An archived brand is kept by its products and given to no other.
    update(&mut desk, pb::Brand { archived: true, ..bosch.clone() }, &["archived"]).await.expect("archived");
    let renamed = desk.update(pb::Product { name: "Drill 2".to_owned(), ..drill }, &["name"]).await;
    assert_eq!(renamed.expect("renamed").into_inner().brand_id, bosch.brand_id);
    let late = pb::Product { brand_id: bosch.brand_id.clone(), ..product("Late", &["LATE"]) };
    assert_eq!(reason(desk.try_add(late).await), "BRAND_ARCHIVED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_gives_its_vendors_to_brands() {
    let mut desk = Desk::open().await;
    let bosch = brand(&mut desk, "Bosch", &["БОШ"]).await;
    let offers = offer("1", "1", "<vendor>бош</vendor>")
        + &offer("2", "1", "<vendor>Makita</vendor>")
        + &offer("3", "1", "<vendor>MAKITA </vendor>");
    let mut import = Import::of(feed("", &offers), SourceId::new());

    desk.import(import.clone()).await;
    let brands = async |desk: &mut Desk| {
        let listed = desk.catalog.list_products(pb::ListProductsRequest::default()).await.expect("a page");
        let mut products = listed.into_inner().products;
        products.sort_by(|one, other| one.name.cmp(&other.name));
        products.into_iter().map(|product| product.brand_id).collect::<Vec<_>>()
    };
    assert_eq!(brands(&mut desk).await, [bosch.brand_id.as_str(), "", ""]);

    import.settings.create_brands = true;
    let before = desk.traces().await;
    desk.import(import.clone().dry()).await;
    assert!(desk.traces().await == before, "a dry run wrote something");
    desk.import(import.clone()).await;
    let given = brands(&mut desk).await;
    assert!(given[0] == bosch.brand_id && given[1] == given[2] && !given[1].is_empty(), "{given:?}");
    assert_eq!(desk.count("brands").await, 2);
    let before = desk.traces().await;
    desk.import(import).await;
    assert!(desk.traces().await == before, "something was written");
}
