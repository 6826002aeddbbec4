//! Carts: written whole, abandoned once, ordered with their order, forgotten in time.

use std::time::Duration;

use proto::orders::v1 as pb;
use testing::{World, refusal};
use tonic::Code;

use crate::shop::{Shop, contact, facts, uah};

const HOUR: Duration = Duration::from_secs(3600);

fn cart(shop: &Shop, cart_id: &str, lines: &[(&str, i32)]) -> pb::PutCartRequest {
    pb::PutCartRequest {
        cart_id: cart_id.to_owned(),
        shop_id: shop.shop_id.to_string(),
        source_id: shop.site.to_string(),
        contact: None,
        lines: lines
            .iter()
            .map(|(sku, quantity)| pb::CartLine { sku: (*sku).to_owned(), quantity: *quantity })
            .collect(),
        etag: String::new(),
    }
}

async fn put(shop: &Shop, request: pb::PutCartRequest) -> pb::Cart {
    shop.carts().put_cart(request).await.expect("the cart is written").into_inner()
}

async fn get(shop: &Shop, cart_id: &str) -> pb::Cart {
    let request = pb::GetCartRequest { cart_id: cart_id.to_owned(), shop_id: shop.shop_id.to_string() };
    shop.carts().get_cart(request).await.expect("the cart is there").into_inner()
}

