//! Kits: what they consist of, what they weigh, and when they are not sold.

use proto::catalog::v1 as pb;
use testing::refusal;
use tonic::Code;

use crate::desk::{Desk, facts, money, product, reason, rubles, variant};

fn kit(sku: &str, components: &[(&str, i32)]) -> pb::Product {
    let components = components.iter().map(|(sku, quantity)| component(sku, *quantity)).collect();
    let variants = vec![pb::Variant { components, ..variant(sku) }];
    pb::Product { kind: pb::ProductKind::Kit.into(), variants, ..product("Tea for two", &[]) }
}

fn component(sku: &str, quantity: i32) -> pb::KitComponent {
    pb::KitComponent { sku: sku.to_owned(), quantity }
}

async fn tea(desk: &mut Desk) -> (pb::Product, pb::Product) {
    let cup = pb::Variant { weight_grams: 300, name: "Cup, white".to_owned(), ..variant("CUP") };
    let cup = desk.add(pb::Product { variants: vec![cup], ..product("Cup", &[]) }).await;
    let pot = pb::Variant { weight_grams: 900, ..variant("POT") };
    let pot = desk.add(pb::Product { variants: vec![pot], ..product("Pot", &[]) }).await;
    (cup, pot)
}

async fn quoted(desk: &mut Desk, sku: &str) -> pb::QuotedItem {
    desk.quote("", &[(sku, 2)]).await.expect("a quote").into_inner().items.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kit_is_priced_as_one_line_and_names_what_it_consists_of() {
    let mut desk = Desk::open().await;
    tea(&mut desk).await;
    let added = desk.add(kit("TEA", &[("POT", 1), ("CUP", 2)])).await;
    let list = desk.price_list(rubles("Retail")).await;
    desk.set_price(&list, "TEA", "1500").await;

    let item = quoted(&mut desk, "TEA").await;

    assert_eq!(added.variants[0].components, [component("POT", 1), component("CUP", 2)]);
    assert_eq!(desk.get(&added).await, added);
    assert_eq!((item.found, item.kind()), (true, pb::ProductKind::Kit));
    assert_eq!((item.unit_price, item.total), (Some(money("1500.00", "RUB")), Some(money("3000.00", "RUB"))));
    // 900 + 2 × 300: nothing is said of the kit's own weight.
    assert_eq!(item.weight_grams, 1500);
    let part = |sku: &str, quantity, name: &str, weight_grams| pb::QuotedComponent {
        sku: sku.to_owned(),
        quantity,
        name: name.to_owned(),
        weight_grams,
    };
    assert_eq!(item.components, [part("POT", 1, "Pot", 900), part("CUP", 2, "Cup, white", 300)]);
    assert!(quoted(&mut desk, "CUP").await.components.is_empty());

    let boxed = pb::Variant { weight_grams: 2000, ..added.variants[0].clone() };
    let boxed = pb::Product { variants: vec![boxed], ..added };
    let boxed = desk.update(boxed, &["variants"]).await.expect("updated").into_inner();
    assert_eq!(quoted(&mut desk, "TEA").await.weight_grams, 2000);

    let changed = pb::Variant { components: vec![component("CUP", 6)], ..boxed.variants[0].clone() };
    let changed = pb::Product { variants: vec![changed], ..boxed };
    let changed = desk.update(changed, &["variants"]).await.expect("updated").into_inner();
    assert_eq!(changed.variants[0].components, [component("CUP", 6)]);
    assert_eq!(desk.count("kit_components").await, 1);
    let told = desk.events::<pb::ProductChanged>().await.pop().expect("an event").2;
    assert_eq!(told.product.expect("a product").variants[0].components, [component("CUP", 6)]);
    // The same again writes nothing.
    let before = desk.traces().await;
    desk.update(changed, &["variants"]).await.expect("repeated");
    assert_eq!(desk.traces().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_goods_that_are_there_can_be_in_a_kit() {
    let mut desk = Desk::open().await;
    let (cup, _) = tea(&mut desk).await;
    desk.add(pb::Product { kind: pb::ProductKind::Service.into(), ..product("Wrap", &["WRAP"]) }).await;
    desk.add(kit("TEA", &[("POT", 1)])).await;
    let gone = desk.add(product("Gone", &["GONE"])).await;
    desk.update(pb::Product { archived: true, ..gone }, &["archived"]).await.expect("archived");

    for (components, wrong, expected) in [
        (vec![("NONE", 1)], "product.variants[0].components[0].sku", "NOT_FOUND"),
        (vec![("CUP", 1), ("WRAP", 1)], "product.variants[0].components[1].sku", "NOT_GOODS"),
        (vec![("TEA", 1)], "product.variants[0].components[0].sku", "NOT_GOODS"),
        (vec![("SELF", 1)], "product.variants[0].components[0].sku", "NOT_GOODS"),
        (vec![("GONE", 1)], "product.variants[0].components[0].sku", "ARCHIVED"),
        (vec![("CUP", 0)], "product.variants[0].components[0].quantity", "OUT_OF_RANGE"),
        (vec![("CUP", 1), ("CUP", 2)], "product.variants[0].components[1].sku", "DUPLICATE"),
        (vec![], "product.variants[0].components", "REQUIRED"),
        (vec![("CUP", 1); 51], "product.variants[0].components", "TOO_MANY"),
    ] {
        let refused = refusal(desk.try_add(kit("SELF", &components)).await);
        assert_eq!(refused.code, Code::InvalidArgument, "{components:?}");
        assert_eq!(
            (refused.fields[0].as_str(), refused.reason.as_str()),
            (wrong, expected),
            "{components:?}"
        );
    }
    let odd = pb::Product { kind: pb::ProductKind::Goods.into(), ..kit("ODD", &[("CUP", 1)]) };
    assert_eq!(reason(desk.try_add(odd).await), "NOT_A_KIT");

    let in_use = pb::Product { kind: pb::ProductKind::Service.into(), ..cup.clone() };
    desk.add(kit("MUGS", &[("CUP", 4)])).await;
    let refused = desk.update(in_use.clone(), &["kind"]).await;
    let told = facts(refused);
    assert_eq!((told["sku"].as_str(), told["kit_sku"].as_str()), ("CUP", "MUGS"));
    let refused = refusal(desk.update(in_use, &["kind"]).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "KIT_COMPONENT_IN_USE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kit_without_one_of_its_parts_is_not_sold_and_says_why() {
    let mut desk = Desk::open().await;
    let (cup, pot) = tea(&mut desk).await;
    let added = desk.add(kit("TEA", &[("POT", 1), ("CUP", 2)])).await;
    let list = desk.price_list(rubles("Retail")).await;
    desk.set_price(&list, "TEA", "1500").await;

    desk.update(pb::Product { archived: true, ..cup.clone() }, &["archived"]).await.expect("archived");
    let expected = pb::QuotedItem {
        sku: "TEA".to_owned(),
        unsellable_reason: "KIT_COMPONENT_ARCHIVED".to_owned(),
        unsellable_sku: "CUP".to_owned(),
        ..Default::default()
    };
    assert_eq!(quoted(&mut desk, "TEA").await, expected);

    // It can still be renamed, and given other parts.
    let renamed = pb::Product { name: "Tea set".to_owned(), ..added };
    let renamed = desk.update(renamed, &["name"]).await.expect("renamed").into_inner();
    let other = pb::Variant { components: vec![component("POT", 2)], ..renamed.variants[0].clone() };
    desk.update(pb::Product { variants: vec![other], ..renamed }, &["variants"]).await.expect("changed");
    assert!(quoted(&mut desk, "TEA").await.found);

    // One variant of a product that goes on: the same.
    let handle = pb::Product { variants: vec![variant("POT-2")], ..pot };
    desk.update(handle, &["variants"]).await.expect("left out");
    assert_eq!(quoted(&mut desk, "TEA").await.unsellable_sku, "POT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kit_and_a_change_of_its_part_at_the_same_moment_do_not_pass_each_other() {
    let mut desk = Desk::open().await;
    for round in 0..8 {
        let sku = format!("PART-{round}");
        let part = desk.add(product("Part", &[&sku])).await;
        let service = pb::UpdateProductRequest {
            product: Some(pb::Product { kind: pb::ProductKind::Service.into(), ..part }),
            update_mask: Some(crate::desk::mask(&["kind"])),
        };
        let wanted = pb::CreateProductRequest {
            product: Some(kit(&format!("KIT-{round}"), &[(&sku, 1)])),
            idempotency_key: crate::desk::key(),
        };
        let (mut one, mut other) = (desk.catalog.clone(), desk.catalog.clone());

        let (changed, added) = tokio::join!(one.update_product(service), other.create_product(wanted));

        assert!(changed.is_ok() != added.is_ok(), "round {round}: {changed:?} {added:?}");
    }
}
