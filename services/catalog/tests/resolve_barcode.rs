//! Scanning: every code stands on one variant and for a number of units.

use proto::catalog::v1 as pb;
use testing::refusal;
use tonic::Code;

use crate::desk::{Answer, Desk, facts, product, reason, variant, with_barcodes};

async fn scan(desk: &mut Desk, barcode: &str) -> Answer<pb::ResolvedBarcode> {
    desk.catalog.resolve_barcode(pb::ResolveBarcodeRequest { barcode: barcode.to_owned() }).await
}

fn pack(code: &str, pack_quantity: i32) -> pb::Barcode {
    pb::Barcode { code: code.to_owned(), pack_quantity }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_stands_for_one_unit_or_for_a_pack() {
    let mut desk = Desk::open().await;
    let packed = pb::Variant {
        pack_barcodes: vec![pack("BOX-6", 6), pack("PALLET", 480)],
        ..with_barcodes("CUP", &["4600000000017", "HOUSE-1"])
    };
    let cup = desk.add(pb::Product { variants: vec![packed, variant("CUP-2")], ..product("Cup", &[]) }).await;

    for (code, units) in [("4600000000017", 1), ("HOUSE-1", 1), ("BOX-6", 6), ("PALLET", 480)] {
        let resolved = scan(&mut desk, code).await.expect(code).into_inner();
        assert_eq!(
            (resolved.variant.as_ref(), resolved.pack_quantity),
            (cup.variants.first(), units),
            "{code}"
        );
    }
    let unknown = refusal(scan(&mut desk, "BOX-7").await);
    assert_eq!((unknown.code, unknown.reason.as_str()), (Code::NotFound, "VARIANT_NOT_FOUND"));
    assert_eq!(reason(scan(&mut desk, " ").await), "MALFORMED");

    // A pack becomes another one; the code goes on standing on the variant.
    let other = pb::Variant { pack_barcodes: vec![pack("BOX-6", 8)], ..cup.variants[0].clone() };
    let changed = pb::Product { variants: vec![other, cup.variants[1].clone()], ..cup };
    desk.update(changed, &["variants"]).await.expect("updated");
    assert_eq!(scan(&mut desk, "BOX-6").await.expect("a box").into_inner().pack_quantity, 8);
    assert_eq!(reason(scan(&mut desk, "PALLET").await), "VARIANT_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_somebody_has_is_refused_with_the_owner_named() {
    let mut desk = Desk::open().await;
    let boxed = pb::Variant { pack_barcodes: vec![pack("BOX-6", 6)], ..with_barcodes("CUP", &["UNIT"]) };
    let cup = desk.add(pb::Product { variants: vec![boxed], ..product("Cup", &[]) }).await;

    for wanted in [
        with_barcodes("POT", &["BOX-6"]),
        pb::Variant { pack_barcodes: vec![pack("BOX-6", 2)], ..variant("POT") },
        pb::Variant { pack_barcodes: vec![pack("UNIT", 2)], ..variant("POT") },
    ] {
        let told = facts(desk.try_add(pb::Product { variants: vec![wanted], ..product("Pot", &[]) }).await);
        assert_eq!((told["owner"].as_str(), told["owner_sku"].as_str()), (cup.product_id.as_str(), "CUP"));
    }
    let twice = pb::Variant { pack_barcodes: vec![pack("NEW", 2)], ..with_barcodes("POT", &["NEW"]) };
    for (wanted, expected) in [
        (twice, "DUPLICATE"),
        (pb::Variant { pack_barcodes: vec![pack("NEW", 1)], ..variant("POT") }, "OUT_OF_RANGE"),
        (pb::Variant { pack_barcodes: vec![pack("NEW", 0)], ..variant("POT") }, "OUT_OF_RANGE"),
        (pb::Variant { pack_barcodes: vec![pack("", 2)], ..variant("POT") }, "MALFORMED"),
    ] {
        let refused = desk.try_add(pb::Product { variants: vec![wanted], ..product("Pot", &[]) }).await;
        assert_eq!(reason(refused), expected);
    }
}
