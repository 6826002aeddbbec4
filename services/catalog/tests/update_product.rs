//! Changing products.

use proto::catalog::v1 as pb;
use testing::refusal;
use tonic::Code;
use types::ProductId;

use crate::desk::{Desk, facts, product, reason, variant, with_barcodes};

#[tokio::test(flavor = "multi_thread")]
async fn only_the_masked_fields_change_and_the_change_is_told() {
    let mut desk = Desk::open().await;
    let cup = desk.add(pb::Product { vendor: "Clay".to_owned(), ..product("Cup", &["CUP"]) }).await;

    let wanted = pb::Product { name: "Mug".to_owned(), vendor: "Glass".to_owned(), ..cup.clone() };
    let updated = desk.update(wanted, &["name"]).await.expect("renamed").into_inner();

    assert_eq!((updated.name.as_str(), updated.vendor.as_str(), updated.etag.as_str()), ("Mug", "Clay", "2"));
    assert_eq!(updated.variants, cup.variants);
    let events = desk.events::<pb::ProductChanged>().await;
    assert_eq!(events.len(), 2);
    assert_eq!((events[1].1, &events[1].2.changed_fields), (2, &vec!["name".to_owned()]));
    assert_eq!(desk.audit(&cup.product_id).await, ["catalog.create_product", "catalog.update_product"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_finds_it_done_and_an_old_etag_is_refused() {
    let mut desk = Desk::open().await;
    let cup = desk.add(product("Cup", &["CUP"])).await;
    let mug = pb::Product { name: "Mug".to_owned(), ..cup.clone() };

    let first = desk.update(mug.clone(), &["name"]).await.expect("renamed").into_inner();
    let again = desk.update(mug, &["name"]).await.expect("repeated").into_inner();
    let late = desk.update(pb::Product { name: "Pot".to_owned(), ..cup.clone() }, &["name"]).await;
    let late_facts = facts(desk.update(pb::Product { name: "Pot".to_owned(), ..cup }, &["name"]).await);

    assert_eq!(again, first);
    let late = refusal(late);
    assert_eq!((late.code, late.reason.as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    assert_eq!(late_facts["current_etag"], "2");
    assert_eq!(desk.count("event_log").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn variants_are_matched_by_sku_and_one_left_out_is_archived() {
    let mut desk = Desk::open().await;
    let red = with_barcodes("RED", &["1"]);
    let cup = pb::Product { variants: vec![red, with_barcodes("BLUE", &["2"])], ..product("Cup", &[]) };
    let cup = desk.add(cup).await;

    // BLUE comes first and takes over RED's barcode; GREEN is new; RED is left out.
    let variants = vec![with_barcodes("BLUE", &["1", "2"]), variant("GREEN")];
    let updated = desk
        .update(pb::Product { variants, ..cup.clone() }, &["variants"])
        .await
        .expect("updated")
        .into_inner();

    let skus: Vec<_> = updated.variants.iter().map(|one| (one.sku.as_str(), one.archived)).collect();
    assert_eq!(skus, [("BLUE", false), ("GREEN", false), ("RED", true)]);
    assert_eq!(updated.variants[0].variant_id, cup.variants[1].variant_id);
    assert_eq!(updated.variants[2].variant_id, cup.variants[0].variant_id);
    assert_eq!(updated.variants[0].barcodes, ["1", "2"]);
    assert!(updated.variants[2].barcodes.is_empty());
    assert_eq!(desk.get(&cup).await, updated);
    let quoted = desk.quote("", &[("RED", 1), ("GREEN", 1)]).await.expect("a quote").into_inner();
    assert_eq!(quoted.items.iter().map(|item| item.found).collect::<Vec<_>>(), [false, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_another_product_is_refused() {
    let mut desk = Desk::open().await;
    let cup =
        desk.add(pb::Product { variants: vec![with_barcodes("CUP", &["1"])], ..product("Cup", &[]) }).await;
    let pot = desk.add(product("Pot", &["POT"])).await;

    let sku = pb::Product { variants: vec![variant("POT"), variant("CUP")], ..pot.clone() };
    let barcode = pb::Product { variants: vec![with_barcodes("POT", &["1"])], ..pot.clone() };

    assert_eq!(facts(desk.update(sku.clone(), &["variants"]).await)["owner"], cup.product_id);
    assert_eq!(reason(desk.update(sku, &["variants"]).await), "SKU_TAKEN");
    assert_eq!(reason(desk.update(barcode, &["variants"]).await), "BARCODE_TAKEN");
    assert_eq!(desk.get(&pot).await, pot);
}

#[tokio::test(flavor = "multi_thread")]
async fn masks_and_ids_are_checked() {
    let mut desk = Desk::open().await;
    let cup = desk.add(product("Cup", &["CUP"])).await;
    let absent = pb::Product { product_id: ProductId::new().to_string(), ..cup.clone() };
    let stray = pb::Product { category_ids: vec![types::CategoryId::new().to_string()], ..cup.clone() };

    assert_eq!(refusal(desk.update(cup.clone(), &[]).await).fields, ["update_mask"]);
    assert_eq!(refusal(desk.update(cup.clone(), &["price"]).await).fields, ["update_mask"]);
    let blank = pb::Product { name: String::new(), ..cup.clone() };
    assert_eq!(refusal(desk.update(blank, &["name"]).await).fields, ["product.name"]);
    assert_eq!(reason(desk.update(absent, &["name"]).await), "PRODUCT_NOT_FOUND");
    assert_eq!(reason(desk.update(stray, &["category_ids"]).await), "CATEGORY_NOT_FOUND");
    let garbled = pb::Product { etag: "new".to_owned(), ..cup };
    assert_eq!(refusal(desk.update(garbled, &["name"]).await).fields, ["product.etag"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn archiving_hides_and_undoing_it_brings_back() {
    let mut desk = Desk::open().await;
    let cup = desk.add(product("Cup", &["CUP"])).await;

    let archived = desk.update(pb::Product { archived: true, ..cup.clone() }, &["archived"]).await;
    let archived = archived.expect("archived").into_inner();
    let hidden = desk.quote("", &[("CUP", 1)]).await.expect("a quote").into_inner();
    desk.update(pb::Product { archived: false, ..archived }, &["archived"]).await.expect("brought back");
    let shown = desk.quote("", &[("CUP", 1)]).await.expect("a quote").into_inner();

    assert_eq!((hidden.items[0].found, shown.items[0].found), (false, true));
}
