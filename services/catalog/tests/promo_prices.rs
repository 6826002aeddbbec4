//! Prices for a while.

use std::time::Duration;

use chrono::{DateTime, Utc};
use proto::catalog::v1 as pb;
use testing::refusal;

use crate::desk::{Desk, money, price, product, rubles};
use crate::feeds::{Import, feed, offer};

fn promo(amount: &str, from: DateTime<Utc>, until: DateTime<Utc>) -> Option<pb::PromoPrice> {
    Some(pb::PromoPrice {
        amount: Some(money(amount, "RUB")),
        from_time: Some(rpc::wire::time(from)),
        until_time: Some(rpc::wire::time(until)),
    })
}

async fn effective(desk: &mut Desk, at: Option<DateTime<Utc>>) -> pb::EffectivePrice {
    let request = pb::GetEffectivePriceRequest {
        sku: "CUP".to_owned(),
        at_time: at.map(rpc::wire::time),
        currency_code: "RUB".to_owned(),
        ..Default::default()
    };
    desk.catalog.get_effective_price(request).await.expect("a price").into_inner()
}

async fn quoted(desk: &mut Desk) -> String {
    let quote = desk.quote("", &[("CUP", 1)]).await.expect("a quote").into_inner();
    quote.items[0].unit_price.clone().expect("a price").amount
}

