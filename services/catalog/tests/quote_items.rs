//! Pricing the items of an order.

use proto::catalog::v1 as pb;
use testing::refusal;
use tonic::Code;

use crate::desk::{Desk, money, product, reason, rubles, variant};

#[tokio::test(flavor = "multi_thread")]
async fn items_come_back_priced_in_their_order() {
    let mut desk = Desk::open().await;
    let by_weight = pb::Variant {
        name: "Arabica".to_owned(),
        unit_code: "GRM".to_owned(),
        price_quantity: 1000,
        weight_grams: 1,
        tax_category: "food".to_owned(),
        ..variant("COFFEE")
    };
    let coffee = desk.add(pb::Product { variants: vec![by_weight], ..product("Coffee", &[]) }).await;
    let wrap = pb::Product { kind: pb::ProductKind::Service.into(), ..product("Gift wrap", &["WRAP"]) };
    desk.add(wrap).await;
    let list = desk.price_list(rubles("Retail")).await;
    desk.set_price(&list, "COFFEE", "999.99").await;

    let quote = desk.quote("site", &[("WRAP", 1), ("NONE", 1), ("COFFEE", 250), ("COFFEE", 1)]).await;
    let items = quote.expect("a quote").into_inner().items;

    assert_eq!(
        items.iter().map(|item| item.sku.as_str()).collect::<Vec<_>>(),
        ["WRAP", "NONE", "COFFEE", "COFFEE"]
    );
    assert_eq!(
        (items[0].found, items[0].kind(), &items[0].unit_price),
        (true, pb::ProductKind::Service, &None)
    );
    assert_eq!(items[1], pb::QuotedItem { sku: "NONE".to_owned(), ..Default::default() });
    let expected = pb::QuotedItem {
        sku: "COFFEE".to_owned(),
        found: true,
        variant_id: coffee.variants[0].variant_id.clone(),
        product_id: coffee.product_id.clone(),
        name: "Arabica".to_owned(),
        kind: pb::ProductKind::Goods.into(),
        unit_price: Some(money("999.99", "RUB")),
        // 249.9975, rounded half up.
        total: Some(money("250.00", "RUB")),
        weight_grams: 1,
        unit_code: "GRM".to_owned(),
        price_quantity: 1000,
        tax_category: "food".to_owned(),
    };
    assert_eq!(items[2], expected);
    assert_eq!(items[3].total, Some(money("1.00", "RUB")));
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_kopeck_is_rounded_up() {
    let mut desk = Desk::open().await;
    let by_ten = pb::Variant { price_quantity: 10, ..variant("NAILS") };
    desk.add(pb::Product { variants: vec![by_ten], ..product("Nails", &[]) }).await;
    let list = desk.price_list(rubles("Retail")).await;
    desk.set_price(&list, "NAILS", "0.05").await;

    for (quantity, expected) in [(1, "0.01"), (2, "0.01"), (3, "0.02"), (10, "0.05"), (1_000_000, "5000.00")]
    {
        let items = desk.quote("", &[("NAILS", quantity)]).await.expect("a quote").into_inner().items;
        assert_eq!(items[0].total, Some(money(expected, "RUB")), "{quantity}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_total_beyond_all_money_and_odd_quantities_are_refused() {
    let mut desk = Desk::open().await;
    desk.add(product("Palace", &["PALACE"])).await;
    let list = desk.price_list(rubles("Retail")).await;
    desk.set_price(&list, "PALACE", "90000000000000000").await;

    let overflow = refusal(desk.quote("", &[("PALACE", 1), ("PALACE", 2)]).await);
    assert_eq!((overflow.code, overflow.reason.as_str()), (Code::InvalidArgument, "OUT_OF_RANGE"));
    assert_eq!(overflow.fields, ["items[1].quantity"]);
    for quantity in [0, -1, 1_000_001] {
        assert_eq!(refusal(desk.quote("", &[("PALACE", quantity)]).await).fields, ["items[0].quantity"]);
    }
    assert_eq!(reason(desk.quote("", &[]).await), "REQUIRED");
    assert_eq!(reason(desk.quote("", &[("PALACE", 1); 1001]).await), "TOO_MANY");
    assert_eq!(refusal(desk.quote("a\0b", &[("\0", 1)]).await).fields, ["channel", "items[0].sku"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_price_counts_at_once() {
    let mut desk = Desk::open().await;
    desk.add(product("Cup", &["CUP"])).await;
    let list = desk.price_list(rubles("Retail")).await;

    for amount in ["1.00", "2.00", "3.00"] {
        desk.set_price(&list, "CUP", amount).await;
        let items = desk.quote("", &[("CUP", 1)]).await.expect("a quote").into_inner().items;
        assert_eq!(items[0].unit_price, Some(money(amount, "RUB")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_do_not_quote() {
    let desk = Desk::open().await;
    let mut partner = desk.for_partner(&["catalog.read"]);

    let quote = partner.quote_items(pb::QuoteItemsRequest::default()).await;

    assert_eq!(reason(quote), "INTERNAL_METHOD");
}