/// The types of the events of all carts.
async fn told(shop: &Shop) -> Vec<String> {
    let client = shop.world.database("orders").client().await;
    let sql =
        "SELECT split_part(type, '.', 4) FROM event_log WHERE aggregate_id LIKE 'crt_%' ORDER BY position";
    client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_content_is_written_each_time() {
    let shop = Shop::open().await;

    let first = put(&shop, cart(&shop, "c-1", &[("A-1", 1), ("A-1", 2)])).await;
    let filled = pb::PutCartRequest { contact: Some(contact()), ..cart(&shop, "c-1", &[("B-1", 3)]) };
    let second = put(&shop, filled.clone()).await;
    let again = put(&shop, filled.clone()).await;

    assert_eq!((first.lines.len(), first.etag.as_str(), first.state()), (2, "1", pb::CartState::Open));
    assert_eq!((second.lines.len(), second.etag.as_str()), (1, "2"));
    assert_eq!((again.etag.as_str(), again.contact), ("2", Some(contact())));
    let stale = pb::PutCartRequest { etag: "1".to_owned(), ..cart(&shop, "c-1", &[("A-1", 9)]) };
    let stale = refusal(shop.carts().put_cart(stale).await);
    assert_eq!((stale.code, stale.reason.as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    // The answer to the second was lost: the same content with the old etag is a repeat.
    assert_eq!(put(&shop, pb::PutCartRequest { etag: "1".to_owned(), ..filled }).await.etag, "2");
    assert_eq!(shop.count("SELECT count(*) FROM audit_log WHERE action = 'orders.put_cart'").await, 2);
    let personal = "SELECT count(*) FROM audit_log WHERE changes::text LIKE '%Петренко%'";
    assert_eq!(shop.count(personal).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_and_its_cart_are_one_commit() {
    let shop = Shop::open().await;
    put(&shop, pb::PutCartRequest { contact: Some(contact()), ..cart(&shop, "c-1", &[("A-1", 1)]) }).await;
    let request =
        |cart_id: &str| pb::PlaceOrderRequest { cart_id: cart_id.to_owned(), ..shop.cart(&[("A-1", 1)]) };

    let rejected = pb::PlaceOrderRequest { expected_total: uah("1.00"), ..request("c-1") };
    assert_eq!(refusal(shop.place(rejected).await).reason, "PRICE_CHANGED");
    assert_eq!(get(&shop, "c-1").await.state(), pb::CartState::Open, "a rejected order takes no cart");
    let order = shop.placed(request("c-1")).await;
    let second = shop.placed(request("c-1")).await;
    let unknown = shop.placed(request("c-2")).await;

    let ordered = get(&shop, "c-1").await;
    assert_eq!((ordered.state(), &ordered.order_id), (pb::CartState::Ordered, &order.order_id));
    assert_eq!(
        (order.cart_id.as_str(), second.cart_id.as_str(), unknown.cart_id.as_str()),
        ("c-1", "c-1", "c-2")
    );
    assert_eq!(told(&shop).await, ["CartOrdered"]);
    let together = "SELECT count(*) FROM event_log c JOIN event_log o USING (create_time) WHERE c.type LIKE '%CartOrdered'
                    AND o.type LIKE '%OrderPlaced'";
    assert_eq!(shop.count(together).await, 1);
    let answer = shop.carts().put_cart(cart(&shop, "c-1", &[("A-1", 2)])).await;
    assert_eq!(crate::shop::refusal(&answer).reason, "CART_ORDERED");
    assert_eq!(facts(&answer)["order_id"], order.order_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_is_abandoned_once_until_it_is_touched() {
    let shop = Shop::open().await;
    let known = |id: &str| pb::PutCartRequest { contact: Some(contact()), ..cart(&shop, id, &[("A-1", 1)]) };
    put(&shop, known("left")).await;
    put(&shop, known("ordered")).await;
    put(&shop, cart(&shop, "cleared", &[("A-1", 1)])).await;
    clear(&shop, "cleared").await;
    shop.placed(pb::PlaceOrderRequest { cart_id: "ordered".to_owned(), ..shop.cart(&[("A-1", 1)]) }).await;
    let abandoned = async |count: usize| {
        testing::eventually("the job notices", async || {
            (told(&shop).await.iter().filter(|event| *event == "CartAbandoned").count() == count)
                .then_some(())
        })
        .await;
    };

    shop.world.clock.advance(HOUR);
    abandoned(1).await;
    let left = get(&shop, "left").await;
    assert_eq!((left.state(), left.contact), (pb::CartState::Abandoned, Some(contact())));
    shop.world.clock.advance(HOUR);
    let touched = put(&shop, known("left")).await;
    assert_eq!((touched.state(), touched.etag.as_str()), (pb::CartState::Open, "1"));
    shop.world.clock.advance(HOUR);
    abandoned(2).await;

    assert_eq!(told(&shop).await, ["CartOrdered", "CartAbandoned", "CartAbandoned"]);
    for secret in ["Петренко", "(067) 123-45-67", "671234567"] {
        let personal = format!(
            "SELECT count(*) FROM event_log WHERE position(convert_to('{secret}', 'UTF8') in body) > 0"
        );
        assert_eq!(shop.count(&personal).await, 0, "{secret} was told");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_tell_who_left_what() {
    let shop = Shop::open().await;
    let (foreign, _) = shop.add_shop();
    put(&shop, cart(&shop, "old", &[("A-1", 1)])).await;
    put(&shop, pb::PutCartRequest { contact: Some(contact()), ..cart(&shop, "known", &[("A-1", 1)]) }).await;
    let mut theirs = cart(&shop, "theirs", &[("A-1", 1)]);
    (theirs.shop_id, theirs.source_id) = (foreign.to_string(), String::new());
    put(&shop, theirs).await;
    shop.world.clock.advance(Duration::from_secs(20 * 60));
    put(&shop, cart(&shop, "fresh", &[("A-1", 1)])).await;
    let list = async |request: pb::ListCartsRequest| {
        let page = shop.carts().list_carts(request).await.unwrap().into_inner();
        page.carts.into_iter().map(|cart| cart.cart_id).collect::<Vec<_>>()
    };
    let ours = || pb::ListCartsRequest { shop_id: shop.shop_id.to_string(), ..Default::default() };

    assert_eq!(list(ours()).await.len(), 3);
    assert_eq!(list(ours()).await[0], "fresh");
    let untouched = pb::ListCartsRequest { untouched_minutes: 15, ..ours() };
    assert_eq!(list(untouched.clone()).await, ["known", "old"]);
    assert_eq!(list(pb::ListCartsRequest { reachable: true, ..untouched }).await, ["known"]);
    assert!(
        list(pb::ListCartsRequest { states: vec![pb::CartState::Ordered.into()], ..ours() }).await.is_empty()
    );
    let first =
        shop.carts().list_carts(pb::ListCartsRequest { page_size: 2, ..ours() }).await.unwrap().into_inner();
    let rest = pb::ListCartsRequest { page_size: 2, page_token: first.next_page_token, ..ours() };
    assert_eq!(list(rest).await, ["old"]);
    let partner = shop.world.channel_as("orders", World::partner(&[foreign], &["orders.read"]));
    let mut partner = proto::orders::v1::cart_service_client::CartServiceClient::new(partner);
    let theirs = partner.list_carts(pb::ListCartsRequest::default()).await.unwrap().into_inner();
    assert_eq!(theirs.carts.len(), 1);
    let request = pb::GetCartRequest { cart_id: "old".to_owned(), shop_id: shop.shop_id.to_string() };
    assert_eq!(refusal(partner.get_cart(request).await).reason, "CART_NOT_FOUND");
    let wrong = pb::ListCartsRequest { untouched_minutes: -1, states: vec![77], ..ours() };
    assert_eq!(refusal(shop.carts().list_carts(wrong).await).fields, ["untouched_minutes", "states[0]"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn clearing_forgets_the_buyer() {
    let shop = Shop::open().await;
    put(&shop, pb::PutCartRequest { contact: Some(contact()), ..cart(&shop, "c-1", &[("A-1", 1)]) }).await;

    let cleared = clear(&shop, "c-1").await;
    let again = clear(&shop, "c-1").await;

    assert_eq!((cleared.state(), cleared.lines.len()), (pb::CartState::Cleared, 0));
    assert_eq!(cleared.contact, Some(pb::Contact::default()));
    assert_eq!(again, cleared);
    assert_eq!(shop.count("SELECT count(*) FROM audit_log WHERE action = 'orders.clear_cart'").await, 1);
    assert_eq!(put(&shop, cart(&shop, "c-1", &[("A-1", 1)])).await.state(), pb::CartState::Open);
    let absent = pb::ClearCartRequest {
        cart_id: "c-9".to_owned(),
        shop_id: shop.shop_id.to_string(),
        etag: String::new(),
    };
    assert_eq!(refusal(shop.carts().clear_cart(absent).await).reason, "CART_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn carts_are_kept_for_ninety_days() {
    let shop = Shop::open().await;
    for at in 0..3 {
        put(&shop, cart(&shop, &format!("old-{at}"), &[("A-1", 1)])).await;
    }
    shop.world.clock.advance(Duration::from_secs(24 * 3600));
    put(&shop, cart(&shop, "young", &[("A-1", 1)])).await;

    shop.world.clock.advance(Duration::from_secs(89 * 24 * 3600 + 3600));

    testing::eventually("the old ones are gone", async || {
        (shop.count("SELECT count(*) FROM carts").await == 1).then_some(())
    })
    .await;
    assert_eq!(get(&shop, "young").await.cart_id, "young");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_cart_is_named() {
    let shop = Shop::open().await;
    let wrong = pb::PutCartRequest {
        cart_id: "with space".to_owned(),
        lines: vec![pb::CartLine { sku: String::new(), quantity: 0 }],
        ..cart(&shop, "", &[])
    };
    let refused = refusal(shop.carts().put_cart(wrong).await);
    assert_eq!(refused.fields, ["cart_id", "lines[0].sku", "lines[0].quantity"]);
    let empty = refusal(shop.carts().put_cart(cart(&shop, "c-1", &[])).await);
    assert_eq!(empty.fields, ["lines"]);
    let (foreign, source) = shop.add_shop();
    let strange = pb::PutCartRequest { source_id: source.to_string(), ..cart(&shop, "c-1", &[("A-1", 1)]) };
    assert_eq!(refusal(shop.carts().put_cart(strange).await).reason, "SOURCE_NOT_FOUND");
    let partner = shop.world.channel_as("orders", World::partner(&[foreign], &["orders.write"]));
    let mut partner = proto::orders::v1::cart_service_client::CartServiceClient::new(partner);
    assert_eq!(refusal(partner.put_cart(cart(&shop, "c-1", &[("A-1", 1)])).await).reason, "SHOP_NOT_FOUND");
}

async fn clear(shop: &Shop, cart_id: &str) -> pb::Cart {
    let request = pb::ClearCartRequest {
        cart_id: cart_id.to_owned(),
        shop_id: shop.shop_id.to_string(),
        etag: String::new(),
    };
    shop.carts().clear_cart(request).await.expect("the cart is cleared").into_inner()
}
