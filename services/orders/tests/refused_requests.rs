//! Requests for new orders that are not even recorded.

use proto::orders::v1 as pb;
use proto::r#type::v1::Money;
use tonic::Code;
use types::{ShopId, SourceId};

use crate::shop::{Shop, contact, courier, line, uah};

type Spoil = fn(&mut pb::PlaceOrderRequest);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let shop = Shop::open().await;
    let spoiled: [(Spoil, &str, &str); 31] = [
        (|request| request.shop_id.clear(), "REQUIRED", "shop_id"),
        (|request| request.shop_id = "shop".to_owned(), "MALFORMED", "shop_id"),
        (|request| request.source_id.clear(), "REQUIRED", "source_id"),
        (|request| request.idempotency_key.clear(), "REQUIRED", "idempotency_key"),
        (|request| request.idempotency_key = "ключ".to_owned(), "MALFORMED", "idempotency_key"),
        (|request| request.method = 99, "UNKNOWN", "method"),
        (|request| request.external_id = "x".repeat(129), "TOO_LONG", "external_id"),
        (|request| request.external_id = "a\0".to_owned(), "CONTROL_CHARACTER", "external_id"),
        (|request| request.external_id = "a\nb".to_owned(), "CONTROL_CHARACTER", "external_id"),
        (|request| contact_of(request).phone = "9".repeat(41), "TOO_LONG", "contact.phone"),
        (|request| contact_of(request).name = "a\u{0}".to_owned(), "CONTROL_CHARACTER", "contact.name"),
        (|request| contact_of(request).email = "nobody".to_owned(), "MALFORMED", "contact.email"),
        (|request| contact_of(request).name = "x".repeat(201), "TOO_LONG", "contact.name"),
        (|request| request.comment = "x".repeat(4001), "TOO_LONG", "comment"),
        (|request| request.lines.clear(), "REQUIRED", "lines"),
        (|request| request.lines = vec![line("A-1", 1); 1001], "TOO_MANY", "lines"),
        (|request| request.lines[0].sku.clear(), "REQUIRED", "lines[0].sku"),
        (|request| request.lines[0].sku = " A-1".to_owned(), "MALFORMED", "lines[0].sku"),
        (|request| request.lines[0].quantity = 0, "OUT_OF_RANGE", "lines[0].quantity"),
        (|request| request.lines[0].quantity = -1, "OUT_OF_RANGE", "lines[0].quantity"),
        (|request| request.lines[0].quantity = 1_000_001, "OUT_OF_RANGE", "lines[0].quantity"),
        (|request| request.lines[0].unit_price = uah("-1.00"), "OUT_OF_RANGE", "lines[0].unit_price"),
        (|request| request.lines[0].unit_price = uah("1.001"), "MALFORMED", "lines[0].unit_price.amount"),
        (
            |request| request.lines[0].unit_price = Some(usd("1.00")),
            "CURRENCY_MISMATCH",
            "lines[0].unit_price",
        ),
        (|request| dear(request), "OUT_OF_RANGE", "lines"),
        (|request| request.expected_total = Some(usd("1.00")), "CURRENCY_MISMATCH", "expected_total"),
        (|request| request.currency_code = "XXX".to_owned(), "MALFORMED", "currency_code"),
        (|request| request.payment_method = "barter".to_owned(), "MALFORMED", "payment_method"),
        (
            |request| delivery_of(request).delivery_method_id.clear(),
            "REQUIRED",
            "delivery.delivery_method_id",
        ),
        (|request| delivery_of(request).price = uah("-1"), "OUT_OF_RANGE", "delivery.price"),
        (
            |request| delivery_of(request).address.as_mut().unwrap().country_code = "ua".to_owned(),
            "MALFORMED",
            "delivery.address.country_code",
        ),
    ];
    for (spoil, reason, field) in spoiled {
        let mut request = shop.parcel(&[("A-1", 1)]);
        spoil(&mut request);

        let refused = testing::refusal(shop.place(request).await);

        assert_eq!((refused.code, refused.reason.as_str()), (Code::InvalidArgument, reason), "{field}");
        assert_eq!(refused.fields, [field]);
    }
    assert_eq!(shop.count("SELECT count(*) FROM orders").await, 0);
    assert_eq!(shop.count("SELECT count(*) FROM idempotency_keys").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_is_named_at_once() {
    let shop = Shop::open().await;
    let mut request = shop.cart(&[("", 0)]);
    request.source_id.clear();
    request.lines.push(line("A-1", 0));

    let refused = testing::refusal(shop.place(request).await);

    assert_eq!(refused.fields, ["source_id", "lines[0].sku", "lines[0].quantity", "lines[1].quantity"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_need_their_scope() {
    let shop = Shop::open().await;
    let mut partner = shop.partner(&[shop.shop_id], &["orders.write"]);
    let mut request = shop.parcel(&[("A-1", 1)]);
    request.lines[0].unit_price = uah("1.00");
    request.lines[0].name = "Cheap".to_owned();
    request.delivery.as_mut().unwrap().price = uah("0.00");
    let nobody = pb::PlaceOrderRequest { contact: None, ..shop.cart(&[("A-1", 1)]) };

    let refused = testing::refusal(partner.place_order(request.clone()).await);
    let faceless = testing::refusal(partner.place_order(nobody.clone()).await);

    assert_eq!((refused.code, refused.reason.as_str()), (Code::InvalidArgument, "PRICE_NOT_ALLOWED"));
    assert_eq!(refused.fields, ["lines[0].unit_price", "lines[0].name", "delivery.price"]);
    assert_eq!(faceless.fields, ["contact"]);
    let mut marketplace = shop.partner(&[shop.shop_id], &["orders.write", "orders.price"]);
    marketplace.place_order(request).await.unwrap();
    marketplace.place_order(nobody).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn shops_and_sources_that_are_not_the_callers_are_absent() {
    let shop = Shop::open().await;
    let (other_shop, other_source) = shop.add_shop();
    let mut partner = shop.partner(&[shop.shop_id], &["orders.write"]);
    let in_shop =
        |shop_id: ShopId| pb::PlaceOrderRequest { shop_id: shop_id.to_string(), ..shop.cart(&[("A-1", 1)]) };
    let from = |source: SourceId| pb::PlaceOrderRequest {
        source_id: source.to_string(),
        ..shop.cart(&[("A-1", 1)])
    };

    let foreign = partner.place_order(in_shop(other_shop)).await.unwrap_err();
    let absent = shop.place(in_shop(ShopId::new())).await.unwrap_err();
    assert_eq!((foreign.code(), foreign.message()), (absent.code(), absent.message()));
    assert_eq!(testing::refusal::<()>(Err(foreign)).reason, "SHOP_NOT_FOUND");

    let foreign = partner.place_order(from(other_source)).await.unwrap_err();
    let absent = partner.place_order(from(SourceId::new())).await.unwrap_err();
    assert_eq!((foreign.code(), foreign.message()), (absent.code(), absent.message()));
    assert_eq!(testing::refusal::<()>(Err(foreign)).reason, "SOURCE_NOT_FOUND");
}

fn contact_of(request: &mut pb::PlaceOrderRequest) -> &mut pb::Contact {
    request.contact.get_or_insert_with(contact)
}

fn delivery_of(request: &mut pb::PlaceOrderRequest) -> &mut pb::NewDelivery {
    request.delivery.get_or_insert_with(courier)
}

fn usd(amount: &str) -> Money {
    Money { amount: amount.to_owned(), currency_code: "USD".to_owned() }
}

fn dear(request: &mut pb::PlaceOrderRequest) {
    request.lines[0].quantity = 1_000_000;
    request.lines[0].unit_price = uah("92233720368547758.07");
}
