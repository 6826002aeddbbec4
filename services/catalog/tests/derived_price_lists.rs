//! Rounding, and lists that are calculated from others.

use chrono::TimeDelta;
use proto::catalog::v1 as pb;
use testing::refusal;
use types::PriceListId;

use crate::desk::{Answer, Desk, key, mask, money, price, product, reason, rubles};

fn rounding(step: &str, ending: &str) -> Option<pb::PriceRounding> {
    Some(pb::PriceRounding { step: Some(money(step, "RUB")), ending: Some(money(ending, "RUB")) })
}

fn derived(base: &pb::PriceList, percent: &str) -> pb::PriceList {
    pb::PriceList {
        base_price_list_id: base.price_list_id.clone(),
        percent: percent.to_owned(),
        priority: 10,
        ..rubles("Derived")
    }
}

async fn try_list(desk: &mut Desk, list: pb::PriceList) -> Answer<pb::PriceList> {
    let request = pb::CreatePriceListRequest { price_list: Some(list), idempotency_key: key() };
    desk.catalog.create_price_list(request).await
}

async fn update(desk: &mut Desk, list: pb::PriceList, paths: &[&str]) -> Answer<pb::PriceList> {
    let request = pb::UpdatePriceListRequest { price_list: Some(list), update_mask: Some(mask(paths)) };
    desk.catalog.update_price_list(request).await
}

