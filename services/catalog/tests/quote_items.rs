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
        ..Default::default()
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

#[tokio::test(flavor = "multi_thread")]
async fn quotes_asked_for_together_keep_their_own_currency_and_channel() {
    let mut desk = Desk::open().await;
    desk.add(product("Cup", &["CUP"])).await;
    desk.add(product("Jar", &["JAR"])).await;
    let retail = desk.price_list(rubles("Retail")).await;
    let bazaar = pb::PriceList { channels: vec!["bazaar".to_owned()], priority: 10, ..rubles("Bazaar only") };
    let bazaar = desk.price_list(bazaar).await;
    let hryvnias =
        desk.price_list(pb::PriceList { currency_code: "UAH".to_owned(), ..rubles("Ukraine") }).await;
    for (list, amount) in [(&retail, "10.00"), (&bazaar, "12.00"), (&hryvnias, "5.00")] {
        desk.set_price(list, "CUP", amount).await;
    }
    let asked =
        [("RUB", "", "10.00"), ("RUB", "bazaar", "12.00"), ("UAH", "", "5.00"), ("UAH", "bazaar", "5.00")];

    let quotes = (0..200).map(|at| {
        let ((currency, channel, amount), mut catalog) = (asked[at % asked.len()], desk.catalog.clone());
        let item = |sku: &str| pb::QuoteItem { sku: sku.to_owned(), quantity: 2 };
        let request = pb::QuoteItemsRequest {
            currency_code: currency.to_owned(),
            channel: channel.to_owned(),
            // Calls of different lengths share a statement, too.
            items: if at % 3 == 0 { vec![item("JAR"), item("CUP")] } else { vec![item("CUP")] },
        };
        async move {
            (money(amount, currency), catalog.quote_items(request).await.expect("a quote").into_inner().items)
        }
    });
    for (price, items) in futures_util::future::join_all(quotes).await {
        let cup = items.last().expect("a cup");
        assert_eq!((cup.sku.as_str(), cup.unit_price.as_ref()), ("CUP", Some(&price)));
        assert!(
            items.iter().filter(|item| item.sku == "JAR").all(|jar| jar.found && jar.unit_price.is_none())
        );
    }
}