fn shown(price: &pb::EffectivePrice) -> (&str, Option<&str>, pb::PriceBasis) {
    let old = price.old_amount.as_ref().map(|old| old.amount.as_str());
    (price.amount.as_ref().map_or("", |amount| amount.amount.as_str()), old, price.basis())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promo_counts_from_its_first_moment_to_before_its_last() {
    let mut desk = Desk::open().await;
    desk.add(product("Cup", &["CUP"])).await;
    let list = desk.price_list(rubles("Retail")).await;
    let (hour, tick) = (Duration::from_secs(3600), Duration::from_micros(1));
    let from = desk.world.clock.now() + hour;
    let until = from + hour;
    let old_amount = Some(money("12", "RUB"));
    let wanted = pb::Price { old_amount, promo: promo("7", from, until), ..price("CUP", "10", "RUB") };
    desk.try_set_prices(&list, vec![wanted.clone()]).await.expect("set");

    let regular = ("10.00", Some("12.00"), pb::PriceBasis::Regular);
    let reduced = ("7.00", Some("10.00"), pb::PriceBasis::Promo);
    let from = from - Duration::from_nanos(u64::from(from.timestamp_subsec_nanos() % 1000));
    let until = until - Duration::from_nanos(u64::from(until.timestamp_subsec_nanos() % 1000));
    for (at, expected) in [(from - tick, regular), (from, reduced), (until - tick, reduced), (until, regular)]
    {
        assert_eq!(shown(&effective(&mut desk, Some(at)).await), expected, "{at}");
    }
    // The same by the clock, which is what a quote goes by.
    for expected in ["10.00", "7.00", "10.00"] {
        assert_eq!(shown(&effective(&mut desk, None).await).0, expected);
        assert_eq!(quoted(&mut desk).await, expected);
        desk.world.clock.advance(hour);
    }

    // The same price again writes nothing and tells nothing.
    let before = desk.traces().await;
    let same = desk.try_set_prices(&list, vec![wanted]).await.expect("set").into_inner();
    assert_eq!((same.changed_count, same.unchanged_count), (0, 1));
    assert_eq!(desk.traces().await, before);
    let told = desk.events::<pb::PriceChanged>().await;
    assert_eq!((told.len(), told[0].1), (1, 1));
    // A price that is set without a promo has none.
    desk.set_price(&list, "CUP", "10").await;
    let told = desk.events::<pb::PriceChanged>().await.pop().expect("an event");
    assert_eq!((told.1, told.2.price.expect("a price").promo), (2, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_says_why() {
    let mut desk = Desk::open().await;
    desk.add(product("Cup", &["CUP"])).await;
    let now = desk.world.clock.now();
    let hour = chrono::TimeDelta::hours(1);
    let lists = [
        pb::PriceList { priority: 1, ..rubles("Everyday") },
        pb::PriceList { priority: 2, ..rubles("Summer") },
        pb::PriceList { priority: 3, channels: vec!["bazaar".to_owned()], ..rubles("Bazaar") },
        pb::PriceList {
            priority: 4,
            valid_from_time: Some(rpc::wire::time(now + hour)),
            ..rubles("Tomorrow")
        },
        pb::PriceList {
            priority: 5,
            valid_until_time: Some(rpc::wire::time(now - hour)),
            ..rubles("Yesterday")
        },
    ];
    for (at, list) in lists.into_iter().enumerate() {
        let list = desk.price_list(list).await;
        desk.set_price(&list, "CUP", &format!("{}", at + 1)).await;
    }

    let price = effective(&mut desk, None).await;

    let why: Vec<_> = price
        .considered
        .iter()
        .map(|one| {
            (
                one.price_list_name.as_str(),
                one.priority,
                one.amount.clone().expect("one").amount,
                one.verdict(),
            )
        })
        .collect();
    let told = |name, priority, amount: &str, verdict| (name, priority, amount.to_owned(), verdict);
    let expected = [
        told("Yesterday", 5, "5.00", pb::PriceVerdict::TooLate),
        told("Tomorrow", 4, "4.00", pb::PriceVerdict::TooEarly),
        told("Bazaar", 3, "3.00", pb::PriceVerdict::OtherChannel),
        told("Summer", 2, "2.00", pb::PriceVerdict::Counts),
        told("Everyday", 1, "1.00", pb::PriceVerdict::Outranked),
    ];
    assert_eq!(why, expected);
    assert_eq!((shown(&price).0, quoted(&mut desk).await.as_str()), ("2.00", "2.00"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_leaves_promos_alone() {
    let mut desk = Desk::open().await;
    let source = types::SourceId::new();
    let list = desk.price_list(rubles("Retail")).await;
    let import =
        |amount: &str, more: &str| Import::of(feed("", &offer("CUP", amount, more)), source).into_list(&list);
    desk.import(import("10", "")).await;
    let now = desk.world.clock.now();
    let hour = chrono::TimeDelta::hours(1);
    let reduced = pb::Price { promo: promo("7", now - hour, now + hour), ..price("CUP", "10", "RUB") };
    desk.try_set_prices(&list, vec![reduced]).await.expect("set");

    let before = desk.traces().await;
    // The shop got the price from here and sends it back.
    let echo = desk.import(import("7", "<oldprice>10</oldprice>")).await;
    desk.import(import("10", "")).await;
    assert_eq!((echo.last.price_changed_count, desk.traces().await), (0, before));

    let dearer = desk.import(import("11", "")).await;
    assert_eq!(dearer.last.price_changed_count, 1);
    assert_eq!(shown(&effective(&mut desk, None).await), ("7.00", Some("11.00"), pb::PriceBasis::Promo));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_is_told() {
    let mut desk = Desk::open().await;
    desk.add(product("Cup", &["CUP", "POT", "JAR"])).await;
    let list = desk.price_list(rubles("Retail")).await;
    let now = desk.world.clock.now();
    let no_end = pb::PromoPrice { until_time: None, ..promo("1", now, now).expect("one") };
    let dollars = pb::PromoPrice {
        amount: Some(money("1", "USD")),
        ..promo("1", now, now + chrono::TimeDelta::hours(1)).expect("one")
    };

    let refused = refusal(
        desk.try_set_prices(
            &list,
            vec![
                pb::Price { promo: promo("1", now, now), ..price("CUP", "2", "RUB") },
                pb::Price { promo: Some(no_end), ..price("POT", "2", "RUB") },
            ],
        )
        .await,
    );
    assert_eq!(refused.fields, ["prices[0].promo.until_time", "prices[1].promo.until_time"]);
    let other = pb::Price { promo: Some(dollars), ..price("JAR", "2", "RUB") };
    let refused = refusal(desk.try_set_prices(&list, vec![other]).await);
    assert_eq!(refused.fields, ["prices[0].promo.amount.currency_code"]);
}
