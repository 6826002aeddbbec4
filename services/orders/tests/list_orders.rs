//! Lists of orders.

use std::time::Duration;

use proto::orders::v1 as pb;
use tonic::Code;

use crate::shop::{Shop, contact};

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_newest_first_and_miss_nothing() {
    let shop = Shop::open().await;
    let mut placed = Vec::new();
    for _ in 0..7 {
        placed.push(shop.placed(shop.cart(&[("A-1", 1), ("WRAP", 1)])).await.order_id);
    }
    placed.reverse();

    let mut listed = Vec::new();
    let mut request = pb::ListOrdersRequest { page_size: 3, ..Default::default() };
    loop {
        let page = shop.client().list_orders(request.clone()).await.unwrap().into_inner();
        assert!(page.orders.len() <= 3);
        listed.extend(page.orders);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
        // What comes meanwhile does not move the pages.
        shop.placed(shop.cart(&[("WRAP", 1)])).await;
    }

    assert_eq!(listed.iter().map(|order| order.order_id.clone()).collect::<Vec<_>>(), placed);
    let order = &listed[0];
    assert_eq!((order.line_count, order.contact_name.as_str()), (2, contact().name.as_str()));
    assert_eq!(order.fulfilment_status(), pb::FulfilmentStatus::Unfulfilled);
    let full = shop.order(&order.order_id).await;
    assert_eq!(
        (&order.number, &order.total, &order.customer_id),
        (&full.number, &full.total, &full.customer_id)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_filters() {
    let shop = Shop::open().await;
    let start = shop.world.clock.now();
    let first = shop.placed(shop.cart(&[("A-1", 1)])).await;
    shop.world.clock.advance(Duration::from_secs(3600));
    let mut marketplace = shop.cart(&[("A-1", 1)]);
    marketplace.source_id = shop.marketplace.to_string();
    marketplace.external_id = "MP/2024-17".to_owned();
    marketplace.contact = Some(pb::Contact {
        name: "John O'Neil".to_owned(),
        phone: "8 916 555-12-12".to_owned(),
        email: String::new(),
    });
    let second = shop.placed(marketplace).await;
    shop.change_state(&second.order_id, pb::OrderState::Approval).await.unwrap();
    let list = async |request: pb::ListOrdersRequest| {
        let page = shop.client().list_orders(request).await.unwrap().into_inner();
        page.orders.into_iter().map(|order| order.order_id).collect::<Vec<_>>()
    };
    let all = pb::ListOrdersRequest::default;
    let (first_only, second_only) = (vec![first.order_id.clone()], vec![second.order_id.clone()]);
    let both = vec![second.order_id.clone(), first.order_id.clone()];

    let states = |states: &[pb::OrderState]| states.iter().map(|state| (*state).into()).collect::<Vec<i32>>();
    let approval = states(&[pb::OrderState::Approval]);
    assert_eq!(list(pb::ListOrdersRequest { states: approval, ..all() }).await, second_only);
    let open = states(&[pb::OrderState::Approval, pb::OrderState::New]);
    assert_eq!(list(pb::ListOrdersRequest { states: open, ..all() }).await, both);
    let source_id = shop.site.to_string();
    assert_eq!(list(pb::ListOrdersRequest { source_id, ..all() }).await, first_only);
    let customer_id = second.customer_id.clone();
    assert_eq!(list(pb::ListOrdersRequest { customer_id, ..all() }).await, second_only);
    let middle = Some(rpc::wire::time(start + chrono::TimeDelta::minutes(30)));
    assert_eq!(list(pb::ListOrdersRequest { created_from_time: middle, ..all() }).await, second_only);
    assert_eq!(list(pb::ListOrdersRequest { created_until_time: middle, ..all() }).await, first_only);
    let exactly = first.create_time;
    assert_eq!(
        list(pb::ListOrdersRequest { created_until_time: exactly, ..all() }).await,
        Vec::<String>::new()
    );
    assert_eq!(list(pb::ListOrdersRequest { created_from_time: exactly, ..all() }).await, both);

    for (text, found) in [
        (first.number.as_str(), &first_only),
        ("a-1001", &first_only),
        ("MP/2024-17", &second_only),
        ("0671234567", &first_only),
        ("+380 67 123 45 67", &first_only),
        ("45-67", &first_only),
        ("+7 916 555 12 12", &second_only),
        ("коваль олена", &first_only),
        ("ПЕТР", &first_only),
        ("o'neil", &second_only),
        ("jo nei", &second_only),
        ("john петренко", &Vec::new()),
        ("' | '':*", &Vec::new()),
        ("%", &Vec::new()),
        ("67", &Vec::new()),
    ] {
        assert_eq!(list(pb::ListOrdersRequest { text: text.to_owned(), ..all() }).await, *found, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_sees_the_orders_of_his_shops() {
    let shop = Shop::open().await;
    let (other_shop, other_source) = shop.add_shop();
    let here = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let there = pb::PlaceOrderRequest {
        shop_id: other_shop.to_string(),
        source_id: other_source.to_string(),
        ..shop.cart(&[("A-1", 1)])
    };
    let there = shop.placed(there).await;
    let list = async |mut client: crate::shop::Client, shop_id: String| {
        let page = client.list_orders(pb::ListOrdersRequest { shop_id, ..Default::default() }).await.unwrap();
        page.into_inner().orders.into_iter().map(|order| order.order_id).collect::<Vec<_>>()
    };
    let partner = |shops: &[types::ShopId]| shop.partner(shops, &["orders.read"]);

    assert_eq!(list(partner(&[shop.shop_id]), String::new()).await, std::slice::from_ref(&here.order_id));
    assert_eq!(list(partner(&[shop.shop_id]), other_shop.to_string()).await, Vec::<String>::new());
    assert_eq!(
        list(partner(&[shop.shop_id, other_shop]), String::new()).await,
        [there.order_id.clone(), here.order_id]
    );
    assert_eq!(list(shop.client(), other_shop.to_string()).await, [there.order_id]);
    assert_eq!(list(partner(&[]), String::new()).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_are_refused() {
    let shop = Shop::open().await;
    for _ in 0..2 {
        shop.placed(shop.cart(&[("WRAP", 1)])).await;
    }
    let all = pb::ListOrdersRequest::default;
    let page = shop
        .client()
        .list_orders(pb::ListOrdersRequest { page_size: 1, ..all() })
        .await
        .unwrap()
        .into_inner();
    let year_0 = Some(prost_types::Timestamp { seconds: -70_000_000_000, nanos: 0 });
    for (request, field) in [
        (pb::ListOrdersRequest { states: vec![99], ..all() }, "states[0]"),
        (pb::ListOrdersRequest { states: vec![2; 9], ..all() }, "states"),
        (pb::ListOrdersRequest { source_id: "x".to_owned(), ..all() }, "source_id"),
        (pb::ListOrdersRequest { customer_id: "x".to_owned(), ..all() }, "customer_id"),
        (pb::ListOrdersRequest { shop_id: "x".to_owned(), ..all() }, "shop_id"),
        (pb::ListOrdersRequest { text: "a\0".to_owned(), ..all() }, "text"),
        (pb::ListOrdersRequest { created_from_time: year_0, ..all() }, "created_from_time"),
        (pb::ListOrdersRequest { page_size: -1, ..all() }, "page_size"),
        (pb::ListOrdersRequest { page_token: "x".to_owned(), ..all() }, "page_token"),
        // A token of another list.
        (
            pb::ListOrdersRequest { text: "a".to_owned(), page_token: page.next_page_token, ..all() },
            "page_token",
        ),
    ] {
        let refused = testing::refusal(shop.client().list_orders(request).await);
        assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec![field.to_owned()]));
    }
}
