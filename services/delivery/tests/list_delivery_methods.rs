//! Listing ways to deliver.

use proto::delivery::v1::{DeliveryMethod, ListDeliveryMethodsRequest};
use testing::refusal;
use types::ShopId;

use crate::{Yard, courier, tariff};

fn named(name: &str, shop: Option<ShopId>, sort_order: i32) -> DeliveryMethod {
    let mut method = courier(name, vec![tariff("1.00", "UAH")]);
    method.shop_id = shop.map(String::from).unwrap_or_default();
    method.sort_order = sort_order;
    method
}

async fn names(yard: &Yard, partner: Option<ShopId>, request: ListDeliveryMethodsRequest) -> Vec<String> {
    let mut client = partner.map_or_else(|| yard.delivery(), |shop| yard.partner_of(shop));
    let listed = client.list_delivery_methods(request).await.expect("lists").into_inner().delivery_methods;
    listed.into_iter().map(|method| method.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_sees_its_own_methods_and_those_of_every_shop() {
    let yard = Yard::open().await;
    let other = ShopId::new();
    yard.offer(named("second", Some(yard.shop), 2)).await;
    yard.offer(named("foreign", Some(other), 1)).await;
    yard.offer(named("first", None, 1)).await;
    let mut old = named("old", None, 0);
    old.archived = true;
    yard.offer(old).await;

    let all = ListDeliveryMethodsRequest::default();
    assert_eq!(names(&yard, Some(yard.shop), all.clone()).await, ["first", "second"]);
    assert_eq!(names(&yard, None, all.clone()).await.len(), 3);
    let archived = ListDeliveryMethodsRequest { include_archived: true, ..all.clone() };
    assert_eq!(names(&yard, Some(yard.shop), archived).await, ["old", "first", "second"]);
    let of_other = ListDeliveryMethodsRequest { shop_id: other.to_string(), ..all.clone() };
    assert_eq!(names(&yard, Some(yard.shop), of_other.clone()).await, ["first"]);
    let of_nobody = ListDeliveryMethodsRequest { shop_id: ShopId::new().to_string(), ..all };
    assert_eq!(names(&yard, Some(yard.shop), of_nobody).await, ["first"]);
    assert_eq!(names(&yard, None, of_other).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_the_order_of_the_shop() {
    let yard = Yard::open().await;
    for (name, sort_order) in [("c", 5), ("a", -1), ("b", 5), ("d", 9)] {
        yard.offer(named(name, None, sort_order)).await;
    }
    let mut request = ListDeliveryMethodsRequest { page_size: 1, ..Default::default() };
    let mut listed = Vec::new();
    loop {
        let page = yard.delivery().list_delivery_methods(request.clone()).await.expect("lists").into_inner();
        listed.extend(page.delivery_methods.into_iter().map(|method| method.name));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    // Ids grow with time: of two methods with one position the older comes first.
    assert_eq!(listed, ["a", "c", "b", "d"]);
    request.include_archived = true;
    assert_eq!(refusal(yard.delivery().list_delivery_methods(request).await).fields, ["page_token"]);
    let request = ListDeliveryMethodsRequest { shop_id: "x".to_owned(), ..Default::default() };
    assert_eq!(refusal(yard.delivery().list_delivery_methods(request).await).fields, ["shop_id"]);
    let request = ListDeliveryMethodsRequest { page_size: -1, ..Default::default() };
    assert_eq!(refusal(yard.delivery().list_delivery_methods(request).await).fields, ["page_size"]);
}
