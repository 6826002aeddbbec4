//! Setting prices.

use proto::catalog::v1 as pb;
use testing::refusal;
use tonic::Code;
use types::PriceListId;

use crate::desk::{Desk, facts, money, price, product, reason, rubles};

#[tokio::test(flavor = "multi_thread")]
async fn only_changed_prices_are_written_and_told() {
    let mut desk = Desk::open().await;
    desk.add(product("Cups", &["A", "B"])).await;
    let list = desk.price_list(rubles("Retail")).await;
    let reduced = pb::Price { old_amount: Some(money("12", "RUB")), ..price("B", "10.00", "RUB") };

    let first = desk.try_set_prices(&list, vec![price("A", "5", "RUB"), price("B", "10", "RUB")]).await;
    let second = desk.try_set_prices(&list, vec![price("A", "5.00", "RUB"), reduced]).await;
    let counts = |answer: pb::SetPricesResponse| (answer.changed_count, answer.unchanged_count);

    assert_eq!(counts(first.expect("set").into_inner()), (2, 0));
    assert_eq!(counts(second.expect("set").into_inner()), (1, 1));
    let events = desk.events::<pb::PriceChanged>().await;
    let told: Vec<_> = events.iter().map(|(aggregate, version, _)| (aggregate.clone(), *version)).collect();
    let aggregate = |sku: &str| format!("{}/{sku}", list.price_list_id);
    assert_eq!(told, [(aggregate("A"), 1), (aggregate("B"), 1), (aggregate("B"), 2)]);
    assert_eq!(events[0].2.previous_amount, None);
    assert_eq!(events[2].2.previous_amount, Some(money("10.00", "RUB")));
    let actions = desk.audit(&list.price_list_id).await;
    assert_eq!(actions, ["catalog.create_price_list", "catalog.set_prices", "catalog.set_prices"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_the_same_moment_leave_one_line_of_versions() {
    let mut desk = Desk::open().await;
    desk.add(product("Cup", &["CUP"])).await;
    let list = desk.price_list(rubles("Retail")).await;
    let writing = (0..12).map(|at| {
        let mut catalog = desk.catalog.clone();
        let prices = vec![price("CUP", &format!("{at}.50"), "RUB")];
        let request = pb::SetPricesRequest { price_list_id: list.price_list_id.clone(), prices };
        async move { catalog.set_prices(request).await.expect("set") }
    });

    futures_util::future::join_all(writing).await;

    let versions: Vec<i64> = desk.events::<pb::PriceChanged>().await.iter().map(|event| event.1).collect();
    assert_eq!(versions, (1..=12).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_price_is_refused_and_nothing_is_set() {
    let mut desk = Desk::open().await;
    desk.add(product("Cup", &["CUP"])).await;
    let list = desk.price_list(rubles("Retail")).await;
    let absent = pb::PriceList { price_list_id: PriceListId::new().to_string(), ..rubles("Absent") };

    let mixed = vec![price("CUP", "1", "RUB"), price("NONE", "1", "RUB")];
    let unknown = facts(desk.try_set_prices(&list, mixed.clone()).await);
    assert_eq!(unknown["sku"], "NONE");
    assert_eq!(reason(desk.try_set_prices(&list, mixed).await), "VARIANT_NOT_FOUND");
    let dollars = refusal(desk.try_set_prices(&list, vec![price("CUP", "1", "USD")]).await);
    assert_eq!((dollars.code, dollars.reason.as_str()), (Code::InvalidArgument, "CURRENCY_MISMATCH"));
    assert_eq!(dollars.fields, ["prices[0].amount.currency_code"]);
    assert_eq!(
        reason(desk.try_set_prices(&absent, vec![price("CUP", "1", "RUB")]).await),
        "PRICE_LIST_NOT_FOUND"
    );
    assert_eq!(reason(desk.try_set_prices(&list, Vec::new()).await), "REQUIRED");
    assert_eq!(reason(desk.try_set_prices(&list, vec![price("CUP", "1", "RUB"); 1001]).await), "TOO_MANY");
    let wrong = vec![price("CUP", "1.001", "RUB"), price("CUP", "-1", "RUB"), price("", "1", "RUB")];
    let fields = refusal(desk.try_set_prices(&list, wrong).await).fields;
    assert_eq!(
        fields,
        ["prices[0].amount.amount", "prices[1].sku", "prices[1].amount.amount", "prices[2].sku"]
    );
    assert_eq!(desk.count("prices").await, 0);
}
