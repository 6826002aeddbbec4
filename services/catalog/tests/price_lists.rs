//! Adding, listing and changing price lists.

use proto::catalog::v1 as pb;
use testing::refusal;
use types::PriceListId;

use crate::desk::{Answer, Desk, key, mask, reason, rubles};

async fn update(desk: &mut Desk, list: pb::PriceList, paths: &[&str]) -> Answer<pb::PriceList> {
    let request = pb::UpdatePriceListRequest { price_list: Some(list), update_mask: Some(mask(paths)) };
    desk.catalog.update_price_list(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_added_once_and_listed() {
    let mut desk = Desk::open().await;
    let list =
        pb::PriceList { channels: vec!["site".into(), "phone".into(), "site".into()], ..rubles("Retail") };
    let request = pb::CreatePriceListRequest { price_list: Some(list), idempotency_key: key() };

    let first = desk.catalog.create_price_list(request.clone()).await.expect("added").into_inner();
    let again = desk.catalog.create_price_list(request.clone()).await.expect("repeated").into_inner();
    let other = desk.price_list(rubles("Sale")).await;
    let reused = pb::CreatePriceListRequest { price_list: Some(rubles("Other")), ..request };
    let mut page = pb::ListPriceListsRequest { page_size: 1, ..Default::default() };
    let one = desk.catalog.list_price_lists(page.clone()).await.expect("a page").into_inner();
    page.page_token = one.next_page_token;
    let two = desk.catalog.list_price_lists(page).await.expect("a page").into_inner();

    assert_eq!(again, first);
    assert_eq!(first.channels, ["phone", "site"]);
    assert_eq!((one.price_lists, two.price_lists), (vec![first.clone()], vec![other]));
    assert!(two.next_page_token.is_empty());
    assert_eq!(reason(desk.catalog.create_price_list(reused).await), "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(desk.events::<pb::PriceListChanged>().await.len(), 2);
    assert_eq!(desk.audit(&first.price_list_id).await, ["catalog.create_price_list"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_and_the_currency_stays() {
    let mut desk = Desk::open().await;
    let list = desk.price_list(rubles("Retail")).await;

    let wanted = pb::PriceList { priority: 5, name: "Ignored".to_owned(), ..list.clone() };
    let updated = update(&mut desk, wanted.clone(), &["priority"]).await.expect("updated").into_inner();
    update(&mut desk, wanted, &["priority"]).await.expect("repeated");
    let dollars = pb::PriceList { currency_code: "USD".to_owned(), ..updated.clone() };
    let late = pb::PriceList { priority: 6, ..list.clone() };
    let absent = pb::PriceList { price_list_id: PriceListId::new().to_string(), ..list.clone() };

    assert_eq!((updated.priority, updated.name.as_str(), updated.etag.as_str()), (5, "Retail", "2"));
    assert_eq!(reason(update(&mut desk, dollars, &["currency_code"]).await), "IMMUTABLE");
    assert_eq!(reason(update(&mut desk, late, &["priority"]).await), "ETAG_MISMATCH");
    assert_eq!(reason(update(&mut desk, absent, &["priority"]).await), "PRICE_LIST_NOT_FOUND");
    assert_eq!(desk.events::<pb::PriceListChanged>().await.len(), 2);
    assert_eq!(
        desk.audit(&list.price_list_id).await,
        ["catalog.create_price_list", "catalog.update_price_list"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_is_told() {
    let mut desk = Desk::open().await;
    let noon = prost_types::Timestamp { seconds: 1_800_000_000, nanos: 0 };
    let list = pb::PriceList {
        name: String::new(),
        currency_code: "RUR".to_owned(),
        valid_from_time: Some(noon),
        valid_until_time: Some(noon),
        channels: vec![String::new()],
        ..Default::default()
    };
    let request = pb::CreatePriceListRequest { price_list: Some(list), idempotency_key: key() };

    let refusal = refusal(desk.catalog.create_price_list(request).await);

    let expected = [
        "price_list.name",
        "price_list.currency_code",
        "price_list.valid_until_time",
        "price_list.channels[0]",
    ];
    assert_eq!(refusal.fields, expected);
}