/// What is told of a price, everywhere it is told: amount, old amount, list, base list.
async fn told(desk: &mut Desk, channel: &str) -> (String, Option<String>, String, String) {
    let request = pb::GetEffectivePriceRequest {
        sku: "CUP".to_owned(),
        currency_code: "RUB".to_owned(),
        channel: channel.to_owned(),
        ..Default::default()
    };
    let price = desk.catalog.get_effective_price(request).await.expect("a price").into_inner();
    let quote = desk.quote(channel, &[("CUP", 1)]).await.expect("a quote").into_inner();
    let search = pb::SearchVariantsRequest { channel: channel.to_owned(), ..Default::default() };
    let found = desk.search(search).await.expect("a page").into_inner().matches.remove(0);
    let found = found.price.expect("a price");
    assert_eq!(quote.items[0].unit_price, price.amount);
    assert_eq!(
        (&found.amount, &found.old_amount, &found.price_list_id),
        (&price.amount, &price.old_amount, &price.price_list_id)
    );
    let amount = |money: proto::r#type::v1::Money| money.amount;
    (
        price.amount.map(amount).unwrap_or_default(),
        price.old_amount.map(amount),
        price.price_list_id,
        price.base_price_list_id,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_are_rounded_as_their_list_has_it() {
    let mut desk = Desk::open().await;
    desk.add(product("Cup", &["CUP"])).await;
    let list = desk.price_list(pb::PriceList { rounding: rounding("10", "9.99"), ..rubles("Retail") }).await;
    assert_eq!(list.rounding, rounding("10.00", "9.99"));

    desk.set_price(&list, "CUP", "1237.40").await;
    assert_eq!(told(&mut desk, "").await.0, "1239.99");
    // What was rounded is not rounded again, and the same wish is no change.
    for same in ["1239.99", "1237.40", "1236"] {
        assert_eq!(desk.set_price(&list, "CUP", same).await.changed_count, 0, "{same}");
    }
    assert_eq!(desk.events::<pb::PriceChanged>().await.len(), 1);
    let none = pb::PriceList { rounding: None, ..list };
    let none = update(&mut desk, none, &["rounding"]).await.expect("updated").into_inner();
    desk.set_price(&none, "CUP", "1237.40").await;
    assert_eq!(told(&mut desk, "").await.0, "1237.40");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_derived_list_follows_its_base_until_it_has_a_price_of_its_own() {
    let mut desk = Desk::open().await;
    desk.add(product("Cup", &["CUP"])).await;
    let base = desk.price_list(rubles("Purchase")).await;
    let site = pb::PriceList {
        channels: vec!["site".to_owned()],
        rounding: rounding("1", "0.99"),
        ..derived(&base, "130")
    };
    let site = desk.price_list(site).await;
    let (base_id, site_id) = (base.price_list_id.clone(), site.price_list_id.clone());
    let now = desk.world.clock.now();
    let hour = TimeDelta::hours(1);

    desk.set_price(&base, "CUP", "100").await;
    assert_eq!(told(&mut desk, "").await, ("100.00".into(), None, base_id.clone(), String::new()));
    // 130.00, and the nearest .99 is 129.99.
    assert_eq!(told(&mut desk, "site").await, ("129.99".into(), None, site_id.clone(), base_id.clone()));
    assert_eq!(desk.events::<pb::PriceChanged>().await.len(), 1);

    let reduced = pb::Price {
        promo: Some(pb::PromoPrice {
            amount: Some(money("80", "RUB")),
            from_time: Some(rpc::wire::time(now - hour)),
            until_time: Some(rpc::wire::time(now + hour)),
        }),
        ..price("CUP", "100", "RUB")
    };
    desk.try_set_prices(&base, vec![reduced]).await.expect("set");
    let expected = ("103.99".to_owned(), Some("129.99".to_owned()), site_id.clone(), base_id.clone());
    assert_eq!(told(&mut desk, "site").await, expected);

    let half =
        update(&mut desk, pb::PriceList { percent: "50".to_owned(), ..site.clone() }, &["percent"]).await;
    assert_eq!(told(&mut desk, "site").await.0, "39.99");
    desk.set_price(&site, "CUP", "77").await;
    assert_eq!(told(&mut desk, "site").await, ("76.99".into(), None, site_id, String::new()));
    let alone = pb::PriceList {
        base_price_list_id: String::new(),
        percent: String::new(),
        ..half.expect("updated").into_inner()
    };
    let alone =
        update(&mut desk, alone, &["base_price_list_id", "percent"]).await.expect("updated").into_inner();
    assert_eq!((alone.base_price_list_id, alone.percent), (String::new(), String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_derive_from_lists_that_stand_alone() {
    let mut desk = Desk::open().await;
    let base = desk.price_list(rubles("Base")).await;
    let second = desk.price_list(derived(&base, "110")).await;
    let dollars =
        desk.price_list(pb::PriceList { currency_code: "USD".to_owned(), ..rubles("Dollars") }).await;
    let absent = pb::PriceList { price_list_id: PriceListId::new().to_string(), ..rubles("Absent") };

    assert_eq!(reason(try_list(&mut desk, derived(&second, "110")).await), "DERIVED");
    assert_eq!(reason(try_list(&mut desk, derived(&dollars, "110")).await), "CURRENCY_MISMATCH");
    assert_eq!(reason(try_list(&mut desk, derived(&absent, "110")).await), "PRICE_LIST_NOT_FOUND");
    let third = desk.price_list(rubles("Third")).await;
    let itself = pb::PriceList {
        percent: "110".to_owned(),
        base_price_list_id: base.price_list_id.clone(),
        ..base.clone()
    };
    let circle = pb::PriceList { base_price_list_id: third.price_list_id.clone(), ..itself.clone() };
    for wanted in [itself, circle] {
        assert_eq!(reason(update(&mut desk, wanted, &["base_price_list_id", "percent"]).await), "DERIVED");
    }
    for percent in ["", "0", "-1", "1000.01", "1.234", "ten"] {
        assert_eq!(
            refusal(try_list(&mut desk, derived(&base, percent)).await).fields,
            ["price_list.percent"]
        );
    }
    let lonely = pb::PriceList { percent: "110".to_owned(), ..rubles("Lonely") };
    assert_eq!(refusal(try_list(&mut desk, lonely).await).fields, ["price_list.base_price_list_id"]);
    for (step, ending, wrong) in [
        ("0", "0", "price_list.rounding.step.amount"),
        ("1", "1", "price_list.rounding.ending.amount"),
        ("1", "-0.01", "price_list.rounding.ending.amount"),
    ] {
        let list = pb::PriceList { rounding: rounding(step, ending), ..rubles("Odd") };
        assert_eq!(refusal(try_list(&mut desk, list).await).fields[0], wrong, "{step} {ending}");
    }

    // Two lists that would derive from each other at the same moment: one of them is refused.
    for _ in 0..6 {
        let (one, other) = (desk.price_list(rubles("One")).await, desk.price_list(rubles("Other")).await);
        let follow = |list: &pb::PriceList, base: &pb::PriceList| pb::UpdatePriceListRequest {
            price_list: Some(pb::PriceList {
                base_price_list_id: base.price_list_id.clone(),
                percent: "90".to_owned(),
                ..list.clone()
            }),
            update_mask: Some(mask(&["base_price_list_id", "percent"])),
        };
        let (mut first, mut second) = (desk.catalog.clone(), desk.catalog.clone());
        let (left, right) = tokio::join!(
            first.update_price_list(follow(&one, &other)),
            second.update_price_list(follow(&other, &one))
        );
        assert!(left.is_ok() != right.is_ok(), "{left:?} {right:?}");
    }
}

/// The answer of one price and the quote of many go by the same rules, told twice: in Rust and in SQL.
#[tokio::test(flavor = "multi_thread")]
async fn a_quote_and_the_explained_price_agree_whatever_the_lists_say() {
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::TestRunner;

    let mut desk = Desk::open().await;
    let now = desk.world.clock.now();
    let shape = (
        0..4_i32,
        -1..3_i64,
        -2..2_i64,
        0..3_usize,
        proptest::option::of(50..200_i32),
        1..10_000_i64,
        proptest::bool::ANY,
    );
    let mut runner = TestRunner::deterministic();
    for round in 0..30 {
        let sku = format!("S-{round}");
        desk.add(product("Cup", &[&sku])).await;
        let mut base: Option<pb::PriceList> = None;
        for _ in 0..5 {
            let (priority, until, from, channel, percent, amount, with_promo) =
                shape.new_tree(&mut runner).expect("a shape").current();
            let time = |hours: i64| Some(rpc::wire::time(now + TimeDelta::hours(hours)));
            let channels = [vec![], vec!["site".to_owned()], vec!["phone".to_owned()]][channel].clone();
            let mut wanted = pb::PriceList {
                priority,
                channels,
                valid_from_time: time(from),
                valid_until_time: if until > from { time(until) } else { None },
                ..rubles("L")
            };
            if let (Some(base), Some(percent)) = (&base, percent) {
                wanted.base_price_list_id = base.price_list_id.clone();
                wanted.percent = format!("{percent}.5");
                wanted.rounding = rounding("1", "0.49");
            }
            let list = desk.price_list(wanted).await;
            if list.base_price_list_id.is_empty() || with_promo {
                let promo = with_promo.then(|| pb::PromoPrice {
                    amount: Some(money("0.77", "RUB")),
                    from_time: time(from),
                    until_time: time(from + 2),
                });
                let amount = format!("{}.{:02}", amount / 100, amount % 100);
                desk.try_set_prices(&list, vec![pb::Price { promo, ..price(&sku, &amount, "RUB") }])
                    .await
                    .expect("set");
            }
            if list.base_price_list_id.is_empty() {
                base = Some(list);
            }
        }
        for channel in ["", "site", "phone"] {
            let request = pb::GetEffectivePriceRequest {
                sku: sku.clone(),
                currency_code: "RUB".to_owned(),
                channel: channel.to_owned(),
                ..Default::default()
            };
            let explained =
                desk.catalog.get_effective_price(request).await.ok().map(|answer| answer.into_inner());
            let quote = desk.quote(channel, &[(&sku, 1)]).await.expect("a quote").into_inner();
            let search = pb::SearchVariantsRequest {
                text: sku.clone(),
                channel: channel.to_owned(),
                ..Default::default()
            };
            let found = desk.search(search).await.expect("a page").into_inner().matches.remove(0);
            let amount = explained.and_then(|price| price.amount);
            assert_eq!(quote.items[0].unit_price, amount, "{sku} {channel}");
            assert_eq!(found.price.and_then(|price| price.amount), amount, "{sku} {channel}");
        }
    }
}
