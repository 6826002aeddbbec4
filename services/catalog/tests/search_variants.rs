//! What an operator finds, with price and free stock.

use std::time::{Duration, Instant};

use proto::catalog::v1 as pb;
use testing::refusal;
use types::{PriceListId, WarehouseId};

use crate::desk::{Desk, money, product, reason, rubles, skus, variant, with_barcodes};

fn text(text: &str) -> pb::SearchVariantsRequest {
    pb::SearchVariantsRequest { text: text.to_owned(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_brings_price_and_stock_of_everything_found() {
    let mut desk = Desk::open().await;
    let (near, far) = (WarehouseId::new().to_string(), WarehouseId::new().to_string());
    let white = pb::Variant { name: "Чашка белая".to_owned(), ..variant("CUP-W") };
    let blue = pb::Variant { name: "Чашка синяя".to_owned(), ..variant("CUP-B") };
    desk.add(pb::Product { variants: vec![white, blue], recommended: true, ..product("Чашка", &[]) }).await;
    desk.add(pb::Product {
        kind: pb::ProductKind::Service.into(), ..product("Роспись чашки", &["PAINT"])
    })
    .await;
    let list = desk.price_list(rubles("Retail")).await;
    desk.set_price(&list, "CUP-W", "100").await;
    desk.neighbours.put("CUP-W", &near, 3);
    desk.neighbours.put("CUP-W", &far, 4);
    desk.neighbours.put("CUP-B", &far, 0);

    let page = desk.search(text("чашки")).await.expect("a page").into_inner();

    let found = |sku: &str| {
        let of_sku = |one: &&pb::VariantMatch| one.variant.as_ref().is_some_and(|variant| variant.sku == sku);
        page.matches.iter().find(of_sku).expect("it is found").clone()
    };
    let order: Vec<_> =
        page.matches.iter().filter_map(|one| Some(one.variant.as_ref()?.sku.as_str())).collect();
    assert_eq!(order, ["CUP-B", "CUP-W", "PAINT"]);
    assert!(!page.stock_unknown);
    let white = found("CUP-W");
    assert_eq!((white.name.as_str(), white.recommended, white.pack_quantity), ("Чашка белая", true, 1));
    let price = white.price.clone().expect("a price");
    assert_eq!(
        (price.amount, price.price_list_id),
        (Some(money("100.00", "RUB")), list.price_list_id.clone())
    );
    assert_eq!(white.free_quantity, 7);
    let stock: Vec<_> = white.stock.iter().map(|one| (one.warehouse_id.clone(), one.free_quantity)).collect();
    assert_eq!(stock.iter().map(|(_, units)| units).sum::<i64>(), 7);
    assert!(stock.contains(&(near.clone(), 3)) && stock.contains(&(far, 4)));
    assert_eq!((found("CUP-B").free_quantity, found("CUP-B").stock, found("CUP-B").price), (0, vec![], None));
    assert_eq!((found("PAINT").kind(), found("PAINT").free_quantity), (pb::ProductKind::Service, 0));
    // One question to inventory, and services are not asked for.
    assert_eq!(desk.neighbours.state().questions, [2]);

    let near_only = pb::SearchVariantsRequest { warehouse_ids: vec![near], ..text("белая") };
    let near_only = desk.search(near_only).await.expect("a page").into_inner().matches.remove(0);
    assert_eq!((near_only.free_quantity, near_only.stock.len()), (3, 1));
    let in_stock = pb::SearchVariantsRequest { in_stock_only: true, ..text("чашка") };
    assert_eq!(skus(desk.search(in_stock).await), ["CUP-W", "PAINT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_found_in_three_languages_and_any_form() {
    let mut desk = Desk::open().await;
    for (name, sku) in [
        ("Ёлка искусственная зелёная", "TREE"),
        ("М’ясорубка електрична", "MINCER"),
        ("Rechargeable batteries", "AA-4"),
        ("Футболка чоловіча \"Козак\"", "TEE"),
    ] {
        desk.add(product(name, &[sku])).await;
    }
    desk.add(pb::Product { vendor: "Bosch".to_owned(), ..product("Дрель ударная", &["DRILL"]) }).await;

    for (asked, expected) in [
        ("елки", vec!["TREE"]),
        ("ЁЛКУ зеленую", vec!["TREE"]),
        ("искусств", vec!["TREE"]),
        ("мясорубки", vec!["MINCER"]),
        ("м'ясорубку електричну", vec!["MINCER"]),
        ("battery", vec!["AA-4"]),
        ("футболки козак", vec!["TEE"]),
        ("футболок", vec!["TEE"]),
        ("дрели bosch", vec!["DRILL"]),
        ("елки bosch", vec![]),
        ("aa-4", vec!["AA-4"]),
        ("«»", vec![]),
    ] {
        assert_eq!(desk.found(asked).await, expected, "{asked}");
    }
    // The list of products finds the same.
    let list = pb::ListProductsRequest { text: "зелёной ёлки".to_owned(), ..Default::default() };
    assert_eq!(desk.products(list).await, ["Ёлка искусственная зелёная"]);

    // A new name counts for every variant at once, and the old one no longer.
    let tree = desk.add(product("Сосна", &["PINE", "PINE-2"])).await;
    desk.update(pb::Product { name: "Кедр".to_owned(), ..tree }, &["name"]).await.expect("renamed");
    assert_eq!(desk.found("кедры").await, ["PINE", "PINE-2"]);
    assert_eq!(desk.found("сосна").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_scanned_or_named_comes_first_then_what_begins_so() {
    let mut desk = Desk::open().await;
    let packed = pb::Variant {
        pack_barcodes: vec![pb::Barcode { code: "AB-1".to_owned(), pack_quantity: 12 }],
        ..with_barcodes("ZZZ", &["777"])
    };
    desk.add(pb::Product { variants: vec![packed], ..product("Last", &[]) }).await;
    desk.add(product("AB-1 in its name", &["OTHER"])).await;
    desk.add(product("Long", &["AB-10"])).await;
    desk.add(product("Lower", &["ab-1"])).await;
    desk.add(pb::Product { recommended: true, ..product("Best", &["AB-12"]) }).await;

    assert_eq!(desk.found("AB-1").await, ["ZZZ", "ab-1", "AB-10", "AB-12", "OTHER"]);
    let best = pb::SearchVariantsRequest { recommended_first: true, ..text("ab-1") };
    assert_eq!(skus(desk.search(best).await), ["ab-1", "AB-12", "AB-10", "OTHER"]);
    let scanned = desk.search(text("AB-1")).await.expect("a page").into_inner().matches;
    assert_eq!((scanned[0].pack_quantity, scanned[1].pack_quantity), (12, 1));
    assert_eq!(desk.found("777").await, ["ZZZ"]);
    assert_eq!(desk.found("%").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_join_without_gap_or_repeat_whatever_is_asked_for() {
    let mut desk = Desk::open().await;
    let category = desk.category("All", None).await;
    for at in 0..23 {
        let one = pb::Product {
            recommended: at % 4 == 0,
            category_ids: vec![category.category_id.clone()],
            ..product("Plate", &[&format!("P-{at:02}")])
        };
        desk.add(one).await;
        if at % 3 == 0 {
            desk.neighbours.put(&format!("P-{at:02}"), "whs", 1);
        }
    }
    for (asked, count) in [
        (text("plates"), 23),
        (text("p-"), 23),
        (text(""), 23),
        (pb::SearchVariantsRequest { recommended_first: true, ..text("") }, 23),
        (pb::SearchVariantsRequest { recommended_first: true, ..text("plate") }, 23),
        (pb::SearchVariantsRequest { category_id: category.category_id.clone(), ..text("") }, 23),
        (pb::SearchVariantsRequest { in_stock_only: true, ..text("plate") }, 8),
        (pb::SearchVariantsRequest { in_stock_only: true, recommended_first: true, ..text("") }, 8),
    ] {
        let mut page = pb::SearchVariantsRequest { page_size: 3, ..asked.clone() };
        let mut seen = Vec::new();
        loop {
            let answer = desk.search(page.clone()).await.expect("a page").into_inner();
            assert!(answer.matches.len() <= 3, "{asked:?}");
            seen.extend(
                answer.matches.iter().map(|one| (!one.recommended, one.variant.clone().expect("one").sku)),
            );
            if answer.next_page_token.is_empty() {
                break;
            }
            page.page_token = answer.next_page_token;
        }
        let mut expected = seen.clone();
        match asked.recommended_first {
            true => expected.sort(),
            false => expected.sort_by(|one, other| one.1.cmp(&other.1)),
        }
        expected.dedup();
        assert_eq!((seen.len(), &seen), (count, &expected), "{asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_archived_or_elsewhere_is_not_offered() {
    let mut desk = Desk::open().await;
    let (kitchen, garden) = (desk.category("Kitchen", None).await, desk.category("Garden", None).await);
    let cups = desk.category("Cups", Some(&kitchen)).await;
    let of = |category: &pb::Category, sku: &str| pb::Product {
        category_ids: vec![category.category_id.clone()],
        ..product("Cup", &[sku])
    };
    let first = desk.add(of(&cups, "A")).await;
    desk.add(of(&garden, "B")).await;
    let both =
        pb::Product { category_ids: vec![kitchen.category_id.clone(), cups.category_id], ..of(&garden, "C") };
    desk.add(both).await;
    let within = |asked: &str, category: &pb::Category| pb::SearchVariantsRequest {
        category_id: category.category_id.clone(),
        ..text(asked)
    };

    assert_eq!(skus(desk.search(within("cup", &kitchen)).await), ["A", "C"]);
    assert_eq!(skus(desk.search(within("", &kitchen)).await), ["A", "C"]);
    assert_eq!(skus(desk.search(within("", &garden)).await), ["B"]);
    desk.update(pb::Product { archived: true, ..first.clone() }, &["archived"]).await.expect("archived");
    assert_eq!(desk.found("cup").await, ["B", "C"]);
    assert_eq!(desk.found("A").await, Vec::<String>::new());
    let first = desk.get(&first).await;
    desk.update(pb::Product { archived: false, ..first }, &["archived"]).await.expect("back");
    assert_eq!(desk.found("").await, ["A", "B", "C"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kit_is_as_free_as_its_scarcest_part() {
    let mut desk = Desk::open().await;
    let cup = desk.add(product("Cup", &["CUP"])).await;
    desk.add(product("Pot", &["POT"])).await;
    let component = |sku: &str, quantity| pb::KitComponent { sku: sku.to_owned(), quantity };
    let kit = pb::Variant { components: vec![component("POT", 1), component("CUP", 4)], ..variant("TEA") };
    let kit =
        pb::Product { kind: pb::ProductKind::Kit.into(), variants: vec![kit], ..product("Tea set", &[]) };
    desk.add(kit).await;
    for (sku, warehouse, units) in [("CUP", "a", 9), ("CUP", "b", 8), ("POT", "a", 1), ("POT", "b", 9)] {
        desk.neighbours.put(sku, warehouse, units);
    }

    let tea = desk.search(text("tea")).await.expect("a page").into_inner().matches.remove(0);

    assert_eq!((tea.kind(), tea.free_quantity), (pb::ProductKind::Kit, 4));
    let stock: Vec<_> = tea.stock.iter().map(|one| (one.warehouse_id.as_str(), one.free_quantity)).collect();
    assert_eq!(stock, [("a", 1), ("b", 2)]);
    desk.update(pb::Product { archived: true, ..cup }, &["archived"]).await.expect("archived");
    let tea = desk.search(text("tea")).await.expect("a page").into_inner().matches.remove(0);
    assert_eq!(
        (tea.unsellable_reason.as_str(), tea.unsellable_sku.as_str()),
        ("KIT_COMPONENT_ARCHIVED", "CUP")
    );
    let in_stock = pb::SearchVariantsRequest { in_stock_only: true, ..text("tea") };
    assert_eq!(skus(desk.search(in_stock).await), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_of_inventory_the_window_opens_all_the_same() {
    let mut desk = Desk::open().await;
    desk.add(product("Cup", &["CUP"])).await;
    desk.neighbours.put("CUP", "a", 5);

    for (hanging, away) in [(true, false), (false, true)] {
        desk.neighbours.state().hanging = hanging;
        desk.neighbours.state().away = away;
        let begun = Instant::now();
        let request = pb::SearchVariantsRequest { in_stock_only: true, ..text("cup") };
        let page = desk.search(request).await.expect("a page").into_inner();
        assert!(begun.elapsed() < Duration::from_secs(2), "it was waited for {:?}", begun.elapsed());
        assert!(page.stock_unknown);
        assert_eq!((page.matches.len(), page.matches[0].free_quantity), (1, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_are_those_of_the_channel_or_of_one_list() {
    let mut desk = Desk::open().await;
    desk.add(product("Cup", &["CUP"])).await;
    let retail = desk.price_list(rubles("Retail")).await;
    let site = pb::PriceList { channels: vec!["site".to_owned()], priority: 5, ..rubles("Site") };
    let site = desk.price_list(site).await;
    let dollars =
        desk.price_list(pb::PriceList { currency_code: "USD".to_owned(), ..rubles("Dollars") }).await;
    desk.set_price(&retail, "CUP", "10").await;
    desk.set_price(&site, "CUP", "9").await;
    let amount = async |desk: &mut Desk, channel: &str, list: &str| {
        let request = pb::SearchVariantsRequest {
            channel: channel.to_owned(),
            price_list_id: list.to_owned(),
            ..text("cup")
        };
        let found = desk.search(request).await.expect("a page").into_inner().matches.remove(0);
        found.price.and_then(|price| price.amount).map(|amount| amount.amount)
    };

    assert_eq!(amount(&mut desk, "", "").await.as_deref(), Some("10.00"));
    assert_eq!(amount(&mut desk, "site", "").await.as_deref(), Some("9.00"));
    assert_eq!(amount(&mut desk, "site", &retail.price_list_id).await.as_deref(), Some("10.00"));
    // The list does not count on the phone.
    assert_eq!(amount(&mut desk, "phone", &site.price_list_id).await, None);
    let other = pb::SearchVariantsRequest { price_list_id: dollars.price_list_id, ..text("") };
    assert_eq!(reason(desk.search(other).await), "CURRENCY_MISMATCH");
    let absent = pb::SearchVariantsRequest { price_list_id: PriceListId::new().to_string(), ..text("") };
    assert_eq!(reason(desk.search(absent).await), "PRICE_LIST_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_is_told() {
    let mut desk = Desk::open().await;
    let request = pb::SearchVariantsRequest {
        text: "a\0".to_owned(),
        category_id: "kitchen".to_owned(),
        currency_code: "RUR".to_owned(),
        warehouse_ids: vec!["here".to_owned()],
        ..Default::default()
    };

    let refused = refusal(desk.catalog.search_variants(request).await);

    assert_eq!(refused.fields, ["text", "category_id", "currency_code", "warehouse_ids[0]"]);
    let absent = pb::SearchVariantsRequest { category_id: types::CategoryId::new().to_string(), ..text("") };
    assert_eq!(reason(desk.search(absent).await), "CATEGORY_NOT_FOUND");
    let foreign = pb::SearchVariantsRequest { page_token: "x".to_owned(), ..text("") };
    assert_eq!(refusal(desk.search(foreign).await).fields, ["page_token"]);
}

/// Every page of a search, one after the other.
async fn pages(desk: &mut Desk, request: pb::SearchVariantsRequest) -> Vec<String> {
    let mut found = Vec::new();
    let mut request = request;
    loop {
        let page = desk.search(request.clone()).await.expect("a page");
        request.page_token = page.get_ref().next_page_token.clone();
        found.extend(skus(Ok(page)));
        if request.page_token.is_empty() {
            return found;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_beginning_of_a_sku_is_found_in_any_case_and_order_holds_over_pages() {
    let mut desk = Desk::open().await;
    for sku in ["ab-1", "AB-2", "Ab-3", "AB-10", "AB", "aB-2", "ABC", "AC-1", "A"] {
        desk.add(product("Thing", &[sku])).await;
    }
    desk.add(pb::Product { recommended: true, ..product("Thing", &["AB-9"]) }).await;

    for page_size in [1, 2, 3, 100] {
        let of_beginning = pb::SearchVariantsRequest { page_size, ..text("ab") };
        let expected = ["AB", "AB-10", "AB-2", "AB-9", "ABC", "Ab-3", "aB-2", "ab-1"];
        assert_eq!(pages(&mut desk, of_beginning.clone()).await, expected, "{page_size} a page");
        let recommended = pb::SearchVariantsRequest { recommended_first: true, ..of_beginning };
        let expected = ["AB", "AB-9", "AB-10", "AB-2", "ABC", "Ab-3", "aB-2", "ab-1"];
        assert_eq!(pages(&mut desk, recommended).await, expected, "{page_size} a page, recommended first");
    }
    let packed = pb::SearchVariantsRequest { page_size: 1, ..text("Ab-3") };
    assert_eq!(pages(&mut desk, packed).await, ["Ab-3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_common_and_what_is_rare_come_in_one_order_over_pages() {
    let mut desk = Desk::open().await;
    let top = desk.category("Top", None).await;
    let below = desk.category("Below", Some(&top)).await;
    let mut in_category = Vec::new();
    let mut lamps = Vec::new();
    for at in 0..30 {
        let sku = format!("S-{at:02}");
        let name = if at % 7 == 3 { "Lamp" } else { "Кабель" };
        let category_ids = if at % 2 == 0 { vec![below.category_id.clone()] } else { Vec::new() };
        in_category.extend((at % 2 == 0).then(|| sku.clone()));
        lamps.extend((at % 7 == 3).then(|| sku.clone()));
        desk.add(pb::Product { category_ids, ..product(name, &[&sku]) }).await;
    }
    let both: Vec<String> = lamps.iter().filter(|sku| in_category.contains(sku)).cloned().collect();

    for page_size in [1, 2, 5, 7] {
        let category_id = top.category_id.clone();
        let browse = pb::SearchVariantsRequest { category_id, page_size, ..text("") };
        assert_eq!(pages(&mut desk, browse.clone()).await, in_category);
        let words = pb::SearchVariantsRequest { page_size, ..text("lamps") };
        assert_eq!(pages(&mut desk, words.clone()).await, lamps);
        let words_below = pb::SearchVariantsRequest { category_id: browse.category_id, ..words };
        assert_eq!(pages(&mut desk, words_below).await, both);
        // A name and a SKU that begins so: each once, the SKU first.
        let named = pb::SearchVariantsRequest { page_size, ..text("S-03") };
        assert_eq!(pages(&mut desk, named).await, ["S-03"]);
    }
}
