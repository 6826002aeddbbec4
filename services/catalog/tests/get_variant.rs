//! Finding a variant.

use proto::catalog::v1 as pb;

use crate::desk::{Answer, Desk, product, reason, with_barcodes};

async fn find(desk: &mut Desk, sku: &str, barcode: &str) -> Answer<pb::Variant> {
    let request = pb::GetVariantRequest { sku: sku.to_owned(), barcode: barcode.to_owned() };
    desk.catalog.get_variant(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variant_is_found_by_its_sku_and_by_each_barcode() {
    let mut desk = Desk::open().await;
    let variants = vec![with_barcodes("RED", &["1", "2"]), with_barcodes("BLUE", &["3"])];
    let cup = desk.add(pb::Product { variants, ..product("Cup", &[]) }).await;

    for (sku, barcode, at) in [("RED", "", 0), ("BLUE", "", 1), ("", "1", 0), ("", "2", 0), ("", "3", 1)] {
        let found = find(&mut desk, sku, barcode).await.expect("found").into_inner();
        assert_eq!(found, cup.variants[at], "{sku}{barcode}");
        assert_eq!(found.product_id, cup.product_id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_both_nor_an_unknown_one_is_refused() {
    let mut desk = Desk::open().await;

    assert_eq!(reason(find(&mut desk, "", "").await), "REQUIRED");
    assert_eq!(reason(find(&mut desk, "A", "1").await), "TOO_MANY");
    assert_eq!(reason(find(&mut desk, "A", "").await), "VARIANT_NOT_FOUND");
    assert_eq!(reason(find(&mut desk, "", "1").await), "VARIANT_NOT_FOUND");
    assert_eq!(reason(find(&mut desk, "\0", "").await), "MALFORMED");
    assert_eq!(reason(find(&mut desk, "", "\0").await), "MALFORMED");
}
