//! The prices a SKU had, and who set them.

use proto::catalog::v1 as pb;

use crate::desk::{Answer, Desk, money, price, product, reason, rubles};

async fn history(
    desk: &mut Desk,
    request: pb::ListPriceHistoryRequest,
) -> Answer<pb::ListPriceHistoryResponse> {
    desk.catalog.list_price_history(request).await
}

fn of(sku: &str) -> pb::ListPriceHistoryRequest {
    pb::ListPriceHistoryRequest { sku: sku.to_owned(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_kept_with_its_author_and_nothing_else_is() {
    let mut desk = Desk::open().await;
    desk.add(product("Cup", &["CUP", "POT"])).await;
    let retail = desk.price_list(rubles("Retail")).await;
    let sale = desk.price_list(rubles("Sale")).await;
    let mut partner = desk.for_partner(&["catalog.write", "catalog.read"]);
    for amount in ["1", "2", "2", "2.00", "3"] {
        desk.set_price(&retail, "CUP", amount).await;
        desk.world.clock.advance(std::time::Duration::from_secs(60));
    }
    let request = pb::SetPricesRequest {
        price_list_id: sale.price_list_id.clone(),
        prices: vec![price("CUP", "0.50", "RUB"), price("POT", "7", "RUB")],
    };
    partner.set_prices(request).await.expect("prices are set");

    let all = history(&mut desk, of("CUP")).await.expect("the history").into_inner().entries;

    let told: Vec<_> = all
        .iter()
        .map(|entry| {
            let price = entry.price.as_ref().expect("a price");
            (price.price_list_id.as_str(), price.amount.clone().expect("an amount").amount, price.version)
        })
        .collect();
    let (retail_id, sale_id) = (retail.price_list_id.as_str(), sale.price_list_id.as_str());
    let expected = [
        (sale_id, "0.50".to_owned(), 1),
        (retail_id, "3.00".to_owned(), 3),
        (retail_id, "2.00".to_owned(), 2),
        (retail_id, "1.00".to_owned(), 1),
    ];
    assert_eq!(told, expected);
    assert!(all[0].actor.starts_with("key:key_"), "{}", all[0].actor);
    assert_eq!((all[1].actor.as_str(), all[1].action.as_str()), ("operator:test", "catalog.set_prices"));
    assert!(all[1].change_time.expect("a time").seconds > all[2].change_time.expect("a time").seconds + 59);

    // One event per change, each of the next version.
    let events = desk.events::<pb::PriceChanged>().await;
    let cup = format!("{retail_id}/CUP");
    let versions: Vec<i64> =
        events.iter().filter(|(id, ..)| *id == cup).map(|(_, version, _)| *version).collect();
    assert_eq!(versions, [1, 2, 3]);
    let last = events.iter().rfind(|(id, ..)| *id == cup).expect("an event").2.clone();
    assert_eq!(last.price.expect("a price").version, 3);
    assert_eq!(last.previous_amount, Some(money("2.00", "RUB")));

    let mut page =
        pb::ListPriceHistoryRequest { price_list_id: retail_id.to_owned(), page_size: 2, ..of("CUP") };
    let first = history(&mut desk, page.clone()).await.expect("a page").into_inner();
    page.page_token = first.next_page_token;
    let second = history(&mut desk, page).await.expect("a page").into_inner();
    assert_eq!((first.entries.as_slice(), second.entries.as_slice()), (&all[1..3], &all[3..]));
    assert!(second.next_page_token.is_empty());

    assert_eq!(reason(history(&mut desk, of("NONE")).await), "VARIANT_NOT_FOUND");
    assert_eq!(reason(history(&mut desk, of("")).await), "REQUIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_set_at_the_same_moment_have_one_order() {
    let mut desk = Desk::open().await;
    desk.add(product("Cup", &["CUP"])).await;
    let list = desk.price_list(rubles("Retail")).await;

    let sets = (1..=20).map(|amount| {
        let mut catalog = desk.catalog.clone();
        let request = pb::SetPricesRequest {
            price_list_id: list.price_list_id.clone(),
            prices: vec![price("CUP", &amount.to_string(), "RUB")],
        };
        async move { catalog.set_prices(request).await.expect("set").into_inner().changed_count }
    });
    let changed: i32 = futures_util::future::join_all(sets).await.into_iter().sum();

    assert_eq!(changed, 20);
    let events = desk.events::<pb::PriceChanged>().await;
    let versions: Vec<i64> = events.iter().map(|(_, version, _)| *version).collect();
    assert_eq!(versions, (1..=20).collect::<Vec<i64>>());
    for two in events.windows(2) {
        assert_eq!(two[1].2.previous_amount, two[0].2.price.clone().expect("a price").amount);
    }
    assert_eq!(desk.count("price_changes").await, 20);
}
