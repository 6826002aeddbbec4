//! Adding products.

use proto::catalog::v1 as pb;
use testing::refusal;
use tonic::Code;
use types::{CategoryId, SourceId};

use crate::desk::{Desk, facts, key, product, reason, variant, with_barcodes};

#[tokio::test(flavor = "multi_thread")]
async fn a_product_comes_back_as_it_was_added_and_is_told_once() {
    let mut desk = Desk::open().await;
    let cups = desk.category("Cups", None).await;
    let source = SourceId::new().to_string();
    let wanted = pb::Product {
        name: "Cup".to_owned(),
        description: "With a handle".to_owned(),
        vendor: "Clay".to_owned(),
        category_ids: vec![cups.category_id.clone()],
        external_ids: vec![pb::ExternalId { source_id: source.clone(), id: "7".to_owned() }],
        variants: vec![pb::Variant {
            name: "Blue".to_owned(),
            weight_grams: 290,
            picture_urls: vec!["https://example.com/cup.jpg".to_owned()],
            characteristics: [("colour".to_owned(), "blue".to_owned())].into(),
            ..with_barcodes("CUP-BLUE", &["4600000000017", "house-17"])
        }],
        ..Default::default()
    };

    let added = desk.add(wanted).await;

    assert_eq!(desk.get(&added).await, added);
    assert_eq!((added.kind(), added.etag.as_str()), (pb::ProductKind::Goods, "1"));
    let blue = &added.variants[0];
    assert_eq!(
        (blue.unit_code.as_str(), blue.price_quantity, blue.tax_category.as_str()),
        ("C62", 1, "standard")
    );
    assert_eq!(blue.barcodes, ["4600000000017", "house-17"]);
    let events = desk.events::<pb::ProductChanged>().await;
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].0.as_str(), events[0].1), (added.product_id.as_str(), 1));
    assert_eq!(events[0].2.product.as_ref(), Some(&added));
    assert!(events[0].2.changed_fields.contains(&"variants".to_owned()));
    assert_eq!(desk.audit(&added.product_id).await, ["catalog.create_product"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_first_answer_and_another_request_is_refused() {
    let mut desk = Desk::open().await;
    let request =
        pb::CreateProductRequest { product: Some(product("Cup", &["CUP"])), idempotency_key: key() };

    let first = desk.catalog.create_product(request.clone()).await.expect("added").into_inner();
    let again = desk.catalog.create_product(request.clone()).await.expect("repeated").into_inner();
    let other = pb::CreateProductRequest { product: Some(product("Pot", &["POT"])), ..request };

    assert_eq!(again, first);
    assert_eq!(reason(desk.catalog.create_product(other).await), "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(desk.count("products").await, 1);
    assert_eq!(desk.count("event_log").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_sku_barcode_or_id_is_refused_and_its_owner_named() {
    let mut desk = Desk::open().await;
    let id = pb::ExternalId { source_id: SourceId::new().to_string(), id: "7".to_owned() };
    let owner = pb::Product {
        external_ids: vec![id.clone()],
        variants: vec![pb::Variant { external_ids: vec![id.clone()], ..with_barcodes("CUP", &["46"]) }],
        ..product("Cup", &[])
    };
    let owner = desk.add(owner).await;

    let sku = facts(desk.try_add(product("Copy", &["CUP"])).await);
    let barcode = pb::Product { variants: vec![with_barcodes("COPY", &["46"])], ..product("Copy", &[]) };
    let barcode = facts(desk.try_add(barcode).await);
    let product_id = pb::Product { external_ids: vec![id.clone()], ..product("Copy", &["COPY"]) };
    let of_variant = pb::Variant { external_ids: vec![id], ..variant("COPY") };
    let variant_id = pb::Product { variants: vec![of_variant], ..product("Copy", &[]) };

    assert_eq!((&sku["owner"], &sku["sku"]), (&owner.product_id, &"CUP".to_owned()));
    assert_eq!((&barcode["owner"], &barcode["owner_sku"]), (&owner.product_id, &"CUP".to_owned()));
    assert_eq!(reason(desk.try_add(product("Copy", &["CUP"])).await), "SKU_TAKEN");
    assert_eq!(reason(desk.try_add(product_id).await), "EXTERNAL_ID_TAKEN");
    assert_eq!(reason(desk.try_add(variant_id).await), "EXTERNAL_ID_TAKEN");
    assert_eq!(desk.count("products").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_at_the_same_moment_one_gets_the_barcode() {
    let desk = Desk::open().await;
    let adding = (0..8).map(|at| {
        let mut catalog = desk.catalog.clone();
        let product = pb::Product {
            variants: vec![with_barcodes(&format!("CUP-{at}"), &["46"])],
            ..product("Cup", &[])
        };
        let request = pb::CreateProductRequest { product: Some(product), idempotency_key: key() };
        async move { catalog.create_product(request).await }
    });

    let answers = futures_util::future::join_all(adding).await;

    let (added, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(added.len(), 1);
    for answer in refused {
        let refusal = refusal(answer);
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::AlreadyExists, "BARCODE_TAKEN"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_is_told_at_once() {
    let mut desk = Desk::open().await;
    let wrong = pb::Product {
        kind: 77,
        name: " ".to_owned(),
        description: "\0".to_owned(),
        category_ids: vec!["cups".to_owned()],
        external_ids: vec![pb::ExternalId::default()],
        variants: vec![
            pb::Variant { price_quantity: -1, weight_grams: -1, unit_code: "kg".to_owned(), ..variant("A") },
            pb::Variant {
                picture_urls: vec!["javascript:alert(1)".to_owned()],
                ..with_barcodes("A", &["", "x", "x"])
            },
            pb::Variant::default(),
        ],
        ..Default::default()
    };

    let refusal = refusal(desk.try_add(wrong).await);

    assert_eq!(refusal.code, Code::InvalidArgument);
    for field in [
        "product.kind",
        "product.name",
        "product.description",
        "product.category_ids[0]",
        "product.external_ids[0].source_id",
        "product.variants[0].price_quantity",
        "product.variants[0].weight_grams",
        "product.variants[0].unit_code",
        "product.variants[1].sku",
        "product.variants[1].barcodes",
        "product.variants[1].barcodes[0]",
        "product.variants[1].picture_urls[0]",
        "product.variants[2].sku",
    ] {
        assert!(
            refusal.fields.iter().any(|wrong| wrong == field),
            "{field} is missing in {:?}",
            refusal.fields
        );
    }
    assert_eq!(reason(desk.try_add(product("Cup", &[])).await), "REQUIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_category_is_refused() {
    let mut desk = Desk::open().await;
    let stray = pb::Product { category_ids: vec![CategoryId::new().to_string()], ..product("Cup", &["CUP"]) };

    assert_eq!(reason(desk.try_add(stray).await), "CATEGORY_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_the_scope_changes_nothing() {
    let desk = Desk::open().await;
    let mut reader = desk.for_partner(&["catalog.read"]);
    let request =
        pb::CreateProductRequest { product: Some(product("Cup", &["CUP"])), idempotency_key: key() };

    assert_eq!(reason(reader.create_product(request).await), "SCOPE_MISSING");
}
