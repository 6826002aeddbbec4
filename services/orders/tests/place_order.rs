//! Placing orders when everybody answers.

use proto::orders::v1 as pb;
use proto::r#type::v1::Address;
use tonic::Code;
use types::{DeliveryMethodId, OrderId, PaymentId, ReservationId};

use crate::neighbours::Failure;
use crate::shop::{Shop, contact, courier, facts, line, refusal, uah};

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_held_and_the_prices_are_frozen() {
    let shop = Shop::open().await;

    let request =
        pb::PlaceOrderRequest { comment: "call first".to_owned(), ..shop.parcel(&[("A-1", 2), ("WRAP", 1)]) };
    let receipt = shop.place(request).await.unwrap().into_inner();

    assert_eq!(
        (receipt.state(), receipt.total.clone(), receipt.existing),
        (pb::OrderState::New, uah("265.00"), false)
    );
    assert_eq!(receipt.number, "A-1001");
    let order_id: OrderId = receipt.order_id.parse().unwrap();
    let order = shop.order(&receipt.order_id).await;
    assert_eq!((order.state(), order.status.as_str()), (pb::OrderState::New, "new"));
    assert_eq!(
        (order.goods_total.clone(), order.delivery_total.clone(), order.total.clone()),
        (uah("215.00"), uah("50.00"), uah("265.00"))
    );
    assert_eq!(order.payment_status(), pb::PaymentStatus::Unpaid);
    assert_eq!(order.fulfilment_status(), pb::FulfilmentStatus::Unfulfilled);
    assert_eq!((order.channel.as_str(), order.method()), ("site", pb::OrderMethod::Cart));
    assert_eq!(order.contact, Some(contact()));
    assert_eq!(order.comment, "call first");
    assert_eq!(order.reservation_id, ReservationId::derived(order_id.uuid(), 0).to_string());
    assert_eq!(order.payment_id, PaymentId::derived(order_id.uuid(), 0).to_string());
    assert!(!order.customer_id.is_empty() && !order.legal_entity_id.is_empty());
    let delivery = order.delivery.unwrap();
    assert_eq!((delivery.method_name.as_str(), delivery.address.unwrap().city.as_str()), ("Courier", "Київ"));
    let [goods, service] = order.lines.as_slice() else { panic!("two lines") };
    assert_eq!(
        (goods.name.as_str(), goods.kind.as_str(), goods.ordered, goods.reserved),
        ("Product A-1", "goods", 2, 2)
    );
    assert_eq!((service.kind.as_str(), service.ordered, service.reserved), ("service", 1, 0));
    assert_eq!((goods.unit_price.clone(), goods.total.clone()), (uah("100.00"), uah("200.00")));
    assert_eq!(goods.taxes[0].category, "standard");
    assert_eq!(shop.them.state().stock["A-1"], 8);
    assert_eq!(shop.them.held().len(), 3);
    assert_eq!(shop.events(&order.order_id).await, ["OrderPlaced"]);
    assert_eq!(shop.actions(&order.order_id).await, ["orders.place_order", "orders.settle_order"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_commits_and_no_personal_data_in_what_others_hear() {
    let shop = Shop::open().await;
    // Long enough that no id or time says it by accident.
    let typed = [
        "Канарейка Петренко-Коваль",
        "+38 (067) 123-45-67",
        "canary.petrenko@example.com",
        "Канарейковая область",
        "Канарейково",
        "canary-01001",
        "вулиця Канарейок 67",
        "код домофона 67-канарейка",
        "call the canary first",
    ];
    let [name, phone, email, region, city, postal_code, line, comment, wish] = typed.map(str::to_owned);
    let mut delivery = courier();
    let country_code = "UA".to_owned();
    let pickup_point_code = String::new();
    delivery.address =
        Some(Address { country_code, region, city, postal_code, line, pickup_point_code, comment });
    let contact = Some(pb::Contact { name, phone, email });
    let request = pb::PlaceOrderRequest { contact, comment: wish, ..shop.parcel(&[("A-1", 1)]) };

    let order = shop.placed(pb::PlaceOrderRequest { delivery: Some(delivery), ..request }).await;

    let client = shop.world.database("orders").client().await;
    let body: Vec<u8> = client.query_one("SELECT body FROM event_log", &[]).await.unwrap().get(0);
    let saga: Vec<u8> = client.query_one("SELECT input FROM sagas", &[]).await.unwrap().get(0);
    let text = async |sql: &str| -> String { client.query_one(sql, &[]).await.unwrap().get(0) };
    let audit = text("SELECT string_agg(changes::text, ' ') FROM audit_log").await;
    let kept = text("SELECT row_to_json(order_buyers)::text FROM order_buyers").await;
    let says = |told: &[u8], secret: &str| told.windows(secret.len()).any(|said| said == secret.as_bytes());
    for secret in typed {
        assert!(says(kept.as_bytes(), secret), "{secret} is not even kept: {kept}");
    }
    for secret in typed.into_iter().chain(["671234567", "123-45-67", "Петренко", "анарей", "canary"])
    {
        for told in [body.as_slice(), saga.as_slice(), audit.as_bytes()] {
            assert!(!says(told, secret), "{secret} was told");
        }
    }
    // Rows of one commit share their transaction's id: the record, and the settlement.
    let commits = shop.count("SELECT count(DISTINCT xmin::text) FROM audit_log").await;
    assert_eq!((commits, order.etag.as_str()), (2, "1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_one_shop_need_not_name_it() {
    let shop = Shop::open().await;
    let mut client = shop.partner(&[shop.shop_id], &["orders.write"]);

    let request = pb::PlaceOrderRequest { shop_id: String::new(), ..shop.cart(&[("A-1", 1)]) };
    let receipt = client.place_order(request.clone()).await.unwrap().into_inner();
    let named = pb::PlaceOrderRequest { shop_id: shop.shop_id.to_string(), ..request };

    assert_eq!(client.place_order(named).await.unwrap().into_inner(), receipt);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_services_holds_no_stock_and_one_for_nothing_no_payment() {
    let shop = Shop::open().await;

    let service = shop.placed(shop.cart(&[("WRAP", 2)])).await;
    let gift = shop.placed(shop.cart(&[("GIFT", 1)])).await;

    assert_eq!((service.reservation_id.as_str(), service.total), ("", uah("30.00")));
    assert_eq!((gift.payment_id.as_str(), gift.payment_status()), ("", pb::PaymentStatus::Paid));
    assert_eq!((shop.them.calls("ReserveStock"), shop.them.calls("OpenPayment")), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_may_speak_of_many_units() {
    let shop = Shop::open().await;

    let order = shop.placed(shop.cart(&[("G-1", 350)])).await;

    // 99.90 a kilogram, 350 grams: 34.965, rounded half up.
    assert_eq!((order.total, order.lines[0].price_quantity), (uah("34.97"), 1000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marketplace_fixes_prices_and_is_never_refused() {
    let shop = Shop::open().await;
    let mut unknown = line("ALIEN", 3);
    (unknown.unit_price, unknown.name) = (uah("7.00"), "A thing from elsewhere".to_owned());
    let mut sold = line("B-1", 8);
    sold.unit_price = uah("25.00");
    let mut request = shop.cart(&[]);
    request.source_id = shop.marketplace.to_string();
    request.lines = vec![sold, unknown];
    request.contact = None;
    request.delivery = Some(pb::NewDelivery { price: uah("1.50"), ..courier() });

    let order = shop.placed(request).await;

    assert_eq!((order.total.clone(), order.method()), (uah("222.50"), pb::OrderMethod::Marketplace));
    let [sold, unmatched] = order.lines.as_slice() else { panic!("two lines") };
    assert_eq!(
        (sold.reserved, sold.unit_price.clone(), sold.total.clone()),
        (5, uah("25.00"), uah("200.00"))
    );
    assert_eq!((unmatched.variant_id.as_str(), unmatched.name.as_str()), ("", "A thing from elsewhere"));
    let missing = pb::MissingItem { sku: "B-1".to_owned(), wanted: 8, available: 5 };
    assert_eq!(order.shortages, [missing]);
    assert_eq!(order.customer_id, "", "nobody to recognise, and nobody to look for");
    assert_eq!(shop.count("SELECT count(*) FROM orders WHERE customer_wanted").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_may_accept_shortages() {
    let shop = Shop::open().await;
    shop.accept_shortages();

    let order = shop.placed(shop.cart(&[("B-1", 4), ("B-1", 3)])).await;

    let reserved: Vec<i32> = order.lines.iter().map(|line| line.reserved).collect();
    assert_eq!(reserved, [4, 1], "the first line is served first");
    assert_eq!(order.shortages.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_shop_is_in_force_after_five_seconds() {
    let shop = Shop::open().await;
    shop.placed(shop.cart(&[("A-1", 1)])).await;
    shop.accept_shortages();

    let refused = testing::refusal(shop.place(shop.cart(&[("B-1", 6)])).await);
    shop.world.clock.advance(std::time::Duration::from_secs(6));
    shop.placed(shop.cart(&[("B-1", 6)])).await;

    assert_eq!(refused.reason, "OUT_OF_STOCK");
    assert_eq!(shop.them.calls("GetShop"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_come_in_while_access_is_down() {
    let shop = Shop::open().await;
    shop.placed(shop.cart(&[("A-1", 1)])).await;
    shop.world.clock.advance(std::time::Duration::from_secs(60));
    shop.them.fail("GetShop", [Failure::Unavailable]);
    shop.them.fail("GetChannelAccount", [Failure::Unavailable]);

    shop.placed(shop.cart(&[("A-1", 1)])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_prefixes_that_end_in_a_digit_do_not_meet() {
    let shop = Shop::open().await;
    shop.them.state().shops.get_mut(&shop.shop_id.to_string()).unwrap().number_prefix = "A1".to_owned();

    let receipt = shop.place(shop.cart(&[("A-1", 1)])).await.unwrap().into_inner();

    assert_eq!(receipt.number, "A1-1001");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_short_is_named() {
    let shop = Shop::open().await;

    let answer = shop.place(shop.parcel(&[("A-1", 11), ("B-1", 1)])).await;

    let refused = refusal(&answer);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Aborted, "OUT_OF_STOCK"));
    let facts = facts(&answer);
    assert_eq!(facts["A-1"], "11/10");
    assert_eq!(facts["number"], "A-1001");
    let order = shop.order(&facts["order_id"]).await;
    assert_eq!(order.state(), pb::OrderState::Rejected);
    let rejection = order.rejection.unwrap();
    assert_eq!(rejection.reason, "OUT_OF_STOCK");
    assert_eq!(
        rejection.missing_items,
        [pb::MissingItem { sku: "A-1".to_owned(), wanted: 11, available: 10 }]
    );
    assert!(shop.them.held().is_empty());
    assert_eq!(shop.events(&order.order_id).await, ["OrderRejected"]);
    assert_eq!(shop.actions(&order.order_id).await, ["orders.place_order", "orders.settle_order"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_that_cannot_be_agreed_on_reject_the_order() {
    let shop = Shop::open().await;
    let mut partner = shop.partner(&[shop.shop_id], &["orders.write"]);
    let changed = pb::PlaceOrderRequest { expected_total: uah("99.00"), ..shop.cart(&[("A-1", 1)]) };
    let changed_delivery =
        pb::PlaceOrderRequest { expected_total: uah("100.00"), ..shop.parcel(&[("A-1", 1)]) };

    let unknown = partner.place_order(shop.cart(&[("A-1", 1), ("ALIEN", 1)])).await;
    assert_eq!(refusal(&unknown).reason, "UNKNOWN_SKU");
    assert_eq!(facts(&unknown)["lines[1]"], "ALIEN");
    assert_eq!(testing::refusal(shop.place(shop.cart(&[("NO-PRICE", 1)])).await).reason, "NO_PRICE");
    assert_eq!(testing::refusal(shop.place(shop.cart(&[("ALIEN", 1)])).await).reason, "NO_PRICE");

    let answer = shop.place(changed).await;
    assert_eq!(refusal(&answer).reason, "PRICE_CHANGED");
    let told = facts(&answer);
    assert_eq!((told["expected"].as_str(), told["actual"].as_str()), ("99.00 UAH", "100.00 UAH"));
    assert_eq!(shop.them.calls("ReserveStock"), 0, "refused before anything is held");
    let told = facts(&shop.place(changed_delivery).await);
    assert_eq!((told["expected"].as_str(), told["actual"].as_str()), ("100.00 UAH", "150.00 UAH"));
    assert!(shop.them.held().is_empty());

    let agreed = pb::PlaceOrderRequest { expected_total: uah("150.00"), ..shop.parcel(&[("A-1", 1)]) };
    shop.placed(agreed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_total_beyond_counting_rejects_the_order() {
    let shop = Shop::open().await;
    shop.them.state().products.get_mut("WRAP").unwrap().price = Some("90000000.00");

    let answer = shop.place(shop.cart(&[("WRAP", 1_000_000)])).await;

    assert_eq!(testing::refusal(answer).reason, "TOTAL_TOO_LARGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_that_is_refused_rejects_the_order_with_its_reason() {
    let shop = Shop::open().await;
    shop.them.fail("PlanDelivery", [Failure::Refuse("NO_TARIFF_FITS")]);
    let mut request = shop.parcel(&[("A-1", 1)]);
    request.delivery.as_mut().unwrap().delivery_method_id = DeliveryMethodId::new().to_string();

    let answer = shop.place(request).await;

    assert_eq!(testing::refusal(answer).reason, "NO_TARIFF_FITS");
    assert!(shop.them.held().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_beside_a_service_are_held_and_the_service_is_not() {
    let shop = Shop::open().await;

    let order = shop.placed(shop.cart(&[("A-1", 2), ("WRAP", 1)])).await;

    let seen: Vec<_> =
        order.lines.iter().map(|line| (line.kind.as_str(), line.ordered, line.reserved)).collect();
    assert_eq!(seen, [("goods", 2, 2), ("service", 1, 0)]);
    assert_eq!((order.total.clone(), order.shortages.len()), (uah("215.00"), 0));
    let state = shop.them.state();
    assert_eq!(state.reservations.len(), 1);
    let held = &state.reservations[&order.reservation_id].wanted;
    assert_eq!(
        held.iter().collect::<Vec<_>>(),
        [(&"A-1".to_owned(), &2)],
        "nobody is asked to hold a wrapping"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_its_source_an_order_is_held_or_shows_what_it_lacks() {
    let shop = Shop::open().await;
    let (mut accepted, mut held) = (0, 0);
    // Ten of A-1 and five of B-1 are there.
    for at in 0..12 {
        let source_id = if at % 2 == 0 { shop.site } else { shop.marketplace };
        let cart = shop.cart(&[("A-1", 1 + at % 3), ("B-1", 1), ("WRAP", 1)]);
        let placed = shop.place(pb::PlaceOrderRequest { source_id: source_id.to_string(), ..cart }).await;
        let Ok(receipt) = placed else {
            assert_eq!(refusal(&placed).reason, "OUT_OF_STOCK");
            assert_eq!(source_id, shop.site, "what a marketplace sold is not refused");
            continue;
        };
        let order = shop.order(&receipt.into_inner().order_id).await;
        accepted += 1;
        for line in order.lines.iter().filter(|line| line.kind == "goods") {
            let short = order.shortages.iter().find(|short| short.sku == line.sku);
            let missing = short.map_or(0, |short| short.wanted - short.available);
            assert_eq!(i64::from(line.reserved) + missing, i64::from(line.ordered), "{} of {at}", line.sku);
            held += i64::from(line.reserved);
        }
        assert!(!order.reservation_id.is_empty());
    }
    assert!((6..12).contains(&accepted), "{accepted} were accepted");
    assert_eq!(held, 15, "all there is, and no more, is held");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_had_to_give_way_is_repeated() {
    let shop = Shop::open().await;
    // A sequence remembers what was rolled back.
    let give_way = "CREATE SEQUENCE inserts;
        GRANT USAGE ON SEQUENCE inserts TO PUBLIC;
        CREATE FUNCTION give_way() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('inserts') <= 2 THEN
                RAISE EXCEPTION 'deadlock detected' USING ERRCODE = 'deadlock_detected';
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER give_way AFTER INSERT ON orders FOR EACH STATEMENT EXECUTE FUNCTION give_way()";
    shop.world.database("orders").client().await.batch_execute(give_way).await.unwrap();

    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;

    assert_eq!(shop.events(&order.order_id).await, ["OrderPlaced"]);
    assert_eq!(shop.count("SELECT last_value FROM inserts").await, 3);
    assert_eq!(shop.count("SELECT count(*) FROM orders").await, 1);
}
