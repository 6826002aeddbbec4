//! Which price counts.

use std::time::Duration;

use chrono::{DateTime, Utc};
use proto::catalog::v1 as pb;
use types::Clock;

use crate::desk::{Answer, Desk, product, reason, rubles};

async fn ask(
    desk: &mut Desk,
    sku: &str,
    channel: &str,
    at: Option<DateTime<Utc>>,
) -> Answer<pb::EffectivePrice> {
    let request = pb::GetEffectivePriceRequest {
        sku: sku.to_owned(),
        at_time: at.map(rpc::wire::time),
        channel: channel.to_owned(),
        currency_code: "RUB".to_owned(),
    };
    desk.catalog.get_effective_price(request).await
}

async fn amount(desk: &mut Desk, channel: &str, at: Option<DateTime<Utc>>) -> String {
    let price = ask(desk, "CUP", channel, at).await.expect("a price").into_inner();
    price.amount.expect("an amount").amount
}

#[tokio::test(flavor = "multi_thread")]
async fn the_highest_priority_wins_then_the_lower_id() {
    let mut desk = Desk::open().await;
    desk.add(product("Cup", &["CUP"])).await;
    let low = desk.price_list(rubles("Low")).await;
    let first = desk.price_list(pb::PriceList { priority: 5, ..rubles("First") }).await;
    let second = desk.price_list(pb::PriceList { priority: 5, ..rubles("Second") }).await;
    let dollars = pb::PriceList { priority: 9, currency_code: "USD".to_owned(), ..rubles("Dollars") };
    let dollars = desk.price_list(dollars).await;
    desk.set_price(&dollars, "CUP", "9").await;

    desk.set_price(&low, "CUP", "1").await;
    assert_eq!(amount(&mut desk, "", None).await, "1.00");
    desk.set_price(&second, "CUP", "3").await;
    assert_eq!(amount(&mut desk, "", None).await, "3.00");
    desk.set_price(&first, "CUP", "2").await;
    let price = ask(&mut desk, "CUP", "", None).await.expect("a price").into_inner();
    assert_eq!(price.price_list_id, first.price_list_id.clone().min(second.price_list_id));
    assert_eq!(price.amount.expect("an amount").amount, "2.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_includes_its_beginning_and_excludes_its_end() {
    let mut desk = Desk::open().await;
    desk.add(product("Cup", &["CUP"])).await;
    let always = desk.price_list(rubles("Always")).await;
    let begin = desk.world.clock.now() + Duration::from_secs(3600);
    let end = begin + Duration::from_secs(3600);
    let sale = pb::PriceList {
        priority: 1,
        valid_from_time: Some(rpc::wire::time(begin)),
        valid_until_time: Some(rpc::wire::time(end)),
        ..rubles("Sale")
    };
    let sale = desk.price_list(sale).await;
    desk.set_price(&always, "CUP", "10").await;
    desk.set_price(&sale, "CUP", "7").await;
    let tick = Duration::from_micros(1);

    for (at, expected) in [(begin - tick, "10.00"), (begin, "7.00"), (end - tick, "7.00"), (end, "10.00")] {
        assert_eq!(amount(&mut desk, "", Some(at)).await, expected, "{at}");
    }
    // The same by the clock, which is what a quote goes by.
    let clock: Clock = desk.world.clock.clone();
    let quoted = async |desk: &mut Desk| {
        let quote = desk.quote("", &[("CUP", 1)]).await.expect("a quote").into_inner();
        quote.items[0].unit_price.clone().expect("a price").amount
    };
    assert_eq!(
        (amount(&mut desk, "", None).await.as_str(), quoted(&mut desk).await.as_str()),
        ("10.00", "10.00")
    );
    clock.advance(Duration::from_secs(3600));
    assert_eq!(
        (amount(&mut desk, "", None).await.as_str(), quoted(&mut desk).await.as_str()),
        ("7.00", "7.00")
    );
    clock.advance(Duration::from_secs(3600));
    assert_eq!(
        (amount(&mut desk, "", None).await.as_str(), quoted(&mut desk).await.as_str()),
        ("10.00", "10.00")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_counts_in_its_channels_only() {
    let mut desk = Desk::open().await;
    desk.add(product("Cup", &["CUP"])).await;
    let everywhere = desk.price_list(rubles("Everywhere")).await;
    let site = pb::PriceList { priority: 1, channels: vec!["site".to_owned()], ..rubles("Site") };
    let site = desk.price_list(site).await;
    desk.set_price(&everywhere, "CUP", "10").await;
    desk.set_price(&site, "CUP", "9").await;

    assert_eq!(amount(&mut desk, "site", None).await, "9.00");
    assert_eq!(amount(&mut desk, "phone", None).await, "10.00");
    assert_eq!(amount(&mut desk, "", None).await, "10.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_price_and_no_variant_are_different_answers() {
    let mut desk = Desk::open().await;
    desk.add(product("Cup", &["CUP"])).await;

    assert_eq!(reason(ask(&mut desk, "CUP", "", None).await), "PRICE_NOT_FOUND");
    assert_eq!(reason(ask(&mut desk, "POT", "", None).await), "VARIANT_NOT_FOUND");
    assert_eq!(reason(ask(&mut desk, " ", "", None).await), "MALFORMED");
}
