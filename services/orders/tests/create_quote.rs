//! Quotes: the order costs what was quoted, to the minor unit, until the quote expires.

use std::time::Duration;

use futures_util::future::join_all;
use proto::orders::v1 as pb;
use testing::refusal;
use tonic::Code;
use types::DeliveryMethodId;

use crate::neighbours::Failure;
use crate::shop::{Shop, courier, facts, line, uah};

fn to_courier() -> Option<pb::QuoteDestination> {
    let courier = courier();
    Some(pb::QuoteDestination {
        delivery_method_id: courier.delivery_method_id,
        address: courier.address,
        price: None,
    })
}

fn counter() -> String {
    DeliveryMethodId::derived(uuid::Uuid::nil(), 1).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_costs_what_was_quoted_though_prices_have_changed() {
    let shop = Shop::open().await;
    shop.promo_code("SPRING", |_| {}).await;
    let quote = shop
        .quoted(pb::CreateQuoteRequest {
            delivery: to_courier(),
            promo_code: "spring".to_owned(),
            ..shop.quote_of(&[("A-1", 2), ("B-1", 1)])
        })
        .await;
    {
        let mut them = shop.them.state();
        them.products.get_mut("A-1").unwrap().price = Some("999.00");
        them.products.remove("B-1");
        them.tariff = Some("77.00");
    }

    let order = shop
        .placed(pb::PlaceOrderRequest {
            quote_id: quote.quote_id.clone(),
            ..shop.parcel(&[("A-1", 2), ("B-1", 1)])
        })
        .await;

    // 230.50 less 10 percent, and the courier as he was quoted.
    assert_eq!((quote.goods_total.clone(), quote.discount_total.clone()), (uah("207.45"), uah("23.05")));
    assert_eq!((quote.delivery_total.clone(), quote.total.clone()), (uah("50.00"), uah("257.45")));
    assert_eq!((order.total, order.delivery_total), (quote.total.clone(), uah("50.00")));
    let totals = |totals: Vec<Option<proto::r#type::v1::Money>>| totals;
    assert_eq!(
        totals(order.lines.iter().map(|line| line.total.clone()).collect()),
        totals(quote.lines.iter().map(|line| line.total.clone()).collect())
    );
    assert_eq!((order.quote_id.as_str(), order.promo_code.as_str()), (quote.quote_id.as_str(), "SPRING"));
    assert_eq!(shop.them.calls("QuoteItems"), 1, "the catalog is asked for the quote only");
    let placed = shop.quote(&quote.quote_id).await;
    assert_eq!((placed.state(), placed.order_id), (pb::QuoteState::Placed, order.order_id));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_buyer_may_choose_among_all_ways_that_fit() {
    let shop = Shop::open().await;
    let anywhere = pb::QuoteDestination { address: courier().address, ..Default::default() };
    let request = pb::CreateQuoteRequest { delivery: Some(anywhere), ..shop.quote_of(&[("A-1", 1)]) };

    let quote = shop.quoted(request).await;

    let choices: Vec<_> =
        quote.delivery_choices.iter().map(|choice| (choice.name.as_str(), choice.total.clone())).collect();
    assert_eq!(choices, [("Courier", uah("150.00")), ("Counter", uah("100.00"))]);
    assert_eq!((quote.total, quote.delivery_total), (uah("100.00"), None));
    let mut request = shop.parcel(&[("A-1", 1)]);
    request.quote_id = quote.quote_id;
    request.delivery.as_mut().unwrap().delivery_method_id = counter();
    assert_eq!(shop.placed(request).await.total, uah("100.00"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_does_not_fit_cannot_be_quoted() {
    let shop = Shop::open().await;
    let mut request = pb::CreateQuoteRequest { delivery: to_courier(), ..shop.quote_of(&[("A-1", 1)]) };
    request.delivery.as_mut().unwrap().delivery_method_id = DeliveryMethodId::new().to_string();

    assert_eq!(refusal(shop.quotes().create_quote(request).await).reason, "DELIVERY_UNAVAILABLE");
    let unknown = shop.quotes().create_quote(shop.quote_of(&[("A-1", 1), ("NO-PRICE", 1)])).await;
    assert_eq!(refusal(unknown).reason, "NO_PRICE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_expires_with_the_minutes_of_its_shop() {
    let shop = Shop::open().await;
    shop.them.state().shops.get_mut(&shop.shop_id.to_string()).unwrap().quote_minutes = 10;
    let quote = shop.quoted(shop.quote_of(&[("A-1", 1)])).await;
    let request = |key: String| pb::PlaceOrderRequest {
        quote_id: quote.quote_id.clone(),
        idempotency_key: key,
        ..shop.cart(&[("A-1", 1)])
    };

    shop.world.clock.advance(Duration::from_secs(10 * 60));
    let late = refusal(shop.place(request("late".to_owned())).await);

    assert_eq!((late.code, late.reason.as_str()), (Code::FailedPrecondition, "QUOTE_EXPIRED"));
    assert_eq!(shop.count("SELECT count(*) FROM orders").await, 0, "nothing was recorded");
    assert_eq!(shop.quote(&quote.quote_id).await.state(), pb::QuoteState::Expired);
    // The key of the refused call is free.
    let fresh = shop.quoted(shop.quote_of(&[("A-1", 1)])).await;
    let again = pb::PlaceOrderRequest { quote_id: fresh.quote_id, ..request("late".to_owned()) };
    shop.placed(again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_becomes_one_order_whoever_asks_how_often() {
    let shop = Shop::open().await;
    let quote = shop.quoted(shop.quote_of(&[("A-1", 1)])).await;
    let request = |key: &str| pb::PlaceOrderRequest {
        quote_id: quote.quote_id.clone(),
        idempotency_key: key.to_owned(),
        ..shop.cart(&[("A-1", 1)])
    };

    // Two keys, each eight times, all at once.
    let keys: Vec<String> = (0..16).map(|at| format!("key-of-{}", at % 2)).collect();
    let answers = join_all(keys.iter().map(|key| shop.place(request(key)))).await;

    let placed: Vec<&str> =
        answers.iter().flatten().map(|receipt| receipt.get_ref().order_id.as_str()).collect();
    assert_eq!(placed.len(), 8, "one key has it, all its calls hear of it");
    assert!(placed.iter().all(|order_id| *order_id == placed[0]));
    for refused in answers.iter().filter(|answer| answer.is_err()) {
        assert_eq!(crate::shop::refusal(refused).reason, "QUOTE_USED");
        assert_eq!(facts(refused)["order_id"], placed[0]);
    }
    assert_eq!(shop.count("SELECT count(*) FROM orders").await, 1);
    shop.world.clock.advance(Duration::from_secs(3600));
    let winner = answers.iter().position(Result::is_ok).unwrap();
    let late = shop.place(request(&keys[winner])).await.expect("a repeat is answered, whatever the time");
    assert_eq!(late.get_ref().order_id, placed[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_content_is_not_what_was_quoted() {
    let shop = Shop::open().await;
    shop.promo_code("SPRING", |_| {}).await;
    let quote =
        shop.quoted(pb::CreateQuoteRequest { delivery: to_courier(), ..shop.quote_of(&[("A-1", 2)]) }).await;
    let quoted = || pb::PlaceOrderRequest { quote_id: quote.quote_id.clone(), ..shop.parcel(&[("A-1", 2)]) };
    let mut elsewhere = quoted();
    elsewhere.delivery.as_mut().unwrap().address.as_mut().unwrap().city = "Львів".to_owned();
    let mut by_counter = quoted();
    by_counter.delivery.as_mut().unwrap().delivery_method_id = counter();
    let others = [
        ("lines", pb::PlaceOrderRequest { lines: vec![line("A-1", 3)], ..quoted() }),
        ("lines", pb::PlaceOrderRequest { lines: vec![line("B-1", 2)], ..quoted() }),
        ("source_id", pb::PlaceOrderRequest { source_id: shop.marketplace.to_string(), ..quoted() }),
        ("payment_method", pb::PlaceOrderRequest { payment_method: "bank_transfer".to_owned(), ..quoted() }),
        ("delivery.delivery_method_id", pb::PlaceOrderRequest { delivery: None, ..quoted() }),
        ("delivery.delivery_method_id", by_counter),
        ("delivery.address", elsewhere),
        ("promo_code", pb::PlaceOrderRequest { promo_code: "SPRING".to_owned(), ..quoted() }),
    ];

    for (field, other) in others {
        let answer = shop.place(other).await;
        let refused = crate::shop::refusal(&answer);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "QUOTE_MISMATCH"));
        assert_eq!(facts(&answer)["field"], field);
    }
    let dearer = pb::PlaceOrderRequest { expected_total: uah("1.00"), ..quoted() };
    assert_eq!(refusal(shop.place(dearer).await).reason, "PRICE_CHANGED");
    // The courier may learn the street later.
    let mut precise = quoted();
    let address = precise.delivery.as_mut().unwrap().address.as_mut().unwrap();
    (address.line, address.comment) = ("Хрещатик 22".to_owned(), "the second door".to_owned());
    assert_eq!(shop.placed(precise).await.total, quote.total);
}

#[tokio::test(flavor = "multi_thread")]
async fn held_units_are_nobody_elses_and_change_hands_without_a_gap() {
    let shop = Shop::open().await;
    let quote =
        shop.quoted(pb::CreateQuoteRequest { hold_stock: true, ..shop.quote_of(&[("B-1", 5)]) }).await;

    let other = refusal(shop.place(shop.cart(&[("B-1", 1)])).await);
    let request = pb::PlaceOrderRequest { quote_id: quote.quote_id.clone(), ..shop.cart(&[("B-1", 5)]) };
    let order = shop.placed(request).await;

    assert_eq!(other.reason, "OUT_OF_STOCK");
    assert_eq!((order.reservation_id, order.lines[0].reserved), (quote.hold_reservation_id, 5));
    assert_eq!(shop.them.state().stock["B-1"], 0);
    shop.world.clock.advance(Duration::from_secs(3600));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(shop.them.state().stock["B-1"], 0, "what an order has is not given back with its quote");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_quote_gives_back_its_units_and_its_code() {
    let shop = Shop::open().await;
    let code = shop.promo_code("ONCE", |code| code.uses_max = 1).await;
    let request = pb::CreateQuoteRequest {
        hold_stock: true,
        promo_code: "once".to_owned(),
        ..shop.quote_of(&[("B-1", 5)])
    };
    let quote = shop.quoted(request).await;
    assert_eq!(shop.uses(&code.promo_code_id).await, 1, "the price includes the code, so the quote holds it");
    let second = pb::PlaceOrderRequest { promo_code: "ONCE".to_owned(), ..shop.cart(&[("A-1", 1)]) };
    assert_eq!(refusal(shop.place(second).await).reason, "PROMO_CODE_EXHAUSTED");

    shop.world.clock.advance(Duration::from_secs(30 * 60));

    testing::eventually("the job gives back", async || {
        let free = shop.them.state().stock["B-1"] == 5;
        (free && shop.uses(&code.promo_code_id).await == 0).then_some(())
    })
    .await;
    assert_eq!(shop.quote(&quote.quote_id).await.state(), pb::QuoteState::Expired);
    assert!(shop.them.held().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_order_gives_back_what_its_quote_held() {
    let shop = Shop::open().await;
    let code = shop.promo_code("SPRING", |_| {}).await;
    let request = pb::CreateQuoteRequest {
        hold_stock: true,
        promo_code: "SPRING".to_owned(),
        delivery: to_courier(),
        ..shop.quote_of(&[("B-1", 5)])
    };
    let quote = shop.quoted(request).await;
    shop.them.fail("PlanDelivery", [Failure::Refuse("NO_TARIFF_FITS")]);

    let answer =
        shop.place(pb::PlaceOrderRequest { quote_id: quote.quote_id, ..shop.parcel(&[("B-1", 5)]) }).await;

    assert_eq!(crate::shop::refusal(&answer).reason, "NO_TARIFF_FITS");
    assert!(shop.them.held().is_empty());
    assert_eq!(shop.them.state().stock["B-1"], 5);
    assert_eq!(shop.uses(&code.promo_code_id).await, 0);
    assert_eq!(shop.order(&facts(&answer)["order_id"]).await.promo_code, "SPRING");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_is_refused_leaves_nothing_and_a_free_key() {
    let shop = Shop::open().await;
    let request = pb::CreateQuoteRequest { hold_stock: true, ..shop.quote_of(&[("B-1", 6)]) };

    let answer = shop.quotes().create_quote(request.clone()).await;
    shop.them.state().stock.insert("B-1".to_owned(), 6);
    let quote = shop.quoted(request).await;

    assert_eq!(facts(&answer)["B-1"], "6/5");
    assert_eq!((quote.state(), shop.them.state().stock["B-1"]), (pb::QuoteState::Open, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_nobody_comes_back_to_is_given_back() {
    let shop = Shop::open().await;
    let request = pb::CreateQuoteRequest { hold_stock: true, ..shop.quote_of(&[("B-1", 5)]) };
    shop.them.fail("ReserveStock", [Failure::HangAfter]);
    let mut quotes = shop.quotes();
    let call = quotes.create_quote(request.clone());
    tokio::time::timeout(Duration::from_secs(1), call).await.expect_err("the caller has hung up");
    assert_eq!(shop.them.state().stock["B-1"], 0);

    shop.world.clock.advance(Duration::from_secs(61));

    testing::eventually("the job gives back", async || (shop.them.state().stock["B-1"] == 5).then_some(()))
        .await;
    let quote = testing::eventually("the key is free", async || {
        let mut quotes = shop.quotes();
        quotes.create_quote(request.clone()).await.ok()
    })
    .await;
    assert_eq!(quote.get_ref().state(), pb::QuoteState::Open);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_call_gets_the_same_quote_and_strangers_none() {
    let shop = Shop::open().await;
    let request = shop.quote_of(&[("A-1", 1)]);
    let first = shop.quoted(request.clone()).await;
    shop.them.state().products.get_mut("A-1").unwrap().price = Some("1.00");

    let again = shop.quoted(request.clone()).await;
    let other = pb::CreateQuoteRequest { lines: vec![line("B-1", 1)], ..request };
    let reused = refusal(shop.quotes().create_quote(other).await);

    assert_eq!(again, first);
    assert_eq!(reused.reason, "IDEMPOTENCY_KEY_REUSED");
    let (foreign, foreign_source) = shop.add_shop();
    let mut theirs = pb::PlaceOrderRequest { quote_id: first.quote_id.clone(), ..shop.cart(&[("A-1", 1)]) };
    (theirs.shop_id, theirs.source_id) = (foreign.to_string(), foreign_source.to_string());
    assert_eq!(refusal(shop.place(theirs).await).reason, "QUOTE_NOT_FOUND");
    let client = shop.world.channel_as("orders", testing::World::partner(&[foreign], &["orders.read"]));
    let mut client = proto::orders::v1::quote_service_client::QuoteServiceClient::new(client);
    let request = pb::GetQuoteRequest { quote_id: first.quote_id };
    assert_eq!(refusal(client.get_quote(request).await).reason, "QUOTE_NOT_FOUND");
    assert_eq!(shop.count("SELECT count(*) FROM audit_log WHERE action = 'orders.create_quote'").await, 1);
}
